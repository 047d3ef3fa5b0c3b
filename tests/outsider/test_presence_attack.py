"""The outsider with the register in hand: no row says by its being there what one of a few people did."""

from pathlib import Path

import pandas as pd
import pytest

from tests.outsider import presence
from tests.outsider.published import ALL, Published, Shape, Thresholds
from tests.outsider.test_outsider import kinds
from tests.outsider.test_price_lists import publish, shop

LIMITS = Thresholds()


def register_of(customers: list[dict[str, str]]) -> pd.DataFrame:
    return pd.DataFrame({"customer_type": [c["customer_type"] for c in customers],
                         "postal_region": [c["postal_code"][0] for c in customers]})


@pytest.mark.soak
def test_a_shop_with_few_in_many_regions_names_nobody_by_a_row(tmp_path: Path) -> None:
    """Nine regions, the far ones with a handful of people of each type."""
    rows = shop(3, 500, 4, fixed=True, regions=9)
    register = register_of(rows["customers"])
    assert (register.value_counts() < LIMITS.k).sum() >= 3, "the shop has groups that may not be named"
    published, _ = publish(tmp_path, rows)
    listed = published.tables["sales_monthly"]
    assert (listed["postal_region"] == presence.OTHER).any()
    assert list(presence.attack(published, register, LIMITS)) == []


def made_up(rows: list[tuple[str, str, int | None]]) -> Published:
    frame = pd.DataFrame(rows, columns=["customer_type", "postal_region", "orders"]).assign(month="2024-01-01")
    shape = Shape("sales", "month", "orders", presence.DESCRIBES, ("orders",), {"orders": frozenset()},
                  {"orders": "orders"}, frozenset(), frozenset())
    return Published("made up", {"sales": frame.astype({"orders": "Float64"})}, {"sales": shape})


@pytest.mark.parametrize(("others", "found"), [(8, {"presence"}), (9, set()), (10, set())])
def test_a_row_that_names_fewer_than_k_on_the_register(others: int, found: set[str]) -> None:
    register = pd.DataFrame([("business", "7")] * (1 + others) + [("consumer", "1")] * 90,
                            columns=list(presence.DESCRIBES))
    release = made_up([(ALL, ALL, 50), ("consumer", "1", 40), ("business", "7", None)])
    assert kinds(presence.attack(release, register, LIMITS)) == found


@pytest.mark.parametrize(("few", "found"), [(4, {"presence"}), (5, set())])
def test_other_is_whoever_is_not_described_more_closely(few: int, found: set[str]) -> None:
    register = pd.DataFrame([("business", "7")] * 5 + [("business", "8")] * few + [("business", "1")] * 20
                            + [("consumer", "1")] * 90, columns=list(presence.DESCRIBES))
    release = made_up([(ALL, ALL, 50), ("consumer", "1", 40), ("business", "1", 20), ("business", "other", None)])
    assert kinds(presence.attack(release, register, LIMITS)) == found


@pytest.mark.parametrize(("hidden", "found"), [(8, set()), (9, {"level"})])
def test_a_level_that_shows_next_to_nothing(hidden: int, found: set[str]) -> None:
    register = pd.DataFrame([("consumer", str(region)) for region in range(11) for _ in range(20)],
                            columns=list(presence.DESCRIBES))
    release = made_up([(ALL, ALL, 50), *((ALL, str(region), 9) for region in range(2)),
                       *((ALL, str(region), None) for region in range(2, 2 + hidden))])
    assert kinds(presence.attack(release, register, LIMITS)) == found
