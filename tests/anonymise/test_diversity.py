"""k, l and t from the table alone, against slow and obvious code."""

from collections import Counter, defaultdict
from math import exp, log

import numpy as np
import pytest

from ajprivacy_pipeline.disclosure.microdata.diversity import check_classes, measure
from ajprivacy_pipeline.disclosure.microdata.recode.rules import Cells, Sensitive
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.storage import zones
from tests.anonymise.recode.lookalike import columns, load, rows

ROWS = rows(1500)
BANDS = ("none", "low", "middle", "high", "top")


def _slow(place: int, order: tuple[str, ...]) -> tuple[int, float, float]:
    """Distinct l, entropy l and t of the classes by race and salary."""
    by_class: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for row in ROWS:
        by_class[row[1], row[7]][row[place]] += 1
    whole = Counter(row[place] for row in ROWS)
    spread, entropy, farthest = 99, 99.0, 0.0
    for counts in by_class.values():
        size = sum(counts.values())
        spread = min(spread, len(counts))
        entropy = min(entropy, exp(-sum(n / size * log(n / size) for n in counts.values())))
        apart = [counts[v] / size - whole[v] / len(ROWS) for v in (order or sorted(whole))]
        distance = sum(map(abs, apart)) / 2
        if order:
            distance = sum(abs(sum(apart[:i + 1])) for i in range(len(apart))) / (len(apart) - 1)
        farthest = max(farthest, distance)
    return spread, entropy, farthest


def test_figures_are_exact() -> None:
    con = load(ROWS, columns())
    found = measure(con, "people", ["race", "salary"], [Sensitive("illness"), Sensitive("spend", order=BANDS)], 5)
    assert found.k == min(Counter((row[1], row[7]) for row in ROWS).values())
    for column, place, order in zip(found.columns, (10, 9), ((), BANDS), strict=True):
        assert (column.distinct_l, column.entropy_l, column.closeness_t) == pytest.approx(_slow(place, order))


def test_a_table_that_holds_passes_and_one_that_does_not_says_where() -> None:
    people = [("a", value) for value in "xyz" * 4] + [("b", value) for value in "xyz" * 4]
    asked = [Sensitive("illness", 3, 2.5, 0.1)]
    size, spread = check_classes(load(people, ["place", "illness"]), "t", "people", ["place"], asked, 5)
    assert size.passed
    assert spread.passed
    people += [("c", "x")] * 4
    size, spread = check_classes(load(people, ["place", "illness"]), "t", "people", ["place"], asked, 5)
    assert size.violations == ("t: 1 classes with fewer than 5 persons",)
    assert spread.violations == ("t.illness: 1 homogeneous classes", "t.illness: 1 classes with fewer than 3 values",
                                 "t.illness: 1 classes with entropy l below 2.5",
                                 "t.illness: 1 classes farther than t = 0.1")


def test_persons_are_counted_where_a_column_says_them() -> None:
    con = load([("a", "x", "3"), ("a", "y", "3"), ("b", "x", "2"), ("b", "y", "3")], ["place", "illness", "persons"])
    con.execute("ALTER TABLE people ALTER persons TYPE INTEGER")
    found = measure(con, "people", ["place"], [Sensitive("illness")], 6, "persons")
    assert (found.k, found.below_k) == (5, 1)


def test_null_is_a_class_and_a_value_of_its_own() -> None:
    con = load([(None, "x"), (None, None), ("a", "x")], ["place", "illness"])
    found = measure(con, "people", ["place"], [Sensitive("illness")], 2)
    assert (found.classes, found.k, found.columns[0].homogeneous) == (2, 1, 1)


def test_an_order_that_lacks_a_value_and_an_empty_table_are_refused() -> None:
    con = load([("a", "hidden"), ("a", "low")], ["place", "illness"])
    with pytest.raises(ReleaseError, match=r"people\.illness: 1 persons") as refused:
        measure(con, "people", ["place"], [Sensitive("illness", order=("low",))], 2)
    assert "hidden" not in str(refused.value)
    con.execute("DELETE FROM people")
    with pytest.raises(ReleaseError, match="no rows"):
        measure(con, "people", ["place"], [], 2)


@pytest.mark.parametrize(("share", "passes"), [(0.73, True), (0.74, False), (None, False)])
def test_a_share_of_the_tables_own_entropy_is_enough_where_that_is_low(share: float | None, passes: bool) -> None:
    """The table has entropy l 2, each of two classes 1.471, which is 0.7357 of it."""
    con = zones.memory()
    con.execute("CREATE TABLE t AS SELECT CASE WHEN i < 100 THEN 'x' ELSE 'y' END AS q, CASE WHEN (i % 100 < 87) = "
                "(i < 100) THEN 'a' ELSE 'b' END AS s FROM range(200) AS r(i)")
    asked = Sensitive("s", distinct_l=2, entropy_l=2.5, entropy_share=share)
    _, spread = check_classes(con, "t", "t", ["q"], [asked], 10)
    assert spread.passed is passes
    own = Cells(asked, np.array([[87, 13], [13, 87]]))
    assert own.fits(own.counts).tolist() == [passes, passes]


@pytest.mark.parametrize(("whole", "least"), [(3.2, 2.5), (3.125, 2.5), (3.0, 2.4), (2.0, 1.6)])
def test_the_share_counts_only_below_one_and_a_quarter_times_the_figure(whole: float, least: float) -> None:
    assert Sensitive("s", entropy_l=2.5, entropy_share=0.8).least_entropy(whole) == pytest.approx(least)
