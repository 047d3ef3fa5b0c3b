"""Mappings of shops that many have: recognised by their tables, written with the answers to a few questions.

    recipe.py      what a recipe's TOML says, read and checked
    recognise.py   which shop a warehouse is, of which version, under which prefix
    answers.py     what the schema cannot tell: questions, their defaults, what may be answered
    written.py     the mapping's text
    NAME.toml, NAME.toml.j2   a recipe and its mapping

Belongs here: everything that knows a product by its name. Does not belong here: the mapping's language and what it
means (`warehouse`), asking on a terminal (`cli`). No row is read.
"""
