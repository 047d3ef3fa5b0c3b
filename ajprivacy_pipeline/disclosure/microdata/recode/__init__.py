"""Recoding of microdata: quasi-identifiers generalised along hierarchies until every equivalence class is large enough.

    hierarchy     a generalisation hierarchy: leaves, levels, loss
    tuples        the table as weighted distinct tuples of leaf codes
    rules         what every equivalence class must satisfy
    classes       a partition of the tuples, tightened to lowest common ancestors
    walk          local recoding: classes kept node by node, cheapest first, and where the residue goes
    refine        classes split top-down
    improve       tuples moved between classes where that loses less
    local         the three together
    full_domain   one level per column, the best node of the lattice
    recoding      the outcome, and its way back into a table

Belongs here: the transformation. Does not belong here: the check of its outcome (`diversity.py` reads the table alone
and trusts nothing said here), and the decision who is in the table.
"""
