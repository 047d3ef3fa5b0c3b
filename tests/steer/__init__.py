"""Policies compared, tried out and looked ahead with."""
