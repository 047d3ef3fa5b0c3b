"""Texts: looking for personal values in what is about to be published or was written down."""
