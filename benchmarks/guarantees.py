"""Times single guarantees against the least that any check of them must do, in the same run.

    python benchmarks/guarantees.py [--rows 5000000] [--cells 300]

G2 over facts of so many rows: the floor groups the facts by cell and contributor once. G3 over as many persons: the
floor groups them by class and value once. G5: the audit of a table of three dimensions in which so many cells are
suppressed, against two programs a cell by scipy. Data are generated from a fixed seed. The target stands beside each.
"""

import argparse
import itertools
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
from scipy.optimize import linprog

from ajprivacy_pipeline.disclosure.cells.intervals import FeasibilityIntervals, line_matrix, open_cells
from ajprivacy_pipeline.disclosure.cells.measure_groups import Group
from ajprivacy_pipeline.disclosure.cells.primary import suppress
from ajprivacy_pipeline.disclosure.cells.recount import check_thresholds
from ajprivacy_pipeline.disclosure.cells.table_rows import Row
from ajprivacy_pipeline.disclosure.cells.table_system import System
from ajprivacy_pipeline.disclosure.microdata.diversity import check_classes
from ajprivacy_pipeline.disclosure.microdata.recode.rules import Sensitive
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.retention.bind import catalogue_of
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import run_model

POLICY = load_policy(NOTICE)
QUASI = {"customer_type": 3, "postal_region": 10, "age_band": 10, "industry": 10}  # 3,000 classes
SHAPE = (12, 8, 6)


def timed(work: Callable[[], Any], times: int = 3) -> tuple[Any, float]:
    """The result, and the least of several runs' seconds."""
    best, result = float("inf"), None
    for _ in range(times):
        started = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - started)
    return result, best


def thresholds(rows: int) -> tuple[float, float]:
    """Seconds of G2 over one month of sales facts, and of its floor."""
    con = zones.memory()
    con.execute("SELECT setseed(0.5)")
    con.execute("CREATE SCHEMA anonymous")
    con.execute("CREATE SCHEMA published")
    con.execute(f"""
        CREATE TABLE anonymous.sales AS SELECT DATE '2026-10-01' AS month,
            'category ' || floor(12 * pow(random(), 2))::INT AS product_category,
            floor(10 * random())::INT::VARCHAR AS postal_region, 'type ' || floor(3 * random())::INT AS customer_type,
            hash(floor({rows // 5} * random())::BIGINT) AS token, 1 AS orders, ceil(9 * random()) AS units,
            round(10000 * random(), 2)::DECIMAL(18, 2) AS revenue_nok, 0 AS unconverted_lines,
            NULL::BIGINT AS nameless_order FROM range({rows})""")
    month = date(2026, 10, 1)
    run_model(con, catalogue_of(POLICY)["published.sales_monthly"],
              {"first_month": month, "last_month": month, "all": POLICY.release.values.all})
    cells = zones.quote("published") + "." + zones.quote("sales_monthly")
    con.execute(f"CREATE TABLE public AS {suppress(con, POLICY, 'sales_monthly', cells)}")
    verdict, seconds = timed(lambda: check_thresholds(con, POLICY, {"sales_monthly": "public"}))
    assert verdict.passed, verdict.violations
    floor = timed(lambda: con.execute("SELECT count(*) FROM (SELECT product_category, postal_region, customer_type, "
                                      "token FROM anonymous.sales GROUP BY ALL)").fetchall())[1]
    return seconds, floor


def classes(rows: int) -> tuple[float, float]:
    """Seconds of G2 and G3 over a microdata table, and of their floor."""
    con = zones.memory()
    con.execute("SELECT setseed(0.5)")
    sensitive = [Sensitive("spend_band", 3, 2.5, 0.5)]
    columns = [f"'{name} ' || floor({size} * pow(random(), 1.5))::INT AS {name}" for name, size in QUASI.items()]
    columns += [f"'band ' || floor(8 * random())::INT AS {one.column}" for one in sensitive]
    con.execute(f"CREATE TABLE people AS SELECT {', '.join(columns)} FROM range({rows})")
    k = POLICY.release.thresholds.k
    seconds = timed(lambda: check_classes(con, "people", "people", list(QUASI), sensitive, k))[1]
    floor = timed(lambda: con.execute("SELECT count(*) FROM (SELECT COLUMNS(*), count(*) FROM people GROUP BY ALL)")
                  .fetchall())[1]
    return seconds, floor


def cube(suppressed: int) -> System:
    """Counts in three dimensions with all margins; the smallest cells are suppressed, margins among them."""
    rng = np.random.default_rng(1)
    values = np.floor(rng.pareto(1.0, SHAPE) * 8)
    for axis in range(3):
        values = np.concatenate([values, values.sum(axis=axis, keepdims=True)], axis=axis)
    places = list(itertools.product(*(range(size + 1) for size in SHAPE)))
    number = {place: i for i, place in enumerate(places)}
    smallest = set(sorted((p for p in places if values[p] > 0), key=lambda place: (values[place], place))[:suppressed])
    rows = [[Row("cube", 0, (), sum(at < size for at, size in zip(place, SHAPE, strict=True)), 99,
                 {"orders": float(values[place])}, {"orders"} if place in smallest else set(), False,
                 frozenset({"orders"}))]
            for place in places]
    lines = []
    for axis, size in enumerate(SHAPE):
        for place in places:
            if place[axis] == size:
                parts = tuple(number[(*place[:axis], i, *place[axis + 1:])] for i in range(size))
                lines.append((number[place], parts))
    system = System(Group("orders", ("orders",), whole=True, is_amount=False), None, rows, lines)
    system.refresh()
    return system


def intervals(suppressed: int) -> tuple[float, float, int]:
    """Milliseconds a cell of the audit, and of two programs by scipy; how many cells are too narrow."""
    system = cube(suppressed)
    narrow, seconds = timed(lambda: open_cells(FeasibilityIntervals(POLICY, system, "orders")))
    gone = np.flatnonzero(system.gone).tolist()
    matrix = line_matrix(system, {cell: i for i, cell in enumerate(gone)}).tocsr()
    bounds = [(-system.value(cell, "orders"), 1e9) for cell in gone]

    def two_each(cells: list[int]) -> None:
        for cell, sign in itertools.product(cells, (1.0, -1.0)):
            cost = np.zeros(len(gone))
            cost[gone.index(cell)] = sign
            linprog(cost, A_eq=matrix, b_eq=np.zeros(matrix.shape[0]), bounds=bounds, method="highs")

    some = gone[::10]
    floor = timed(lambda: two_each(some), 1)[1] / len(some)
    return 1000 * seconds / len(gone), 1000 * floor, len(narrow)


def main() -> None:
    """Print each guarantee's seconds, its floor, the ratio and the target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--cells", type=int, default=300)
    asked = parser.parse_args()
    counted, judged = thresholds(asked.rows), classes(asked.rows)
    for name, (seconds, floor) in (("G2, facts", counted), ("G2 and G3, persons", judged)):
        print(f"{name:20}{asked.rows:>12,} rows {seconds:8.2f} s, floor {floor:.2f} s, ratio {seconds / floor:.1f}")
    print(f"{'together':20}{'':17} {counted[0] + judged[0]:8.2f} s (target 1 s at 5,000,000 rows)")
    each, floor, narrow = intervals(asked.cells)
    print(f"{'G5, intervals':20}{asked.cells:>11,} cells {each:8.2f} ms a cell (target 5), two programs each by scipy "
          f"{floor:.2f} ms; {narrow:,} too narrow")


if __name__ == "__main__":
    main()
