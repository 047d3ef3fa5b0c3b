"""What is learnt of a rounding that tells too much: which counts go the other way, and when draws are given up."""

from collections.abc import Collection
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from ajprivacy_pipeline.disclosure.cells.rounded_audit import Audit, Beside, Mend, Told
from ajprivacy_pipeline.disclosure.cells.rounded_counts import Period
from ajprivacy_pipeline.disclosure.cells.rounded_learning import learn
from ajprivacy_pipeline.disclosure.cells.table_rows import Row
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.release import Rounded
from ajprivacy_pipeline.settings import NOTICE

POLICY = load_policy(NOTICE)
TABLE = "sales_counts"
Key = tuple[tuple[str, str], ...]


def asked() -> Rounded:
    """What the policy says of the table."""
    rounded = POLICY.release.tables[TABLE].rounded
    assert rounded is not None
    return rounded


def period(**counts: int) -> Period:
    """Cells of one category and region, by customer type."""
    return Period("2024-03-01", "month", [("desks", "0", kind) for kind in sorted(counts)],
                  np.array([counts[kind] for kind in sorted(counts)], dtype=np.int64), "digest")


def key(kind: str) -> Key:
    """A cell's key."""
    return (("customer_type", kind), ("postal_region", "0"), ("product_category", "desks"))


def lacks(short: float, **gains: float) -> Mend:
    """Something told that lacks room, and what the cells would give."""
    return Mend(short, {key(kind): gain for kind, gain in gains.items()})


def after(one: Period, mends: list[Mend], **published: int) -> Period:
    """The period after it was learnt what would mend it."""
    others = [("units", key("business"))] * len(mends)
    learn(POLICY, TABLE, asked(), one, Told(others=others, mends=mends),
          {key(kind): count for kind, count in published.items()})
    return one


def test_the_cell_that_gives_most_goes_the_other_way_and_no_more_than_are_needed() -> None:
    one = after(period(business=11, consumer=13, sole_proprietor=12), [lacks(3, business=1, consumer=4)],
                business=20, consumer=20, sole_proprietor=10)
    assert (one.down, one.up) == ({1}, set())


def test_as_many_go_as_give_what_is_missing() -> None:
    one = after(period(business=11, consumer=13, sole_proprietor=12), [lacks(4.5, business=1, consumer=4)],
                business=10, consumer=20, sole_proprietor=10)
    assert (one.down, one.up) == ({1}, {0})


def test_of_cells_that_give_as_much_the_furthest_from_its_count_goes() -> None:
    one = after(period(business=13, consumer=11), [lacks(1, business=2, consumer=2)], business=20, consumer=20)
    assert one.down == {1}  # 9 up, the other one 7


def test_what_was_turned_for_one_thing_counts_for_another() -> None:
    told = [lacks(1, business=1, consumer=1), lacks(2, business=1, consumer=2)]
    one = after(period(business=11, consumer=13), told, business=20, consumer=20)
    assert one.down == {0, 1}
    told = [lacks(1, business=1), lacks(2, business=2, consumer=2)]
    assert after(period(business=11, consumer=13), told, business=20, consumer=20).down == {0}


def test_what_an_earlier_attempt_has_turned_stays() -> None:
    one = period(business=11, consumer=13)
    one.force(0, up=True)
    after(one, [lacks(1, business=5, consumer=2)], business=20, consumer=20)
    assert (one.up, one.down) == ({0}, {1})


def test_where_a_cell_goes_down_no_small_one_beside_it_goes_up_instead() -> None:
    """Along a dimension over which customers do not add up only the largest part bounds a total."""
    one = Period("2024-03-01", "month",
                 [("desks", "0", "business"), ("racks", "0", "business"), ("racks", "0", "consumer")],
                 np.array([1, 2, 2], dtype=np.int64), "digest")
    cells = [tuple(sorted(zip(("product_category", "postal_region", "customer_type"), values, strict=True)))
             for values in one.values]
    learn(POLICY, TABLE, asked(), one, Told(cells=[cells[2]], mends=[Mend(1, {cells[0]: 1})]),
          dict(zip(cells, (10, 0, 0), strict=True)))
    assert one.down == {0, 1}, "another category of the same type; not another type"


@pytest.mark.parametrize(("attempts", "multiple", "draw"), [(4, 0, 0), (5, 1, 1)])
def test_a_base_that_tells_no_less_is_given_up_after_four_attempts_in_vain(
        attempts: int, multiple: int, draw: int) -> None:
    one = period(business=11, consumer=13, sole_proprietor=12, unknown=14, none=15)
    for kind in ("business", "consumer", "sole_proprietor", "unknown", "none")[:attempts]:  # the first is the best
        after(one, [lacks(1, **{kind: 1})], business=20, consumer=20, sole_proprietor=20, unknown=20, none=20)
    assert (one.multiple, one.draw) == (multiple, draw)


def test_the_last_base_is_tried_with_other_draws_as_often_as_the_policy_says() -> None:
    one, seen = period(business=11, consumer=13), list[tuple[Any, ...]]()
    one.multiple = len(asked().multiples) - 1
    for _ in range(asked().attempts):
        after(one, [lacks(1)], business=20, consumer=20)
        seen.append((one.multiple, one.draw))
    last = len(asked().multiples) - 1
    assert seen == [(last, at + 1) for at in range(asked().attempts - 1)] + [(last + 1, asked().attempts)]


def test_where_less_is_told_each_time_the_draws_are_kept() -> None:
    one = period(business=11, consumer=13, sole_proprietor=12)
    for left, kind in ((3, "business"), (2, "consumer"), (1, "sole_proprietor")):
        after(one, [lacks(1, **{kind: 1})] * left, business=20, consumer=20, sole_proprietor=20)
    assert (one.multiple, one.draw, one.attempt) == (0, 0, 3)


def test_with_nothing_left_to_move_other_draws_are_taken() -> None:
    one = after(period(business=11, consumer=13), [lacks(1)], business=10, consumer=10)
    assert (one.multiple, one.draw, one.down) == (0, 1, set())


def one_region(*, shown: bool = True, listed: Collection[tuple[str, ...]] = ()) -> tuple[Audit, dict[Key, int]]:
    """Ten customers of a region, shown or not, and nothing else; three, one and one by type and category.

    Args:
        shown: whether the ten are.
        listed: levels that are listed without a figure.
    """
    kinds = {"business": 3, "consumer": 1, "sole_proprietor": 1}
    true = {(("customer_type", kind), ("postal_region", "3"), ("product_category", category)): count
            for kind, count in kinds.items() for category in ("desks", "racks")}
    rows = []
    for size in range(4):
        for dims in combinations(("customer_type", "postal_region", "product_category"), size):
            for key in sorted({tuple(pair for pair in cell if pair[0] in dims) for cell in true}):
                counts = [count for cell, count in true.items() if set(key) <= set(cell)]
                is_shown = shown and dims == ("postal_region",)
                customers = float(sum(counts))
                values = {"customers": customers, "orders": 2 * customers, "units": customers}
                rows.append(Row("sales_monthly", 0, key, size, 10, values, set() if is_shown else set(values),
                                not is_shown, frozenset() if is_shown else frozenset({"units"})))
    levels = frozenset(map(frozenset, (("postal_region",), *listed)))
    beside = Beside("2024-03-01", "sales_monthly", rows, levels)
    return Audit(POLICY, beside, true, "customers"), true


def test_two_types_of_which_somebody_is_certain_leave_the_third_of_ten_too_little_room() -> None:
    """So that one of the two is to go down: each by itself is enough, and what is down gives nothing."""
    audit, true = one_region()
    k = POLICY.release.thresholds.k
    cells = {(kind, category): next(cell for cell in true if {kind, category} <= {value for _, value in cell})
             for kind in ("business", "consumer", "sole_proprietor") for category in ("desks", "racks")}
    up = {cells["business", "desks"], cells["consumer", "racks"]}
    told = audit.of({cell: k if cell in up else 0 for cell in true}, k)
    assert set(told.cells) >= {cells["sole_proprietor", "desks"], cells["sole_proprietor", "racks"]}
    by_cell = dict(zip(told.cells, told.mends, strict=True))
    mend = by_cell[cells["sole_proprietor", "desks"]]
    assert (set(mend.gains), mend.short) == (up, pytest.approx(1, abs=1e-4))
    assert all(gain == pytest.approx(1, abs=1e-4) for gain in mend.gains.values())
    one = audit.of({cell: k if cell == cells["business", "desks"] else 0 for cell in true}, k)
    assert not set(one.cells) & {cells["sole_proprietor", "desks"], cells["sole_proprietor", "racks"]}


@pytest.mark.parametrize(("shown", "listed", "published", "is_told"), [
    (False, True, 0, True),  # 1 to 9: a row is somebody's
    (False, True, 1, False),  # 1 to 19
    (False, False, 0, False),  # 0 to 9
    (True, True, 0, False),  # 1 to 8 by the exact tables alone, of which ten in all are shown: no more is asked
])
def test_a_listed_row_is_somebody_s_and_leaves_nine_numbers_where_nobody_is_counted(
        shown: bool, listed: bool, published: int, is_told: bool) -> None:
    audit, true = one_region(shown=shown, listed=[("customer_type", "product_category")] if listed else [])
    k = POLICY.release.thresholds.k
    told = audit.of(dict.fromkeys(true, published * k), k)
    assert bool(told.cells) is is_told


def test_what_the_exact_tables_leave_is_not_the_rounded_counts_to_take() -> None:
    """Of ten that are shown the exact tables leave business 1 to 8: told where rounding leaves 1 to 4."""
    audit, true = one_region(listed=[("customer_type", "product_category")])
    told = audit.of(dict.fromkeys(true, 0), 5)
    assert {cell for cell in told.cells if ("customer_type", "business") in cell}


@pytest.mark.parametrize(("base", "is_told"), [
    (10, False),  # one of each, which the row tells by being listed: a unit less is possible neither way
    (1, True)])  # three of business, of which the row alone told one
def test_that_a_listed_row_holds_a_unit_is_not_told_by_rounded_counts(base: int, is_told: bool) -> None:
    audit, true = one_region(shown=False, listed=[("customer_type", "product_category"), ("product_category",)])
    told = audit.of({cell: -(-count // base) * base for cell, count in true.items()}, base)
    assert any(measure == "units" for measure, _ in told.others) is is_told


@pytest.mark.parametrize(("published", "is_told"), [(0, True), (10, False)])
def test_who_does_not_count_on_parts_to_cover_their_total_is_left_k_numbers_too(published: int, *,
                                                                                is_told: bool) -> None:
    """Three desks in region 2, of which who counts on parts knows that they are one to four.

    Of 52 customers of region 1 at most 34 bought racks, so 18 or more bought desks there; and desks have 22 orders.
    Whoever knows that an order may be in no category has 1 to 12 by the exact tables, and 1 to 9 with a rounded 0.
    """
    true = {(("customer_type", "consumer"), ("postal_region", region), ("product_category", category)): count
            for (region, category), count in {("1", "desks"): 18, ("1", "racks"): 34, ("2", "desks"): 3,
                                              ("2", "racks"): 9}.items()}
    rows = []
    for size in range(4):
        for dims in combinations(("customer_type", "postal_region", "product_category"), size):
            for key in sorted({tuple(pair for pair in cell if pair[0] in dims) for cell in true}):
                customers = float(sum(count for cell, count in true.items() if set(key) <= set(cell)))
                values = {"customers": customers, "orders": customers + 1, "units": customers + 1}
                is_shown = len({"postal_region", "product_category"} & set(dims)) < 2 or customers == 34
                rows.append(Row("sales_monthly", 0, key, size, 10, values, set() if is_shown else set(values),
                                not is_shown, frozenset(values) if customers < 10 else frozenset()))
    levels = frozenset(frozenset(pair[0] for pair in row.key) for row in rows)
    audit = Audit(POLICY, Beside("2024-03-01", "sales_monthly", rows, levels), true, "customers")
    desks = next(cell for cell in true if ("postal_region", "2") in cell and ("product_category", "desks") in cell)
    told = audit.of({cell: published if cell == desks else -(-count // 10) * 10 for cell, count in true.items()}, 10)
    assert (desks in told.cells) is is_told
