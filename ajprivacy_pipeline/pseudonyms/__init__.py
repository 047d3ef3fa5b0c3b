"""Tokens instead of people, and the zone of those who may follow a person over time.

Does not belong here: what is published.
"""
