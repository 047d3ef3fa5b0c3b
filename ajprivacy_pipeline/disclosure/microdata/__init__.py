"""Microdata: recoding, diversity, and attacks on records."""
