"""What the outsider lets pass of a shop drawn by a seed: only what was suppressed to hide others, and is not exact."""

from typing import Any

import pandas as pd
import pytest

from tests.outsider.published import Finding, Published, Shape, Thresholds
from tests.outsider.random_shop import hides_others

SHAPE = Shape("sales", "month", "orders", ("product_category",), ("units", "customers"), {}, {}, frozenset(),
              frozenset())


def facts_of(sizes: list[int]) -> pd.DataFrame:
    """A line for each buyer of desks."""
    return pd.DataFrame([{"period": "2024-03-01", "who": f"C{i}", "product_category": "desks", "units": float(size)}
                         for i, size in enumerate(sizes)])


@pytest.mark.parametrize(("changes", "sizes", "passes"), [
    ({}, [1] * 10, True), ({}, [1] * 9, False), ({}, [11, *[1] * 10], False), ({}, [10, *[1] * 10], True),
    ({"learnt": "customers in 9 .. 12"}, [99, *[1] * 9], True), ({"learnt": "customers in 9 .. 12"}, [1] * 9, False),
    ({"attack": "complement, exact"}, [1] * 10, False), ({"attack": "margin"}, [1] * 10, False),
    ({"cell": "product_category chairs"}, [1] * 10, False), ({"period": "2024-02-01"}, [1] * 10, False)])
def test_a_narrow_interval_is_let_pass_where_the_cell_itself_may_be_shown(changes: dict[str, Any], sizes: list[int],
                                                                          *, passes: bool) -> None:
    found = {"attack": "complement, interval", "table": "sales", "period": "2024-03-01",
             "cell": "product_category desks", "learnt": "units in 9.00 .. 12.00"} | changes
    published = Published("made up", {}, {"sales": SHAPE})
    assert hides_others(published, Finding(**found), facts_of(sizes), Thresholds()) is passes
