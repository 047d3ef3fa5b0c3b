"""Local recoding of the look-alike: classes counted independently, containment, determinism, every step's promise."""

import random
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from ajprivacy_pipeline.disclosure.microdata.recode.classes import classes_of, total_loss
from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import hierarchy
from ajprivacy_pipeline.disclosure.microdata.recode.improve import improve, spans_without
from ajprivacy_pipeline.disclosure.microdata.recode.local import local, tighten
from ajprivacy_pipeline.disclosure.microdata.recode.recoding import Recoding
from ajprivacy_pipeline.disclosure.microdata.recode.refine import refine
from ajprivacy_pipeline.disclosure.microdata.recode.rules import Judge, Sensitive
from ajprivacy_pipeline.disclosure.microdata.recode.tuples import Tuples, collect
from ajprivacy_pipeline.disclosure.microdata.recode.walk import walk
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.storage.zones import memory
from tests.anonymise.recode.lookalike import Row, columns, load, rows, trees

ROWS = rows(3000)
TREES = trees()
ILLNESS = Sensitive("illness", distinct_l=3, entropy_l=2.5, closeness_t=0.4)
SPEND = Sensitive("spend", distinct_l=3, entropy_l=2.5, closeness_t=0.3, order=("none", "low", "middle", "high", "top"))


@pytest.fixture(scope="module")
def people() -> Tuples:
    return collect(load(ROWS, columns()), "people", TREES)


def published(table_rows: list[Row], k: int, *sensitive: Sensitive) -> list[Row]:
    """The recoded table with its sensitive columns, as a release would write it."""
    con = load(table_rows, columns())
    recoding = local(collect(con, "people", TREES, sensitive), k)
    recoding.store(con, "mapping")
    return con.execute(recoding.recoded("people", "mapping", ("spend", "illness"))).fetchall()


@pytest.mark.parametrize("k", [5, pytest.param(10, marks=pytest.mark.soak), pytest.param(20, marks=pytest.mark.soak)])
def test_every_class_has_k_rows_and_no_row_is_lost(k: int) -> None:
    out = published(ROWS, k)
    assert len(out) == len(ROWS)
    assert min(Counter(row[:9] for row in out).values()) >= k
    assert Counter(row[9:] for row in out) == Counter(row[9:] for row in ROWS)


def test_every_published_value_stands_above_its_own(people: Tuples) -> None:
    """Containment: nobody is published as something that is not true of them."""
    recoding = local(people, 5)
    for c, tree in enumerate(TREES):
        paths = {leaf: {tree.labels[level][tree.levels[level, i]] for level in range(tree.depth)}
                 for i, leaf in enumerate(tree.leaves)}
        for code, value in zip(people.codes[:, c].tolist(), recoding.column(c), strict=True):
            assert value in paths[tree.leaves[code]]


@pytest.mark.soak
def test_row_order_says_nothing() -> None:
    shuffled = ROWS.copy()
    random.Random(3).shuffle(shuffled)
    assert published(shuffled, 5, SPEND) == published(ROWS, 5, SPEND)


def test_each_step_keeps_k_and_never_loses_more(people: Tuples) -> None:
    judge = Judge(5)
    steps = [walk(people, judge)]
    steps.append(refine(people, judge, steps[-1]))
    steps.append(improve(people, judge, steps[-1]))
    steps.append(refine(people, judge, steps[-1]))
    classes = [classes_of(people, step) for step in steps]
    assert all(one.persons.min() >= 5 for one in classes)
    assert all(total_loss(later) <= total_loss(one) for one, later in pairwise(classes))
    assert total_loss(classes[2]) < total_loss(classes[0])


def test_refine_splits_the_whole_table(people: Tuples) -> None:
    """From one class; afterwards no class can be split along any column into parts that stand."""
    judge = Judge(5)
    refined = refine(people, judge, np.zeros(len(people), np.int64))
    members = defaultdict(list)
    for i, number in enumerate(refined.tolist()):
        members[number].append(i)
    assert len(members) > 100
    level = tighten(people, refined)
    for inside in members.values():
        for c, tree in enumerate(TREES):
            if level[inside[0], c]:
                below = Counter()
                for i in inside:
                    below[tree.levels[level[i, c] - 1, people.codes[i, c]]] += people.persons[i]
                assert min(below.values()) < 5


def test_tighten_is_the_lowest_common_ancestor(people: Tuples) -> None:
    """Against the lowest level at which all members of a class agree."""
    assigned = walk(people, Judge(20))
    level = tighten(people, assigned)
    for number in range(assigned.max() + 1):
        inside = np.flatnonzero(assigned == number)
        for c, tree in enumerate(TREES):
            leaves = people.codes[inside, c]
            slow = next(at for at in range(tree.depth) if len(set(tree.levels[at, leaves].tolist())) == 1)
            assert set(level[inside, c].tolist()) == {slow}


def test_spans_without_leave_one_out(people: Tuples) -> None:
    assigned = walk(people, Judge(20))
    classes = classes_of(people, assigned)
    low, high = spans_without(people, assigned, classes)
    for i in range(0, len(people), 7):
        others = np.flatnonzero((assigned == assigned[i]) & (np.arange(len(people)) != i))
        if len(others):
            assert low[i].tolist() == people.codes[others].min(axis=0).tolist()
            assert high[i].tolist() == people.codes[others].max(axis=0).tolist()


def _fails(counts: Counter[str], whole: Counter[str], asked: Sensitive) -> bool:
    """The conditions, slowly and by their definitions."""
    size, everybody = sum(counts.values()), sum(whole.values())
    shares = {value: counts[value] / size for value in whole}
    apart = {value: shares[value] - whole[value] / everybody for value in whole}
    distance = sum(abs(d) for d in apart.values()) / 2
    if asked.order:
        ranked = [apart[value] for value in asked.order if value in whole]
        distance = sum(abs(sum(ranked[:i + 1])) for i in range(len(ranked))) / (len(ranked) - 1)
    entropy = -sum(p * np.log(p) for p in shares.values() if p)
    return (len(+counts) < asked.distinct_l or np.exp(entropy) < asked.entropy_l - 1e-9
            or distance > asked.closeness_t + 1e-9)


@pytest.mark.parametrize("k", [5, pytest.param(10, marks=pytest.mark.soak)])
def test_every_class_satisfies_l_and_t(k: int) -> None:
    out = published(ROWS, k, SPEND, ILLNESS)
    assert min(Counter(row[:9] for row in out).values()) >= k
    for place, asked in ((9, SPEND), (10, ILLNESS)):
        by_class: dict[Row, Counter[str]] = defaultdict(Counter)
        for row in out:
            by_class[row[:9]][row[place]] += 1
        whole = Counter(row[place] for row in out)
        assert not [1 for counts in by_class.values() if _fails(counts, whole, asked)]
        assert len(by_class) > 50


def test_persons_are_counted_and_not_rows() -> None:
    con = load([("a", "2"), ("b", "2"), ("c", "5")], ["place", "persons"])
    tree = hierarchy("place", [("a", "x", "*"), ("b", "x", "*"), ("c", "y", "*")])
    recoding = local(collect(con, "people", [tree], persons="persons"), 4)
    assert recoding.column(0) == ["x", "x", "c"]
    assert local(collect(con, "people", [tree]), 3).column(0) == ["*", "*", "*"]


def test_a_residue_joins_the_class_that_loses_least() -> None:
    con = load([("a",)] * 5 + [("b",)] * 5 + [("c",)] * 2, ["place"])
    tree = hierarchy("place", [("a", "x", "*"), ("b", "y", "*"), ("d", "y", "*"), ("c", "y", "*")])
    assert local(collect(con, "people", [tree]), 5).column(0) == ["a", "y", "y"]


def test_an_uncovered_value_is_refused_and_not_named() -> None:
    con = load([*ROWS[:50], ("secret", *ROWS[0][1:])], columns())
    with pytest.raises(ReleaseError, match=r"people: values .*\(sex: 1 rows\)") as refused:
        collect(con, "people", TREES)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(("sql", "words"), [
    ("SELECT 'a' AS place, 1 AS persons WHERE false", "no rows"),
    ("SELECT NULL::VARCHAR AS place, 1 AS persons", "place: 1 rows"),
    ("SELECT 'a' AS place, 0 AS persons", "must be 1 or more"),
    ("SELECT 'a' AS place, NULL::INTEGER AS persons", "must be 1 or more"),
])
def test_bad_tables_are_refused(sql: str, words: str) -> None:
    con = memory()
    con.execute(f"CREATE TABLE people AS {sql}")
    with pytest.raises(ReleaseError, match=words):
        collect(con, "people", [hierarchy("place", [("a", "*")])], persons="persons")


def test_a_table_that_cannot_satisfy_is_refused() -> None:
    con = load([("a", "x")] * 9, ["place", "illness"])
    tree = hierarchy("place", [("a", "*")])
    with pytest.raises(ReleaseError, match="not even all persons"):
        local(collect(con, "people", [tree]), 10)
    with pytest.raises(ReleaseError, match="not even all persons"):
        local(collect(con, "people", [tree], [Sensitive("illness")]), 5)


@pytest.mark.parametrize("wrong", [{"distinct_l": 1}, {"entropy_l": 0.5}, {"closeness_t": 1.5}, {"order": ("a", "a")}])
def test_conditions_that_let_homogeneous_classes_through_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ReleaseError, match="spend"):
        Sensitive("spend", **wrong)


def test_granularity_is_one_when_nothing_is_recoded(people: Tuples) -> None:
    assert Recoding(people, np.zeros_like(people.codes)).granularity == 1
    assert local(people, 1).granularity == 1


@pytest.mark.soak
def test_a_large_table_improves_its_costliest_classes(people: Tuples, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judge(5)
    assigned = walk(people, judge)
    monkeypatch.setattr("ajprivacy_pipeline.disclosure.microdata.recode.improve._PAIRS", 200 * int(assigned.max() + 1))
    before, after = (classes_of(people, step) for step in (assigned, improve(people, judge, assigned)))
    assert after.persons.min() >= 5
    assert total_loss(after) < total_loss(before)
