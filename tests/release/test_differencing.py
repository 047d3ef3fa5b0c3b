"""G6 within a release: what subtraction of shown cells leaves stands on nobody or on at least k."""

from collections.abc import Iterable
from datetime import date
from itertools import combinations, permutations, product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ajprivacy_pipeline.disclosure.cells.differencing import check_differences, suppress_differences
from ajprivacy_pipeline.disclosure.cells.primary import shape_of
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.release import GuaranteeError, gates, tables
from ajprivacy_pipeline.retention.bind import catalogue_of
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage.catalogue import run_model
from ajprivacy_pipeline.storage.zones import Connection, memory
from tests.release.release_world import World, add, all_but, small_policy

MONTH = date(2024, 3, 1)
ALL = "(all)"
Order = tuple[int, str, str, frozenset[str]]  # who, region, customer type, categories


def test_a_total_minus_a_cell_that_leaves_four_people_is_caught_and_mended(world: World) -> None:
    """Twenty of twenty-four live in region 0: the total minus theirs is the other four."""
    world.compute()
    public = tables.make_public(world.con, world.policy)
    verdict = check_differences(world.con, world.policy, public)[0]
    assert any(text.startswith("sales_monthly.orders: ") and "fewer than 10 contributors" in text
               for text in verdict.violations)
    assert suppress_differences(world.con, world.policy, public) > 0
    assert check_differences(world.con, world.policy, public)[0].passed


def test_a_difference_left_standing_stops_the_release(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "suppress_more", lambda *_: {})
    monkeypatch.setattr(gates.Escalation, "suppress", lambda *_: False)
    with pytest.raises(GuaranteeError, match=r"G6: sales_monthly\."):
        world.publish()
    assert not world.analytics.exists()


def sales(orders: Iterable[Order], policy: Policy) -> Connection:
    """The facts and cells of sales from orders: an order is a unit and 100 kroner in each of its categories."""
    con = memory()
    con.execute("CREATE SCHEMA anonymous")
    con.execute("CREATE TABLE anonymous.sales (month DATE, product_category VARCHAR, postal_region VARCHAR, "
                "customer_type VARCHAR, token UBIGINT, orders BIGINT, units BIGINT, revenue_nok DECIMAL(18, 5), "
                "period VARCHAR DEFAULT 'month', nameless_order BIGINT)")
    rows = [(category, region, kind, who, 1, units)
            for who, region, kind, categories in orders
            for category, units in [*((c, 1) for c in sorted(categories)), (ALL, len(categories))]]
    if rows:
        con.execute("INSERT INTO anonymous.sales SELECT $month, c, r, t, w, sum(o), sum(u), sum(u) * 100, 'month', "
                    "NULL FROM (SELECT unnest($c) AS c, unnest($r) AS r, unnest($t) AS t, unnest($w) AS w, "
                    "unnest($o) AS o, unnest($u) AS u) GROUP BY c, r, t, w",
                    {"month": MONTH, **dict(zip("crtwou", map(list, zip(*rows, strict=True)), strict=True))})
    model = catalogue_of(load_policy(NOTICE))["published.sales_monthly"]
    run_model(con, model, {"first_month": MONTH, "last_month": MONTH, "all": policy.release.values.all})
    return con


def public_of(con: Connection, policy: Policy) -> dict[str, str]:
    """The public table of sales alone."""
    kept = policy.release.model_copy(update={"tables": {"sales_monthly": policy.release.tables["sales_monthly"]}})
    return tables.make_public(con, policy.model_copy(update={"release": kept}))


def with_hidden_regions(people: int, *, hidden: int = 2) -> tuple[Connection, dict[str, str], Policy]:
    """Thirty people in region 0; nine of `people` in region 1, the rest in 2 and on: each too few to be shown."""
    policy = small_policy()
    orders = [(i, "0", "business", frozenset({"desks"})) for i in range(30)]
    for region in range(1, hidden + 1):
        mine = range(100, 100 + min(9, people)) if region == 1 else range(100 + 9, 100 + people)
        orders += [(i, str(region), "business", frozenset({"desks"})) for i in mine]
    con = sales(orders, policy)
    return con, public_of(con, policy), policy


@pytest.mark.parametrize(("people", "passes"), [(9, False), (10, True), (11, True), (0, True)])
def test_a_total_minus_all_its_shown_parts_at_the_boundary(people: int, *, passes: bool) -> None:
    """Regions 1 and 2 are suppressed: the total minus region 0 is both together."""
    con, public, policy = with_hidden_regions(people)
    assert check_differences(con, policy, public)[0].passed is passes


@pytest.mark.parametrize(("largest", "second", "passes"), [
    (16, 1, True), (17, 1, True), (18, 1, False), (24, 24, True), (24, 25, False)])
def test_a_remainder_is_not_one_firms_or_twos_in_all_but_name(largest: int, second: int, *, passes: bool) -> None:
    """Regions 1 and 2 have nine people each and are suppressed; the total minus region 0 is what both bought."""
    policy = small_policy()
    units = {**dict.fromkeys(range(100, 118), 1), 100: largest, 117: second}
    orders = [(i, "0", "business", frozenset({"desks"})) for i in range(200)]
    orders += [(who, "1" if who < 109 else "2", "business", frozenset({"desks"}))
               for who, count in units.items() for _ in range(count)]
    con = sales(orders, policy)
    public = public_of(con, policy)
    found = check_differences(con, policy, public)
    assert found[0].passed
    assert found[1].passed is passes
    assert passes or any(text.startswith("sales_monthly.units: ") for text in found[1].violations)
    suppress_differences(con, policy, public)
    assert all(verdict.passed for verdict in check_differences(con, policy, public))


def test_the_same_people_in_two_suppressed_parts_are_counted_once() -> None:
    """Six people in region 1 and the same six in region 2 are six, not twelve."""
    policy = small_policy()
    orders = [(i, "0", "business", frozenset({"desks"})) for i in range(30)]
    orders += [(i, region, "business", frozenset({"desks"})) for i in range(100, 106) for region in ("1", "2")]
    con = sales(orders, policy)
    public = public_of(con, policy)
    assert any("sales_monthly.orders" in text for text in check_differences(con, policy, public)[0].violations)
    orders += [(i, "3", "business", frozenset({"desks"})) for i in range(200, 212)]
    con = sales(orders, policy)
    public = public_of(con, policy)
    assert suppress_differences(con, policy, public) > 0
    shown = con.execute(f"SELECT postal_region FROM {public['sales_monthly']} WHERE customer_type = '(all)' AND "
                        "product_category = '(all)' AND NOT suppressed ORDER BY 1").fetchall()
    assert shown == [("(all)",), ("0",)], "region 3 is the smallest that helps"


def test_a_category_that_nearly_everybody_buys_gives_the_others_away() -> None:
    """Thirty buy, all but three of them desks too: customers of all minus customers of desks are the three."""
    policy = small_policy()
    orders = [(i, "0", "business", frozenset({"desks", "lockers"}) if i >= 3 else frozenset({"lockers"}))
              for i in range(30)]
    con = sales(orders, policy)
    verdict = check_differences(con, policy, public_of(con, policy))[0]
    assert {text.partition(":")[0] for text in verdict.violations} >= {"sales_monthly.customers",
                                                                       "sales_monthly.orders"}


@pytest.mark.parametrize(("both", "passes"), [(0, True), (3, False), (10, True)])
def test_shown_parts_that_overlap_in_a_few_people_are_caught(both: int, *, passes: bool) -> None:
    """Desks and lockers together minus all is how many bought both."""
    policy = small_policy()
    orders = [(i, "0", "business", frozenset({"desks", "lockers"} if i < both else {"desks"} if i < 30 else
                                             {"lockers"})) for i in range(60)]
    con = sales(orders, policy)
    verdict = check_differences(con, policy, public_of(con, policy))[0]
    assert verdict.passed is passes
    assert passes or any("sales_monthly.customers" in text for text in verdict.violations)


def test_a_total_of_people_goes_where_what_is_counted_beside_them_tells_every_part(tmp_path: Path) -> None:
    """28 customers of 30 messages, two of them in and out: of 18 and 12, no part could be more than 2 less."""
    world = World(tmp_path, small_policy(history_months=1), left_out=all_but("communications_monthly"))
    add(world.con, "staged.customers", [{"customer_id": f"C{i}"} for i in range(28)])
    add(world.con, "staged.communications", [
        {"communication_id": f"M{i}", "customer_id": f"C{i % 28}", "channel": "email", "occurred_on": MONTH,
         "direction": "in" if i < 18 else "out"} for i in range(30)])
    world.publish()
    shown = world.query("SELECT direction, messages, customers FROM communications_monthly WHERE channel = '(all)' "
                        "ORDER BY direction")
    assert shown == [("(all)", 30, None), ("in", 18, 18), ("out", 12, 12)]


# A slow and obvious count with Python's sets, to hold the SQL to.

Cell = tuple[str, str, str]  # category, region, type
ADDITIVE = {"orders": (1, 2), "units": (0, 1, 2), "revenue_nok": (0, 1, 2), "customers": (2,)}


def own_of(orders: list[Order]) -> dict[str, dict[Cell, dict[int, int]]]:
    """What each person adds to each cell, by measure."""
    found: dict[str, dict[Cell, dict[int, int]]] = {m: {} for m in ADDITIVE}
    for who, region, kind, categories in orders:
        for r, t in product((region, ALL), (kind, ALL)):
            for category in (*categories, ALL):
                units = 1 if category != ALL else len(categories)
                for measure, value in (("orders", 1), ("units", units), ("revenue_nok", 100 * units)):
                    cell = found[measure].setdefault((category, r, t), {})
                    cell[who] = cell.get(who, 0) + value
                found["customers"].setdefault((category, r, t), {})[who] = 1
    return {m: {c: {w: v for w, v in p.items() if v} for c, p in cells.items()} for m, cells in found.items()}


def slow_faults(orders: list[Order], shown: dict[str, set[Cell]], k: int) -> set[str]:
    """The measures in which some difference of shown cells stands on 1 to k - 1 people."""
    faults = set()
    for measure, cells in own_of(orders).items():
        def parts(cell: Cell, axis: int, cells: dict[Cell, dict[int, int]] = cells) -> list[Cell]:
            return [c for c in cells if c[axis] != ALL and (*c[:axis], ALL, *c[axis + 1:]) == cell]

        def left(cell: Cell, order: tuple[int, ...], cells: dict[Cell, dict[int, int]] = cells,
                 measure: str = measure) -> set[int]:
            found: set[int] = set()
            for part in parts(cell, order[0]):
                if part not in shown[measure]:
                    found |= left(part, order[1:]) if order[1:] else set(cells[part])
            return found

        for cell in shown[measure] & set(cells):
            open_axes = [axis for axis in range(3) if cell[axis] == ALL]
            sizes = [len(left(cell, order)) for order in permutations(a for a in open_axes if a in ADDITIVE[measure])
                     if order]
            for count in range(1, len(open_axes) + 1):
                for axes in combinations(open_axes, count):
                    if set(axes) <= set(ADDITIVE[measure]):
                        continue
                    below = [c for c in cells if all(c[a] != ALL for a in axes)
                             and all(c[a] == cell[a] for a in range(3) if a not in axes) and c in shown[measure]]
                    sizes += [sum(cells[c].get(w, 0) != v for w, v in cells[cell].items()) for c in below]
                    if count == 1 and below:
                        sizes.append(sum(sum(cells[c].get(w, 0) for c in below) != v for w, v in cells[cell].items()))
            if any(0 < size < k for size in sizes):
                faults.add(measure)
    return faults


def shown_in(con: Connection, policy: Policy, relation: str) -> dict[str, set[Cell]]:
    """The cells that show a measure, by measure."""
    return {measure: set(con.execute(f"SELECT product_category, postal_region, customer_type FROM {relation} "
                                     f"WHERE {measure} IS NOT NULL").fetchall())
            for measure in shape_of(policy, "sales_monthly").measures}


ORDERS = st.lists(st.tuples(st.integers(0, 25), st.sampled_from("012"), st.sampled_from(["b", "c"]),
                            st.frozensets(st.sampled_from("xyz"), max_size=2)), min_size=10, max_size=90)
CELLS = st.tuples(st.sampled_from(["x", "y", "z", ALL]), st.sampled_from(["0", "1", "2", ALL]),
                  st.sampled_from(["b", "c", ALL]))


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=5, deadline=None, suppress_health_check=SLOW)
@given(orders=ORDERS, gone=st.sets(CELLS, max_size=8))
def test_sql_and_slow_sets_agree(orders: list[Order], gone: set[Cell]) -> None:
    agree(orders, gone)


@pytest.mark.soak
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(orders=ORDERS, gone=st.sets(CELLS, max_size=8))
def test_sql_and_slow_sets_agree_on_many(orders: list[Order], gone: set[Cell]) -> None:
    agree(orders, gone)


def agree(orders: list[Order], gone: set[Cell]) -> None:
    """Whatever is suppressed, both find the same measures at fault, and none after suppressing."""
    policy = small_policy()
    thresholds = policy.release.thresholds.model_copy(update={"k": 5})
    policy = policy.model_copy(update={"release": policy.release.model_copy(update={"thresholds": thresholds})})
    con = sales(orders, policy)
    public = public_of(con, policy)
    relation = public["sales_monthly"]
    for cell in sorted(gone):
        con.execute(f"UPDATE {relation} SET suppressed = true, suppressed_measures = [], orders = NULL, units = NULL, "
                    "revenue_nok = NULL, customers = NULL WHERE product_category = $c AND postal_region = $r "
                    "AND customer_type = $t", dict(zip("crt", cell, strict=True)))
    found = check_differences(con, policy, public)[0]
    assert ({text.partition(":")[0].partition(".")[2] for text in found.violations}
            == slow_faults(orders, shown_in(con, policy, relation), 5))
    suppress_differences(con, policy, public)
    assert slow_faults(orders, shown_in(con, policy, relation), 5) == set()
    assert check_differences(con, policy, public)[0].passed
    con.close()
