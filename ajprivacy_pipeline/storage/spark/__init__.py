"""Spark as an engine of the models: their SQL said in its dialect, and a session that runs it.

Belongs here: everything that knows Spark. Does not belong here: what a model says, or which engine a month uses.
"""
