"""G15: what is suppressed, how far answers are off, whom the microdata leave out; and where that blocks."""

import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.release_consistency import utility_faults
from ajprivacy_pipeline.policy.utility import GoldenQuery, Utility
from ajprivacy_pipeline.release import GuaranteeError, gates, microdata, read_release
from ajprivacy_pipeline.release.plots import plots_of
from ajprivacy_pipeline.release.utility import banded, check_utility
from ajprivacy_pipeline.storage.zones import Connection, memory
from tests.release.release_world import World, small_policy


def golden(**queries: GoldenQuery) -> Policy:
    """The small policy with some golden queries."""
    return small_policy(utility=small_policy().release.utility.model_copy(update={"golden": queries}))


def manifest(world: World, month: str = "2024-03") -> dict[str, object]:
    found: dict[str, object] = json.loads(
        (world.settings.published / "releases" / month / "manifest.json").read_text(encoding="utf-8"))
    return found


def answers(world: World, query: GoldenQuery, statement: str = "") -> dict[str, int]:
    """The bands of one golden query over public tables that a statement changed; empty bands left out."""
    world.policy = golden(one=query)
    world.compute()
    if statement:
        world.con.execute(statement)
    public = {query.table: f"temp.public_{query.table}"}
    found, said = check_utility(world.con, world.policy, "2024-03", public, None, None)
    assert found.passed or statement
    return {band: count for band, count in said["golden"]["one"].items() if count}


def test_figures_in_the_manifest_are_those_of_the_tables(published: World) -> None:
    said = manifest(published)["utility"]
    assert isinstance(said, dict)
    found = published.query("SELECT count(*), count(*) FILTER (suppressed), sum(len(suppressed_measures)) "
                            "FROM sales_monthly")[0]
    assert said["new_cells"]["sales_monthly"] == {
        "rows": found[0], "suppressed": found[1], "values_suppressed": found[2]}
    rows, suppressed = (sum(entry[name] for entry in said["new_cells"].values()) for name in ("rows", "suppressed"))
    assert said["trend"] == [{"month": "2024-03", "rows": rows, "suppressed": suppressed}]
    assert rows > suppressed > 0
    assert sum(said["contributors"].values()) > 0
    assert next(iter(sorted(said["contributors"]))) != "0 to 9"
    figure = published.query("SELECT figure FROM release_info WHERE guarantee = 'G15'")[0][0]
    assert figure.startswith(f"{suppressed} of {rows} new cells suppressed; answers to 13 golden queries: ")


@pytest.mark.soak
def test_the_trend_goes_on_from_release_to_release(published: World) -> None:
    published.publish("2024-04")
    said = manifest(published, "2024-04")["utility"]
    assert isinstance(said, dict)
    assert [entry["month"] for entry in said["trend"]] == ["2024-03", "2024-04"]
    assert said["trend"][1]["rows"] < said["trend"][0]["rows"], "one month, not three"


@pytest.mark.soak
def test_a_trend_that_an_earlier_version_wrote_goes_on(world: World) -> None:
    """It called suppressed cells `withheld`."""
    world.publish()
    earlier = read_release(world.settings)
    trend = [{"month": "2024-03", "rows": 126, "withheld": 79}]
    before = replace(earlier, manifest={**earlier.manifest, "utility": {**earlier.manifest["utility"], "trend": trend}})
    world.compute("2024-04")
    said = check_utility(world.con, world.policy, "2024-04", {}, None, before)[1]
    assert said["trend"] == [{"month": "2024-03", "rows": 126, "suppressed": 79},
                             {"month": "2024-04", "rows": 0, "suppressed": 0}]
    assert any(plot.title == "Suppressed, release by release" for plot in plots_of(world.policy, {"utility": said}))


def ask(*per: str, table: str = "sales_monthly", over: tuple[str, ...] = ()) -> GoldenQuery:
    """A golden query for orders."""
    return GoldenQuery(table=table, measure="orders", per=per, over=over)


PER_CATEGORY = ask("month", "product_category")
OVER_REGIONS = ask("month", over=("postal_region",))
STOCK = GoldenQuery(table="newsletter_monthly", measure="active", per=("month",))


def test_an_answer_of_one_cell_is_exact_or_suppressed(world: World) -> None:
    """Lockers are shown in three months; four people bought desks."""
    assert answers(world, PER_CATEGORY) == {"exact": 3, "suppressed": 3}


def test_a_sum_over_parts_is_held_against_its_published_total(world: World) -> None:
    """Of 24 orders a month 20 went to region 0, 4 to one that is suppressed: 16.7 percent are missing."""
    assert answers(world, OVER_REGIONS) == {"up to 20 %": 3}


def test_where_the_total_is_suppressed_the_error_is_nobodys_to_know(world: World) -> None:
    hide = ("UPDATE temp.public_sales_monthly SET orders = NULL WHERE product_category = '(all)' "
            "AND postal_region = '(all)' AND customer_type = '(all)' AND month = DATE '2024-02-01'")
    assert answers(world, OVER_REGIONS, hide) == {"up to 20 %": 2, "suppressed": 1}


def test_a_stock_is_off_by_half_of_what_it_is_rounded_to_at_most(world: World) -> None:
    """Thirty subscriptions, rounded to ten: five of thirty. What rounding really did stays unsaid."""
    assert answers(world, STOCK) == {"up to 20 %": 3}
    world.con.execute("DELETE FROM staged.newsletter_subscriptions WHERE subscription_id = 'S7'")
    assert answers(world, STOCK) == {"up to 20 %": 3}, "29 is published as 30 too, and says no more"


@pytest.mark.parametrize(("total", "shown", "band"), [
    (1000, 1000, "exact"), (1000, 990, "up to 1 %"), (1000, 989, "up to 5 %"), (1000, 950, "up to 5 %"),
    (1000, 949, "up to 20 %"), (1000, 800, "up to 20 %"), (1000, 799, "more than 20 %"), (0, 5, "more than 20 %")])
def test_bands_end_where_the_policy_says(world: World, total: int, shown: int, band: str) -> None:
    world.policy = golden(one=OVER_REGIONS)
    world.compute()
    world.con.execute("DELETE FROM published.sales_monthly; DELETE FROM temp.public_sales_monthly")
    for table in ("published.sales_monthly", "temp.public_sales_monthly"):
        world.con.execute(
            f"INSERT INTO {table} (month, product_category, postal_region, customer_type, orders) VALUES "
            f"(DATE '2024-03-01', '(all)', '(all)', '(all)', {total}), "
            f"(DATE '2024-03-01', '(all)', '0', '(all)', {shown})")
    world.con.execute("UPDATE temp.public_sales_monthly SET suppressed = false")
    _, said = check_utility(world.con, world.policy, "2024-03", {"sales_monthly": "temp.public_sales_monthly"}, None,
                            None)
    assert {name: count for name, count in said["golden"]["one"].items() if count} == {band: 1}


def test_a_shown_value_that_is_not_the_computed_one_stops_the_release(
        world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(con: Connection, policy: Policy, public: dict[str, str], *more: Any) -> dict[str, int]:
        if "sales_monthly" in public:  # each population is suppressed by itself
            con.execute(f"UPDATE {public['sales_monthly']} SET orders = orders + 1 WHERE orders IS NOT NULL "
                        "AND product_category = '(all)' AND postal_region = '(all)' AND customer_type = '(all)'")
        return real(con, policy, public, *more)

    real = gates.suppress_more
    monkeypatch.setattr(gates, "suppress_more", careless)
    with pytest.raises(GuaranteeError, match=r"G15: sales_monthly\.orders: 3 shown values are not those"):
        world.publish()
    assert not world.analytics.exists()


@pytest.mark.parametrize(("everybody", "there", "percent", "passed"), [
    (300, 300, 0, True), (300, 299, 1, True), (300, 285, 5, True), (300, 284, 6, False), (300, 0, 100, False),
    (0, 0, 0, True)])
def test_microdata_may_leave_out_five_percent_of_the_rows(
        everybody: int, there: int, percent: int, passed: bool) -> None:
    con = memory()
    con.execute(f"CREATE SCHEMA anonymous; CREATE TABLE {microdata.SOURCE} AS FROM range({everybody}); "
                f"CREATE TEMP TABLE public_microdata AS FROM range({there})")
    found = microdata.check_left_out(con, small_policy(), "2024-03")
    assert found.passed is passed
    assert found.figure == f"customers_microdata of 2024-03 leaves out {percent} % of its rows"


@pytest.mark.parametrize(("size", "band"), [(9, None), (10, "10 to 19"), (19, "10 to 19"), (20, "20 to 49"),
                                            (999, "100 to 999"), (1000, "1,000 and more")])
def test_no_band_of_contributors_reaches_below_k(size: int, band: str | None) -> None:
    found = banded(memory(), small_policy(), f"SELECT {size} AS n", "n")
    assert {name: count for name, count in found.items() if count} == ({band: 1} if band else {})


@pytest.mark.parametrize(("changed", "fault"), [
    ({"contributor_bands": (10, 20)}, "begin below k"),
    ({"golden": {"q": ask("month", table="customers_microdata")}}, "not a published table"),
    ({"golden": {"q": ask("week")}}, "no such measure"),
    ({"golden": {"q": ask("product_category")}}, "has no (all)"),
    ({"golden": {"q": ask("month", over=("product_category",))}}, "may not be added up"),
])
def test_a_policy_that_asks_for_nonsense_is_refused(changed: dict[str, object], fault: str) -> None:
    release = small_policy().release
    utility = release.utility.model_copy(update=changed)
    found = list(utility_faults(utility, release.thresholds.k, release.values.all, release.tables))
    assert len(found) == 1
    assert fault in found[0]


@pytest.mark.parametrize("bands", [(0, 5), (5, 5), (20, 5)])
def test_bands_must_rise(bands: Collection[int]) -> None:
    given = small_policy().release.utility.model_dump()
    with pytest.raises(ValueError, match="must rise"):
        Utility.model_validate({**given, "error_bands": bands})
