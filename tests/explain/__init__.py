"""Explanations: that they agree with the decisions, and how they read."""
