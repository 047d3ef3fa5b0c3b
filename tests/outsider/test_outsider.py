"""The outsider against real releases, where nobody may be recovered, and against spoilt ones, where somebody must be.

The shop and its two releases are made once: two months of history of 2,000 customers, then one month more.
"""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.run import month as month_run
from ajprivacy_pipeline.sample import generate
from ajprivacy_pipeline.settings import CHECKOUT, NOTICE
from ajprivacy_pipeline.storage.zones import memory
from tests.outsider import people, periods, rounded, solve, stocks, tables
from tests.outsider.__main__ import attack
from tests.outsider.knowledge import write_people
from tests.outsider.lines import System, groups
from tests.outsider.published import ALL, DICTIONARY, MICRODATA, Finding, Published, Thresholds, read
from tests.pycanon_says import assert_agrees
from tests.test_month import run_all, settings_for

LIMITS = Thresholds()
FIRST, SECOND = "2026-09", "2026-10"


@dataclass(frozen=True)
class Outside:
    """The published folders, what is known of everybody, and the file for querying."""

    older: Path
    newer: Path
    analytics: Path
    known: Path
    facts: Path


def make(folder: Path, customers: int, history: int) -> Outside:
    """A shop and two months' releases, by the steps of the monthly job."""
    url = f"sqlite:///{folder / 'shop.db'}"
    generate(url, customers, 1, date(2026, 10, 31), progress=lambda _: None)
    settings = settings_for(folder / "home", url)

    def short(notice: Path) -> Policy:
        policy = load_policy(notice)
        return policy.model_copy(update={"release": policy.release.model_copy(update={"history_months": history})})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(month_run, "load_policy", short)
        for month in (FIRST, SECOND):
            open_month = month_run.open_month(settings, month, f"run of {month}", logs=lambda: iter(()))
            with open_month as run:  # with a log to read: what is not proven is computed anew each month
                run_all(run)
                for table in ("sales", "demand"):
                    target = folder / f"{table} {month}.parquet"
                    run.con.execute(f"COPY anonymous.{table} TO '{target}' (FORMAT parquet)")
    write_people(url, date(2026, 9, 30), folder / "people.csv")
    releases = settings.published / "releases"
    assert json.loads((releases / FIRST / "manifest.json").read_text(encoding="utf-8"))["proven"]
    return Outside(releases / FIRST, releases / SECOND, settings.published / "analytics.duckdb", folder / "people.csv",
                   folder)


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    return make(tmp_path_factory.mktemp("outsider"), 2_000, 2)


def test_pycanon_agrees_on_the_microdata_of_both_months(outside: Outside) -> None:
    con = memory()
    for number, folder in enumerate((outside.older, outside.newer)):
        file = next((folder / "customers_microdata").glob("*.parquet"))
        con.execute(f"CREATE VIEW people_{number} AS FROM read_parquet('{file}')")
        assert_agrees(con, f"people_{number}", load_policy(NOTICE))


FOUND = re.compile(r"\s+(?P<table>\w+)\s+(?P<period>\d{4}-\d\d-\d\d) (?P<cell>.*?)\s{2,}(?P<measure>\w+) in .*")
TOTALLED = {"sales_monthly": ("sales", ["product_category"]), "product_demand_monthly": (
    "demand", ["product_id", "product_category"])}  # the facts of a table, and whose totals are rows of theirs


def hides_others(facts: Path, line: str) -> bool:
    """Whether a found cell of units or revenue stands on ten, none of whom, and no two, dominate it."""
    found = FOUND.fullmatch(line)
    assert found, line
    relation, totalled = TOTALLED[found["table"]]
    named = {d: match[1] for d in ("postal_region", "customer_type", "product_id", "product_category")
             if (match := re.search(rf"{d} (.+?)(?:, |$)", found["cell"]))}
    where = [f"{d} = '{value}'" for d, value in {**dict.fromkeys(totalled, ALL), **named}.items()]
    many, whole, largest, two = memory().execute(
        "SELECT count(*), sum(own), max(own), list_sum(max(own, 2)) FROM "
        f"(SELECT abs(sum({found['measure']})) AS own FROM '{facts}/{relation} *.parquet' "
        f"WHERE month = DATE '{found['period']}' AND {' AND '.join(where)} GROUP BY token)").fetchall()[0]
    return bool(many >= 10 and largest <= whole / 2 and two <= 3 * whole / 4)


@pytest.fixture(scope="module")
def release(outside: Outside) -> Published:
    return read(outside.newer)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command as an auditor types it."""
    return subprocess.run([sys.executable, "-m", "tests.outsider", *map(str, arguments)], cwd=CHECKOUT, text=True,
                          capture_output=True, check=False)


def only(release: Published, *names: str) -> Published:
    """A release with some of its tables, each a copy that may be spoilt."""
    kept = {name: release.tables[name].copy() for name in (*names, DICTIONARY)}
    return replace(release, tables=kept, shapes={n: s for n, s in release.shapes.items() if n in names},
                   rounded={n: s for n, s in release.rounded.items() if n in names})


def kinds(found: Iterator[Finding] | list[Finding]) -> set[str]:
    return {finding.attack for finding in found}


def test_the_outsider_knows_nothing_of_ours() -> None:
    """Attack modules import nothing of the package; tests and the shop's facts are no attack."""
    for path in Path(__file__).parent.glob("*.py"):
        if path.name.startswith("test_"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        ours = [name for name in names if name.startswith(("ajprivacy", "tests.")) and "outsider" not in name]
        assert not ours, path.name


def test_two_months_give_nobody_away(outside: Outside) -> None:
    """What is suppressed only to hide others may be narrowed, never told: the facts say which that is."""
    done = run(outside.older, outside.newer, "--people", outside.known)
    assert not done.stderr
    found = [line for line in done.stdout.splitlines() if line.startswith("  ")]
    heads = [line.partition(":")[0] for line in done.stdout.splitlines() if not line.startswith("  ")]
    assert {head for head in heads if head != "recovered"} <= {"complement, interval"}
    assert not [line for line in found if not hides_others(outside.facts, line)]


def true_counts(facts: Path) -> dict[tuple[str, tuple[str, ...]], int]:
    """How many customers truly bought, by period and cell."""
    rows = memory().execute(
        "SELECT month, product_category, postal_region, customer_type, count(DISTINCT token) "
        f"FROM '{facts}/sales *.parquet' WHERE product_category <> '(all)' GROUP BY ALL").fetchall()
    return {(str(row[0]), row[1:4]): row[4] for row in rows}


@pytest.mark.soak
def test_rounded_counts_tell_no_small_one(outside: Outside, release: Published) -> None:
    """Not even to somebody who knows which counts are small."""
    truth = true_counts(outside.facts)
    assert sum(0 < count < 10 for count in truth.values()) > 100
    assert release.rounded
    for folder in (outside.older, outside.newer):
        assert not list(rounded.attack(read(folder), LIMITS, truth))


@pytest.mark.soak
def test_rounded_counts_of_two_months_tell_together_no_more_than_each(outside: Outside, release: Published) -> None:
    assert not list(periods.attack(release, LIMITS, true_counts(outside.facts)))


def test_small_counts_shown_as_they_are_and_totals_that_are_no_sums(release: Published) -> None:
    spoilt = only(release, "sales_counts", "sales_monthly")
    frame = spoilt.tables["sales_counts"]
    frame.loc[frame["customers"] == 10, "customers"] = 4
    learnt = {finding.learnt for finding in rounded.attack(spoilt, LIMITS, {})}
    assert "totals are not the sums of their parts" in learnt
    assert any("no multiple of k" in text for text in learnt)


@pytest.mark.soak
def test_rounded_counts_beside_exact_totals_of_few(outside: Outside, release: Published) -> None:
    """Were every total of few over the types shown, the small counts within it would follow."""
    spoilt, truth = only(release, "sales_counts", "sales_monthly"), true_counts(outside.facts)
    sums: dict[tuple[str, str, str], int] = {}
    for (period, (category, region, _)), count in truth.items():
        sums[period, category, region] = sums.get((period, category, region), 0) + count
    frame = spoilt.tables["sales_monthly"]
    days = {str(day)[:10]: day for day in frame["month"].unique()}
    shown = pd.DataFrame([{"month": days[period], "product_category": category, "postal_region": region,
                           "customer_type": ALL, "customers": count}
                          for (period, category, region), count in sums.items()])
    spoilt.tables["sales_monthly"] = pd.concat([frame, shown], ignore_index=True)
    assert "rounded" in kinds(rounded.attack(spoilt, LIMITS, truth))


def test_a_category_that_is_not_listed_for_some(release: Published) -> None:
    spoilt = only(release, "sales_counts")
    frame = spoilt.tables["sales_counts"]
    fine = (frame[["product_category", "postal_region", "customer_type"]] != ALL).all(axis=1)
    spoilt.tables["sales_counts"] = frame.drop(frame[fine].index[:1])
    assert "presence" in kinds(rounded.attack(spoilt, LIMITS))


def test_the_file_for_querying_says_the_same_as_the_folder(outside: Outside, release: Published) -> None:
    from_file = read(outside.analytics)
    assert set(from_file.tables) == set(release.tables)
    assert not list(tables.recut(release, from_file))
    assert from_file.shapes == release.shapes


def test_the_attack_has_something_to_attack(release: Published) -> None:
    """The zeros above mean little if nothing were suppressed, no sums were found, or no table of people were there."""
    systems = list(tables.systems(release))
    assert sum(len(system.suppressed) for system in systems) > 100
    assert sum(len(system.sums) for system in systems) > 100
    shared = {measure: {shape.name for shape in shapes} for measure, shapes in groups(release) if len(shapes) > 1}
    assert sorted(shared) == ["customers", "orders", "revenue_nok", "units"]
    assert all(names == {"sales_monthly", "product_demand_monthly"} for names in shared.values())
    assert len(release.tables[MICRODATA]) > 100


# --- spoilt releases ---


def two_suppressed(frame: pd.DataFrame, measure: str, dimension: str) -> pd.Index:
    """The rows of a line, along the dimension, whose total is shown and of whose parts two alone are suppressed."""
    others = [c for c in ("month", "postal_region", "product_category", "customer_type", "page_group", "device_class")
              if c in frame and c != dimension]
    for _, line in frame.groupby(others):
        total, parts = line[line[dimension] == ALL], line[line[dimension] != ALL]
        hidden = parts[parts[measure].isna()]
        if len(total) and total[measure].notna().all() and len(hidden) == 2:
            return hidden.index
    raise AssertionError(f"no line with two suppressed {measure}")


@pytest.mark.parametrize(("table", "measure", "dimension"), [
    ("web_activity_monthly", "events", "page_group"), ("sales_monthly", "orders", "customer_type")])
def test_one_complement_shown_after_all(release: Published, table: str, measure: str, dimension: str) -> None:
    spoilt = only(release, table)
    frame = spoilt.tables[table]
    first, second = two_suppressed(frame, measure, dimension)
    frame = spoilt.tables[table] = frame[frame["month"] == frame.loc[first, "month"]].copy()
    assert not kinds(tables.attack(spoilt, LIMITS))
    frame.loc[first, measure] = 3
    found = [f for f in tables.attack(spoilt, LIMITS) if f.period == str(frame.loc[second, "month"])[:10]]
    assert any(f.attack == "margin" and str(frame.loc[second, dimension]) in f.cell for f in found)


def test_small_cells_merely_blanked(release: Published) -> None:
    """The smallest cell of each month that shows everything is blanked, and back again at once."""
    spoilt = only(release, "web_activity_monthly")
    frame = spoilt.tables["web_activity_monthly"]
    whole = frame.groupby("month")["events"].transform(lambda values: values.notna().all())
    assert whole.any()
    frame = spoilt.tables["web_activity_monthly"] = frame[whole].copy()
    inner = frame[(frame["page_group"] != ALL) & (frame["device_class"] != ALL)]
    smallest = inner.groupby("month")["events"].idxmin()
    truth = {str(frame.loc[i, "month"])[:10]: float(frame.loc[i, "events"]) for i in smallest}
    frame["events"] = frame["events"].astype("Float64")
    frame.loc[smallest, "events"] = pd.NA
    found = [f for f in tables.attack(spoilt, LIMITS) if f.attack == "complement, exact"]
    assert {f.period: f.learnt for f in found} == {
        period: f"events in {value:.2f} .. {value:.2f}" for period, value in truth.items()}


def test_a_month_that_was_cut_again(outside: Outside, release: Published) -> None:
    """One order that came late in a closed month, in one release and not in the other."""
    older = read(outside.older)
    assert not list(tables.recut(older, release))
    late = only(release, "sales_monthly")
    frame = late.tables["sales_monthly"]
    row = frame[frame["orders"].notna() & (frame["month"] < frame["month"].max())].index[0]
    frame.loc[row, "orders"] += 1
    assert kinds(tables.recut(only(older, "sales_monthly"), late)) == {"re-cut"}
    gone = only(release, "sales_monthly")
    gone.tables["sales_monthly"] = gone.tables["sales_monthly"].drop(index=row)
    assert kinds(tables.recut(only(older, "sales_monthly"), gone)) == {"re-cut"}


def test_two_tables_that_count_one_thing_differently(release: Published) -> None:
    """What this script found in 2026: demand counted an order by returned lines too, sales did not."""
    spoilt = only(release, "sales_monthly", "product_demand_monthly")
    frame = spoilt.tables["product_demand_monthly"]
    row = frame[(frame["product_id"] == ALL) & (frame["product_category"] != ALL) & frame["orders"].notna()].index[0]
    frame.loc[row, "orders"] += 1
    found = list(tables.between_tables(spoilt, LIMITS))
    assert [f.attack for f in found] == ["between tables"]
    assert str(frame.loc[row, "product_category"]) in found[0].cell


def test_a_total_that_a_few_stand_apart_from(release: Published) -> None:
    spoilt = only(release, "deliveries_monthly")
    frame = spoilt.tables["deliveries_monthly"]
    part = frame[(frame["postal_region"] != ALL) & frame["orders"].notna()].index[0]
    total = frame.index[(frame["month"] == frame.loc[part, "month"]) & (frame["postal_region"] == ALL)][0]
    for rest, found in ((LIMITS.k, set()), (LIMITS.k - 1, {"difference"}), (0, set())):
        frame.loc[total, "orders"] = frame.loc[part, "orders"] + rest
        shape = spoilt.shapes["deliveries_monthly"]
        one_line = frame.loc[[part, total]]
        assert kinds(tables.differences(one_line, shape, LIMITS)) == found, rest


def spoil_class_of_one(frame: pd.DataFrame) -> None:
    frame.loc[len(frame)] = frame.iloc[0]
    frame.loc[len(frame) - 1, ["customer_type", "postal_region", "age_band"]] = ["consumer", "9", "80+"]


def spoil_homogeneous(frame: pd.DataFrame) -> None:
    quasi = ["customer_type", "postal_region", "age_band", "gender", "industry", "tenure_band"]
    first = (frame[quasi] == frame.loc[0, quasi]).all(axis=1)
    frame.loc[first, "spend_band"] = "100000+"


@pytest.mark.parametrize(("spoil", "expected"), [(spoil_class_of_one, "class"), (spoil_homogeneous, "homogeneity")])
def test_a_spoilt_table_of_people(release: Published, outside: Outside, spoil: Callable[[pd.DataFrame], None],
                                  expected: str) -> None:
    known = pd.read_csv(outside.known, dtype=str)
    spoilt = only(release, MICRODATA)
    assert not kinds(people.attack(spoilt, known, LIMITS))
    spoil(spoilt.tables[MICRODATA])
    assert expected in kinds(people.attack(spoilt, known, LIMITS))


@pytest.mark.parametrize(("rows", "found"), [(9, {"linkage"}), (10, set())])
def test_somebody_known_with_too_few_rows(release: Published, rows: int, found: set[str]) -> None:
    """By containment: no class is small, but somebody fits into rows of several classes that are few together."""
    spoilt = only(release, MICRODATA)
    classes = pd.DataFrame([["person", "0-1", "18-39", "*", "*", "0-2 years"]] * rows
                           + [["business", "*", "*", "*", "*", "*"]] * 50,
                           columns=spoilt.tables[MICRODATA].columns[:6])
    bands = pd.DataFrame([["0", "0", "never"], ["1", "1-999", "0-2"], ["2-4", "1-999", "3-5"]] * 40,
                         columns=spoilt.tables[MICRODATA].columns[6:]).iloc[:len(classes)]
    spoilt.tables[MICRODATA] = pd.concat([classes, bands], axis=1)
    me = pd.DataFrame([["sole_proprietor", "1", "31", "f", "unknown", "2"]], columns=classes.columns)
    assert kinds(people.linkage(spoilt, me, LIMITS)) == found
    elsewhere = me.assign(age_band="40")
    assert not list(people.linkage(spoilt, elsewhere, LIMITS))


def test_two_editions_that_single_somebody_out(release: Published, outside: Outside) -> None:
    known = pd.read_csv(outside.known, dtype=str)
    older, newer = only(release, MICRODATA), only(release, MICRODATA)
    assert not list(people.editions(older, newer, known, LIMITS))
    frame = newer.tables[MICRODATA]
    one = known[known["customer_type"] == "business"].iloc[0]
    rest = frame.iloc[:30].copy()
    for column in known.columns:  # an edition in which a class fits one company, and few are like it
        rest[column] = one[column]
    newer.tables[MICRODATA] = pd.concat([frame, rest], ignore_index=True)
    assert "editions" in kinds(people.editions(older, newer, known, LIMITS))


@pytest.mark.parametrize(("rounded_to", "hidden", "learnt"), [
    (0, ["unsubscribed"], ["unsubscribed in 4.0 .. 4.0"]),
    (10, ["unsubscribed"], ["unsubscribed in 3.0 .. 7.0"]),  # the months around pin both stocks
    (10, ["subscribed", "unsubscribed"], []),
])
def test_flows_between_stocks_are_hidden_together(rounded_to: int, hidden: list[str], learnt: list[str]) -> None:
    months = pd.date_range("2024-01-01", periods=8, freq="MS")
    stock = 500 + 16 * pd.Series(range(len(months)))
    frame = pd.DataFrame({
        "month": months, "subscribed": pd.array([20] * len(months), dtype="Int64"),
        "unsubscribed": pd.array([4] * len(months), dtype="Int64"), "rounded_to": rounded_to,
        "active": (stock + 5) // 10 * 10 if rounded_to else stock})
    frame.loc[4, hidden] = pd.NA
    spoilt = Published("spoilt", {"newsletter_monthly": frame})
    assert [f.learnt for f in stocks.attack(spoilt, LIMITS)] == learnt


# --- the mathematics, on systems whose answer is known ---


def square(total: float, rows: tuple[float, float], columns: tuple[float, float], *, amount: bool = False) -> System:
    """Two by two cells, all suppressed, with their margins shown."""
    system = System("test", "2024-01", "m", amount)
    cells = {(r, c): frozenset({("r", r), ("c", c)}) for r in "ab" for c in "xy"}
    for cell in cells.values():
        system.put(cell, "t", None, float("inf"), 0)
    for name, value in zip("ab", rows, strict=True):
        system.put(frozenset({("r", name)}), "t", value, float("inf"), 0)
        system.sums.append((frozenset({("r", name)}), [cells[name, c] for c in "xy"]))
    for name, value in zip("xy", columns, strict=True):
        system.put(frozenset({("c", name)}), "t", value, float("inf"), 0)
        system.sums.append((frozenset({("c", name)}), [cells[r, name] for r in "ab"]))
    system.put(frozenset(), "t", total, float("inf"), 0)
    system.sums.append((frozenset(), [frozenset({("r", "a")}), frozenset({("r", "b")})]))
    return system


@pytest.mark.parametrize(("rows", "columns", "narrow"), [
    ((10, 30), (20, 20), 0), ((9, 31), (20, 20), 4), ((0, 40), (20, 20), 4), ((20, 20), (20, 20), 0)])
def test_counts_have_k_of_room_or_are_reported(rows: tuple[float, float], columns: tuple[float, float],
                                               narrow: int) -> None:
    found = list(solve.recovered(square(40, rows, columns), tables.wide_count(LIMITS)))
    assert len(found) == narrow
    assert all(one.exact == (rows[0] == 0) for one in found)


@pytest.mark.parametrize(("low", "high", "wide"), [
    (90.0, 110.0, True), (90.1, 110.0, False), (90.0, 109.9, False), (0.0, 1.0, True), (0.0, 0.0, False)])
def test_amounts_have_ten_percent_of_room(low: float, high: float, wide: bool) -> None:
    assert tables.wide_amount(LIMITS)(low, high) is wide


def test_figures_that_do_not_belong_together_are_a_finding() -> None:
    assert kinds(tables.complements(square(40, (10, 31), (20, 20)), LIMITS)) == {"contradiction"}


def test_a_spoilt_folder_ends_with_1(outside: Outside, release: Published, tmp_path: Path) -> None:
    """The command's own way: Parquet in, findings and 1 out."""
    spoilt = only(release, "web_activity_monthly")
    frame = spoilt.tables["web_activity_monthly"]
    whole = frame.groupby("month")["events"].transform(lambda values: values.notna().all())
    inner = frame.index[whole & (frame["page_group"] != ALL) & (frame["device_class"] != ALL)]
    frame["events"] = frame["events"].astype("Float64")
    frame.loc[inner[0], "events"] = pd.NA
    for name, table in spoilt.tables.items():
        (tmp_path / name).mkdir()
        table.to_parquet(tmp_path / name / "all.parquet")
    done = run(tmp_path)
    assert done.returncode == 1
    assert "complement, exact: 1" in done.stdout
    assert "recovered: " in done.stdout
    assert "nobody" not in done.stdout
    assert done.stderr == ""


@pytest.mark.soak
def test_what_is_no_release_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "sales_monthly").mkdir()
    pd.DataFrame({"month": [1]}).to_parquet(tmp_path / "sales_monthly" / "2024-01.parquet")
    for path, message in ((tmp_path, "holds 1 tables and no data_dictionary"), (tmp_path / "gone", "no such folder"),
                          (tmp_path / "sales_monthly", "holds no tables")):
        done = run(path)
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.soak
def test_fifty_thousand_customers_give_nobody_away(tmp_path: Path) -> None:
    outside = make(tmp_path, 50_000, 24)
    releases = [read(outside.older), read(outside.newer)]
    assert attack(releases, pd.read_csv(outside.known, dtype=str), LIMITS) == []
