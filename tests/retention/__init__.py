"""Tests of the decisions that single models make."""
