"""Local recoding: walk, refine, improve, refine; then every class is published as its lowest common ancestors.

Belongs here: the sequence of the steps. Nothing is suppressed.
"""

from ajprivacy_pipeline.disclosure.microdata.recode.classes import classes_of
from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import Codes
from ajprivacy_pipeline.disclosure.microdata.recode.improve import improve
from ajprivacy_pipeline.disclosure.microdata.recode.recoding import Recoding
from ajprivacy_pipeline.disclosure.microdata.recode.refine import refine
from ajprivacy_pipeline.disclosure.microdata.recode.rules import Judge
from ajprivacy_pipeline.disclosure.microdata.recode.tuples import Tuples
from ajprivacy_pipeline.disclosure.microdata.recode.walk import walk


def local(tuples: Tuples, k: int) -> Recoding:
    """Recode such that every class has k persons and satisfies the conditions on the tuples' sensitive columns.

    The result is a function of the multiset of rows. Classes may overlap in what their values mean.

    Raises:
        ReleaseError: not even the whole table as one class satisfies them.
    """
    judge = Judge(k, tuples.cells)
    assigned = refine(tuples, judge, walk(tuples, judge))
    assigned = refine(tuples, judge, improve(tuples, judge, assigned))
    return Recoding(tuples, tighten(tuples, assigned))


def tighten(tuples: Tuples, assigned: Codes) -> Codes:
    """Returns the level of each tuple's published value per column: its class's lowest common ancestor."""
    classes = classes_of(tuples, assigned)
    levels = assigned[:, None].repeat(len(tuples.hierarchies), axis=1)
    for c, tree in enumerate(tuples.hierarchies):
        levels[:, c] = tree.meet(classes.low[:, c], classes.high[:, c])[assigned]
    return levels
