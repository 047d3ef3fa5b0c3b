"""The policy as a thing one can steer: what it promises, what it says, what a change of it would do.

Belongs here: reading, comparing, trying out policies, and looking ahead from a month's decisions. Does not belong here:
the shape of the policy (`policy`), the rules that decide (SQL), how it looks in a terminal (`commands`).
"""
