"""Tests of the rights of the person."""
