"""What is learnt of a rounding that tells too much: which counts go down, and when draws and base are given up."""

from typing import Any

import numpy as np
import pytest

from ajprivacy_pipeline.disclosure.cells.rounded_audit import Told
from ajprivacy_pipeline.disclosure.cells.rounded_counts import Period, learn
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


def after(one: Period, others: list[tuple[str, Key]], **published: int) -> Period:
    """The period after it was learnt that others were told by what was published."""
    learn(POLICY, TABLE, asked(), one, Told(others=others), {key(kind): count for kind, count in published.items()})
    return one


def test_a_count_that_went_up_within_units_that_are_told_goes_down() -> None:
    found = after(period(business=11, consumer=13), [("units", key("business"))], business=20, consumer=20)
    assert (found.down, found.up) == ({0}, set())


def test_where_none_is_up_within_them_the_furthest_beside_goes_down() -> None:
    found = after(period(business=11, consumer=13, sole_proprietor=12), [("orders", key("business"))],
                  business=10, consumer=20, sole_proprietor=20)
    assert found.down == {2}  # 8 up, the other one 7


@pytest.mark.parametrize(("attempts", "multiple", "draw"), [(4, 0, 0), (5, 1, 1)])
def test_a_base_that_tells_no_less_is_given_up_after_four_attempts_in_vain(
        attempts: int, multiple: int, draw: int) -> None:
    one = period(business=11, consumer=13)
    for _ in range(attempts):  # the first one is the best so far
        after(one, [("units", key("business"))], business=20, consumer=20)
    assert (one.multiple, one.draw) == (multiple, draw)


def test_the_last_base_is_tried_with_other_draws_as_often_as_the_policy_says() -> None:
    one, seen = period(business=11, consumer=13), list[tuple[Any, ...]]()
    one.multiple = len(asked().multiples) - 1
    for _ in range(asked().attempts):
        after(one, [("units", key("business"))], business=20, consumer=20)
        seen.append((one.multiple, one.draw))
    last = len(asked().multiples) - 1
    assert seen[:5] == [(last, 0)] * 4 + [(last, 1)]
    assert [multiple for multiple, _ in seen] == [last] * (asked().attempts - 1) + [last + 1]


def test_where_less_is_told_each_time_the_draws_are_kept() -> None:
    one, kinds = period(business=11, consumer=13), [key("business"), key("consumer")]
    told = [("units", kinds[at % 2]) for at in range(8)]
    for left in range(8, 2, -1):
        after(one, told[:left], business=20, consumer=20)
    assert (one.multiple, one.draw, one.attempt) == (0, 0, 6)


def test_with_nothing_left_to_move_other_draws_are_taken() -> None:
    one = after(period(business=11, consumer=13), [("units", key("business"))], business=10, consumer=10)
    assert (one.multiple, one.draw, one.down) == (0, 1, set())
