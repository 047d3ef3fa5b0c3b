"""What may be held: binding the SQL models to the policy, faults of values, effects that outlive their row.

Does not belong here: the rules themselves, which are SQL.
"""
