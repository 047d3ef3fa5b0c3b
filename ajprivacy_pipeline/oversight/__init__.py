"""What people decide and answer for: reviews, legal holds, evidence.

Does not belong here: what a decision does to somebody's data, which is SQL.
"""
