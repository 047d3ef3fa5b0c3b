"""docs/recipes.md names every recipe, with its driver and its address."""

from pathlib import Path

from ajprivacy_pipeline.recipes.recipe import recipes

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")


def test_the_page_names_every_recipe() -> None:
    for name, recipe in recipes().items():
        assert f"| `{name}` | {recipe.title} |" in TEXT
        assert recipe.driver is None or f"ajprivacy-pipeline[{recipe.driver}]" in TEXT
        assert recipe.address in TEXT
