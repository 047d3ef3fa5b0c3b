"""Recipes: each shop recognised, mapped, decided like the same facts under canonical names, and carried out."""
