"""How near rounded counts are to the true ones, and what exact totals beside them would tell.

    python benchmarks/rounded_counts.py [--customers 10000] [--seed 7] [--months 24]

Makes a sample shop and its sales by month, suppressed as in a release, and rounds each month three ways: small counts
alone, with large ones as they are; all counts, once; all counts until nothing is told, which is what is published. For
each it prints the mean absolute error of the finest cells (target 3), of those that are not zero, and of totals, and
how many small counts leave fewer than k numbers possible beside the exact tables.
"""

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from ajprivacy_pipeline.disclosure.cells.rounded_audit import told_too_closely
from ajprivacy_pipeline.disclosure.cells.rounded_counts import BesideExact, Period, dimensions_of, read_periods
from ajprivacy_pipeline.disclosure.cells.rounding import Counts, round_counts
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.policy.release import Rounded
from ajprivacy_pipeline.release import gates, tables
from ajprivacy_pipeline.release.plan import plan_release
from ajprivacy_pipeline.release.rounded import round_until_safe
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.sample import generate
from ajprivacy_pipeline.settings import NOTICE, load_settings, sql_folder
from ajprivacy_pipeline.storage.zones import Connection

TABLE, MEASURE, MONTH = "sales_counts", "customers", "2026-10"
KEY = b"of draws"  # which decide where the counts do not
EXACT = ("sales_monthly", "product_demand_monthly")
Errors = dict[str, list[float]]


def narrowed(policy: Policy, months: int) -> Policy:
    """The policy of sales and demand alone, by month, of so many months."""
    kept = {name: table for name, table in policy.release.tables.items() if name in (*EXACT, TABLE)}
    periods = policy.release.periods.model_copy(update={"lengths": ("month",)})
    return policy.model_copy(update={"release": policy.release.model_copy(update={
        "tables": kept, "periods": periods, "history_months": months})})


def note(errors: Errors, period: Period, rounded: Counts) -> None:
    """Take up how far a period's counts, and its totals by how many dimensions they name, are off."""
    off = np.abs(rounded - period.counts)
    errors["finest cells"] += off.tolist()
    errors["of them not zero"] += off[period.counts > 0].tolist()
    for level in period.totals.T[:-1]:
        errors["totals"] += np.abs(np.bincount(level, weights=rounded - period.counts)).tolist()


def compare(con: Connection, policy: Policy, asked: Rounded, public: Mapping[str, str]) -> None:
    """Print the three ways."""
    k, dimensions = policy.release.thresholds.k, dimensions_of(policy, TABLE)
    beside = BesideExact(con, policy, asked.beside, public)
    errors: dict[str, Errors] = defaultdict(lambda: defaultdict(list))
    told = dict.fromkeys(("small counts alone", "all counts, once"), 0)
    small = 0
    for period in read_periods(con, policy, TABLE, asked, KEY):
        is_small, totals, draws = period.counts < k, period.totals, period.draws()
        exact = beside.of(period.month)
        keys = [tuple(sorted(zip(dimensions, one, strict=True))) for one in period.values]
        large = {key for key, one in zip(keys, is_small, strict=True) if not one}
        shown = replace(exact, rows=[replace(row, suppressed_measures=row.suppressed_measures - {MEASURE})
                                     if row.table == asked.beside and row.key in large else row for row in exact.rows])
        alone = np.where(is_small, round_counts(np.where(is_small, period.counts, 0), totals, k, draws), period.counts)
        every = round_counts(period.counts, totals, k, draws)
        small += int((is_small & (period.counts > 0)).sum())
        for way, rounded, rows in (("small counts alone", alone, shown), ("all counts, once", every, exact)):
            counted = dict(zip(keys, zip(period.counts.tolist(), rounded.tolist(), strict=True), strict=True))
            told[way] += len(told_too_closely(policy, rows, counted, k, MEASURE).cells)
            note(errors[way], period, rounded)
    started = time.process_time()
    relation, judged, took = round_until_safe(con, policy, TABLE, asked, dict(public), KEY)
    seconds, way = time.process_time() - started, "all counts, until safe"
    for period in read_periods(con, policy, TABLE, asked, KEY):
        if counted := judged_counts(con, policy, relation, period, dimensions):
            note(errors[way], period, np.array(counted, dtype=np.int64))
    told[way] = sum(len(one.cells) for one in judged.told.values())
    print(f"{small:,} small counts; figures of what is published: {dict(took)}; {seconds:.1f} CPU seconds")
    for way, found in errors.items():
        print(f"{way:24}{told[way]:>6,} told; " + "; ".join(
            f"{what} {np.mean(off):.2f} (most {np.max(off):.0f})" for what, off in found.items()))


def judged_counts(con: Connection, policy: Policy, relation: str, period: Period, dimensions: list[str]) -> list[int]:
    """The published counts of a period's finest cells, in its order; empty where it is not listed."""
    named = " AND ".join(f"{d} <> $all" for d in dimensions)
    rows = con.execute(f"SELECT {MEASURE} FROM {relation} WHERE month = $month AND {named} "
                       f"ORDER BY {', '.join(dimensions)}",
                       {"month": period.month, "all": policy.release.values.all}).fetchall()
    return [row[0] for row in rows]


def main() -> None:
    """Make the shop, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--months", type=int, default=24)
    given = parser.parse_args()
    policy = narrowed(load_policy(NOTICE), given.months)
    asked = policy.release.tables[TABLE].rounded
    assert asked is not None
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{Path(name) / 'shop.db'}"
        generate(url, given.customers, given.seed, date(2026, 10, 31), lambda *_: None)
        settings = load_settings({"AJPRIVACY_HOME": str(Path(name) / "home"), "AJPRIVACY_WAREHOUSE": url})
        with open_month(settings, MONTH, "benchmark", logs=lambda: iter(())) as run:
            run_decisions(run)
            plan = plan_release(run.control, policy, MONTH)
            tables.run_layers(run.con, run.policy, plan, sql_folder())
            public = tables.make_public(run.con, policy)
            gates.suppress_until_proven(run.con, policy, public, {}, set(),
                                        gates.suppress_more(run.con, policy, public))
            compare(run.con, policy, asked, public)


if __name__ == "__main__":
    main()
