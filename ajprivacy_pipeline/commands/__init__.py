"""Groups of commands, a module each; `cli` puts them together.

Belongs here: arguments in, lines out. Does not belong here: work.
"""
