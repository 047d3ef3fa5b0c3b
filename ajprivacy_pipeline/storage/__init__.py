"""Where things lie, and the engine: zones' files, keys, the control store, the SQL catalogue, the error boundary.

Does not belong here: what stands in the tables.
"""
