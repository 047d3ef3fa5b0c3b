"""The lattice search, against every node looked at slowly; and local recoding against every partition."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ajprivacy_pipeline.disclosure.microdata.recode.classes import classes_of, total_loss
from ajprivacy_pipeline.disclosure.microdata.recode.full_domain import full_domain
from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import UNIT, hierarchy
from ajprivacy_pipeline.disclosure.microdata.recode.local import local
from ajprivacy_pipeline.disclosure.microdata.recode.rules import Sensitive
from ajprivacy_pipeline.disclosure.microdata.recode.tuples import Tuples, collect
from ajprivacy_pipeline.errors import ReleaseError
from tests.anonymise.recode.lookalike import columns, load, rows, trees

PLACE = hierarchy("place", [("a", "p", "*"), ("b", "p", "*"), ("c", "q", "*"), ("d", "q", "*")])
SHAPE = hierarchy("shape", [("o", "*"), ("x", "*"), ("y", "*")])


def _table(cells: list[tuple[int, int, int]]) -> Tuples:
    found = Counter((place, shape) for place, shape, _ in cells)
    codes = np.array(sorted(found), np.int64)
    return Tuples((PLACE, SHAPE), codes, np.array([found[tuple(code)] for code in codes.tolist()], np.int64))


def _brute_force_node(tuples: Tuples, k: int, limit: float) -> int | None:
    best = None
    for node in itertools.product(*[range(tree.depth) for tree in tuples.hierarchies]):
        groups: dict[tuple[int, ...], list[int]] = {}
        for i, code in enumerate(tuples.codes.tolist()):
            at = zip(tuples.hierarchies, node, code, strict=True)
            key = tuple(int(tree.levels[level, leaf]) for tree, level, leaf in at)
            groups.setdefault(key, []).append(i)
        loss, suppressed = 0, 0
        for inside in groups.values():
            size = int(tuples.persons[inside].sum())
            suppressed += size if size < k else 0
            for i in inside:
                each = sum(int(t.losses[level, leaf]) for t, level, leaf
                           in zip(tuples.hierarchies, node, tuples.codes[i].tolist(), strict=True))
                loss += int(tuples.persons[i]) * (UNIT * len(node) if size < k else each)
        if suppressed <= int(limit * int(tuples.persons.sum())) and (best is None or loss < best):
            best = loss
    return best


CELLS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.just(0)), min_size=2, max_size=12)


def _the_node_found_is_the_best(cells: list[tuple[int, int, int]], k: int, limit: float) -> None:
    tuples = _table(cells)
    best = _brute_force_node(tuples, k, limit)
    con = load([("a",)], ["unused"])
    if best is None:
        with pytest.raises(ReleaseError, match="no node"):
            full_domain(con, tuples, k, limit)
        return
    found = full_domain(con, tuples, k, limit).recoding
    lost = (1 - found.granularity) * UNIT * int(tuples.persons.sum()) * 2
    assert round(lost) == best


@settings(max_examples=25, deadline=None)
@given(CELLS, st.integers(2, 4), st.sampled_from([0.0, 0.25, 1.0]))
def test_the_node_found_is_the_best(cells: list[tuple[int, int, int]], k: int, limit: float) -> None:
    _the_node_found_is_the_best(cells, k, limit)


@pytest.mark.soak
@settings(max_examples=100, deadline=None)
@given(CELLS, st.integers(2, 4), st.sampled_from([0.0, 0.25, 1.0]))
def test_the_node_found_is_the_best_on_many(cells: list[tuple[int, int, int]], k: int, limit: float) -> None:
    _the_node_found_is_the_best(cells, k, limit)


def _partitions(items: list[int]) -> list[list[list[int]]]:
    if not items:
        return [[]]
    head, rest = items[0], items[1:]
    found = []
    for smaller in _partitions(rest):
        found.append([[head], *smaller])
        found += [[*smaller[:i], [head, *part], *smaller[i + 1:]] for i, part in enumerate(smaller)]
    return found


@settings(max_examples=60, deadline=None)
@given(CELLS, st.integers(2, 4))
def test_local_is_never_better_than_the_best_partition(cells: list[tuple[int, int, int]], k: int) -> None:
    """Nor worse than the best single node without suppression, and every published class has k persons."""
    tuples = _table(cells)
    if len(tuples) > 7 or int(tuples.persons.sum()) < k:
        return
    least = None
    for parts in _partitions(list(range(len(tuples)))):
        assigned = np.zeros(len(tuples), np.int64)
        for number, part in enumerate(parts):
            assigned[part] = number
        classes = classes_of(tuples, assigned)
        if classes.persons.min() >= k:
            least = total_loss(classes) if least is None else min(least, total_loss(classes))
    found = local(tuples, k)
    shown = Counter()
    for i, row in enumerate(zip(found.column(0), found.column(1), strict=True)):
        shown[row] += int(tuples.persons[i])
    lost = round((1 - found.granularity) * UNIT * int(tuples.persons.sum()) * 2)
    assert min(shown.values()) >= k
    assert least is not None
    assert lost >= least


@pytest.mark.soak
def test_suppressed_rows_say_nothing_and_stay_within_the_limit() -> None:
    con = load(rows(2000), columns())
    tuples = collect(con, "people", trees(), [Sensitive("illness", distinct_l=3)])
    found = full_domain(con, tuples, 5, 0.1)
    recoding = found.recoding
    shown = Counter()
    for i, row in enumerate(zip(*[recoding.column(c) for c in range(9)], strict=True)):
        shown[row] += int(tuples.persons[i])
    assert recoding.suppressed == shown.pop(("*",) * 9, 0)
    assert recoding.suppressed <= 200
    assert min(shown.values()) >= 5
    for c, level in enumerate(found.node):
        assert set(recoding.levels[:, c].tolist()) <= {level, trees()[c].depth - 1}
