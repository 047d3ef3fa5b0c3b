"""G2 counts again: the bound and the exact count together equal a slow count, whatever the facts."""

from collections import defaultdict
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ajprivacy_pipeline.disclosure.cells.recount import check_thresholds
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage.zones import Connection, memory

POLICY = load_policy(NOTICE)
K, ALL = POLICY.release.thresholds.k, POLICY.release.values.all
Fact = tuple[str, str, int | None, int, int | None]  # region, type, contributor, units, revenue

# Contributors 64 apart share a bin; units of both signs may cancel each other; revenue may be unknown.
facts = st.lists(st.tuples(st.sampled_from("12"), st.sampled_from("ab"),
                           st.one_of(st.none(), st.integers(0, 14), st.sampled_from([64, 65, 128, 2 ** 64 - 1])),
                           st.integers(-1, 2), st.one_of(st.none(), st.integers(0, 2))), min_size=1, max_size=120)


def cells(rows: list[Fact]) -> dict[tuple[str, str], list[Fact]]:
    """The facts of each cell, totals too."""
    found: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    for row in rows:
        for region, kind in product((row[0], ALL), (row[1], ALL)):
            found[region, kind].append(row)
    return found


def sums(rows: list[Fact], of: int) -> dict[int | None, int]:
    """What each contributor adds to a cell by one column of the facts."""
    found: dict[int | None, int] = defaultdict(int)
    for row in rows:
        found[row[2]] += row[of] or 0  # type: ignore[operator]
    return found


def slow_faults(rows: list[Fact]) -> dict[str, int]:
    """How many cells, and values of each measure, are shown on too few; everything is shown."""
    faults: dict[str, int] = defaultdict(int)
    for members in cells(rows).values():
        people, nobody = {row[2] for row in members} - {None}, any(row[2] is None for row in members)
        faults["cells"] += not (len(people) >= K or (not people and nobody))
        for measure, of in (("units", 3), ("revenue_nok", 4)):
            own = sum(person is not None and value != 0 for person, value in sums(members, of).items())
            total = sum(row[of] or 0 for row in members)  # type: ignore[misc]
            faults[measure] += not (own >= K or (own == 0 and (total == 0 or nobody)))
    return faults


def judge(rows: list[Fact]) -> dict[str, int]:
    """What G2 says of the facts when everything is shown."""
    con = memory()
    con.execute("SET threads = 1")
    con.execute("CREATE SCHEMA anonymous")
    keys = "month DATE, product_category VARCHAR, postal_region VARCHAR, customer_type VARCHAR"
    con.execute(f"CREATE TABLE anonymous.sales ({keys}, token UBIGINT, orders BIGINT, units BIGINT, "
                "revenue_nok DECIMAL(18, 2))")
    con.executemany("INSERT INTO anonymous.sales VALUES ('2024-01-01', 'chairs', ?, ?, ?, 1, ?, ?)", rows)
    con.execute(f"CREATE TABLE shown ({keys}, orders BIGINT, units BIGINT, revenue_nok DECIMAL(18, 2), "
                "customers BIGINT, suppressed BOOLEAN, suppressed_measures VARCHAR[])")
    con.executemany("INSERT INTO shown VALUES ('2024-01-01', 'chairs', ?, ?, ?, ?, ?, ?, false, [])", [
        (*cell, len(members), sum(row[3] for row in members), sum(row[4] or 0 for row in members), 99)
        for cell, members in cells(rows).items()])
    violations = check_thresholds(con, POLICY, {"sales_monthly": "shown"}).violations
    con.close()
    found = {}
    for what in ("cells", "units", "revenue_nok"):
        start = "sales_monthly: " if what == "cells" else f"sales_monthly.{what}: "
        counts = [int(line.removeprefix(start).split(" ")[0]) for line in violations if line.startswith(start)]
        assert len(counts) <= 1
        found[what] = sum(counts)
    return found


@pytest.mark.parametrize("examples", [25, pytest.param(300, marks=pytest.mark.soak)])
def test_the_bound_and_the_exact_count_give_what_a_slow_count_gives(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(facts)
    def are_alike(rows: list[Fact]) -> None:
        assert judge(rows) == slow_faults(rows)

    are_alike()


def test_people_who_share_a_bin_are_counted_exactly() -> None:
    rows: list[Fact] = [("1", "a", 64 * i, 1, 1) for i in range(K)]
    assert set(judge(rows).values()) == {0}
    assert judge(rows[1:]) == slow_faults(rows[1:]) == {"cells": 4, "units": 4, "revenue_nok": 4}


def test_who_cancels_himself_out_does_not_count() -> None:
    """Nine with units, and one whose two lines add up to nothing: the bins alone would see ten."""
    rows: list[Fact] = [("1", "a", i, 1, 1) for i in range(K - 1)] + [("1", "a", K, 1, 1), ("1", "a", K, -1, 1)]
    assert judge(rows) == {"cells": 0, "units": 4, "revenue_nok": 0}


def deliveries(days: list[int | None]) -> Connection:
    """One order each of so many people in one region, with the days it took, and the median shown."""
    con = memory()
    con.execute("CREATE SCHEMA anonymous")
    con.execute("CREATE TABLE anonymous.deliveries (month DATE, postal_region VARCHAR, token UBIGINT, orders BIGINT, "
                "partial_orders BIGINT, days INTEGER)")
    con.executemany("INSERT INTO anonymous.deliveries VALUES ('2024-01-01', '1', ?, 1, 0, ?)", list(enumerate(days)))
    con.execute("CREATE TABLE shown AS SELECT DATE '2024-01-01' AS month, region AS postal_region, 20 AS orders, "
                "3.0 AS median_days, NULL::DECIMAL(9, 1) AS p90_days, 0 AS partial_orders, false AS suppressed, "
                f"['p90_days'] AS suppressed_measures FROM unnest(['1', '{ALL}']) AS t(region)")
    return con


def test_a_median_stands_on_those_who_have_a_value() -> None:
    few, enough = ([*range(count), *[None] * 10] for count in (K - 1, K))
    assert check_thresholds(deliveries(enough), POLICY, {"deliveries_monthly": "shown"}).passed
    found = check_thresholds(deliveries(few), POLICY, {"deliveries_monthly": "shown"}).violations
    assert found == ("deliveries_monthly.median_days: 2 values shown with fewer than 10 contributors of their own",)


@pytest.mark.parametrize(("change", "missing"), [
    ("ALTER TABLE anonymous.deliveries DROP COLUMN partial_orders", "partial_orders"),
    ("ALTER TABLE anonymous.deliveries DROP COLUMN postal_region", "postal_region"),
])
def test_what_the_facts_do_not_tell_cannot_be_counted_and_does_not_pass(change: str, missing: str) -> None:
    con = deliveries(list(range(20)))
    con.execute(change)
    found = check_thresholds(con, POLICY, {"deliveries_monthly": "shown"}).violations
    assert f"deliveries_monthly: its facts lack {missing}" in found


def test_those_who_are_counted_themselves_are_counted_by_what_they_add() -> None:
    """Twenty people returned something, nine of them and nobody else bought: nine customers may not be shown."""
    con = memory()
    con.execute("CREATE SCHEMA anonymous")
    con.execute("CREATE TABLE anonymous.demand AS SELECT DATE '2024-01-01' AS month, 'chairs' AS product_category, "
                "'P1' AS product_id, i::UBIGINT AS token, (i < 9)::INTEGER AS orders, 0 AS units, 1 AS returned_units, "
                "0.00 AS revenue_nok FROM range(20) AS t(i)")
    con.execute("CREATE TABLE shown AS SELECT DATE '2024-01-01' AS month, 'chairs' AS product_category, "
                "'P1' AS product_id, 'Chair' AS product_name, NULL::BIGINT AS orders, 0 AS units, "
                "20 AS returned_units, 0.00 AS revenue_nok, 9 AS customers, false AS suppressed, "
                "['orders'] AS suppressed_measures")
    assert check_thresholds(con, POLICY, {"product_demand_monthly": "shown"}).violations == (
        "product_demand_monthly.customers: 1 values shown with fewer than 10 contributors of their own",)
