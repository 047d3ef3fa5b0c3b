"""Times an access package beside one indexed lookup of the same rows, and the rendering of an empty page.

    python benchmarks/access_package.py [--customers 100000] [--people 5] [--decide]

The lookup selects, in every table of the contract, the very rows of the package by their primary keys, which is the
least that anybody has to read. Both are timed in one process on one SQLite file with the indexes that a shop has:
primary keys, ids of people, orders and visitors, user names, and lower(email). CPU seconds and the ratio count, since
other programs may run beside. With --decide a month is decided first, and the package says until when values are kept.
Nothing here fails: it prints what it saw.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))
TARGET, SECONDS = 2.0, 2.0
_IDS = ("customer_id", "contact_id", "order_id", "case_id", "visitor_id", "username", "phone")
_EMAILS = ("email", "delivery_email", "billing_email")


def indexed(url: str) -> None:
    """Give a shop the indexes that it would have."""
    from tests.rights.shop import POLICY
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for table, spec in POLICY.sources.tables.items():
            for column in spec.columns:
                if column in (*_IDS, *spec.key):
                    connection.exec_driver_sql(f"CREATE INDEX i_{table}_{column} ON {table} ({column})")
                if column in _EMAILS:
                    connection.exec_driver_sql(f"CREATE INDEX i_{table}_{column} ON {table} (lower({column}))")
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of the best of three."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)


def measured(url: str, home: Path, customers: int, people: int, *, decide: bool) -> None:
    """Print the figures of some people: those with most orders, and some others."""
    from ajprivacy_pipeline.enforcement.ground import current_policy
    from ajprivacy_pipeline.retention.recorded_requests import Asker
    from ajprivacy_pipeline.rights.answer import package_of
    from ajprivacy_pipeline.rights.decided import Month
    from ajprivacy_pipeline.rights.package import Assembler
    from ajprivacy_pipeline.rights.page import render_files
    from ajprivacy_pipeline.rights.requests import Request
    from ajprivacy_pipeline.rights.wording import Wording
    from ajprivacy_pipeline.run.month import open_month
    from ajprivacy_pipeline.run.steps import run_decisions
    from ajprivacy_pipeline.settings import load_settings, prepare_home
    from tests.rights.shop import TODAY
    settings = load_settings({"AJPRIVACY_HOME": str(home), "AJPRIVACY_WAREHOUSE": url, "AJPRIVACY_THREADS": "2"})
    prepare_home(settings)
    if decide:
        with open_month(settings, "2026-10", "bench") as run:
            run_decisions(run)
            run.finish()
    policy, words = current_policy(settings), Wording("nb")
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        ids = [row[0] for row in connection.exec_driver_sql(
            "SELECT customer_id FROM orders WHERE customer_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC LIMIT "
            f"{people}")]
        ids += [row[0] for row in connection.exec_driver_sql(f"SELECT customer_id FROM customers LIMIT {people}")]
    ratios = []
    for customer in ids:
        request = Request("bench", "access", "recorded", TODAY, Asker(customer_id=customer), "ready", TODAY)
        package = package_of(settings, policy, request, [request], "nb", TODAY, "bench")
        keys = [(table.table, policy.sources.tables[table.table].key[0],
                 [row.values.get(policy.sources.tables[table.table].key[0]) for row in table.rows])
                for table in package.held if table.kind != "copy"]

        def least(keys: list[tuple[str, str, list[str | None]]] = keys, request: Request = request) -> None:
            with engine.connect() as connection:
                for table, key, values in keys:
                    connection.execute(sa.text(f"SELECT * FROM {table} WHERE {key} IN :ids").bindparams(
                        sa.bindparam("ids", [value for value in values if value], expanding=True))).fetchall()
            render_files(Assembler(policy, words, None, Month()).package(request, [], [], {}, TODAY))

        def whole(request: Request = request) -> None:
            render_files(package_of(settings, policy, request, [request], "nb", TODAY, "bench"))

        one, other = seconds(whole), seconds(least)
        ratios.append(one / other)
        print(f"customer with {sum(len(table.rows) for table in package.held):>4} rows: {one:.3f} s, "
              f"least {other:.3f} s, ratio {one / other:.1f}", flush=True)
    print(f"{customers:,} customers: median ratio {statistics.median(ratios):.1f} (goal {TARGET})")
    engine.dispose()


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=5)
    parser.add_argument("--decide", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        from tests.enforcement.enforcement_world import sample_shop
        folder = Path(name)
        url = f"sqlite:///{folder / 'shop.db'}"
        sample_shop(url, given.customers, 1, folder)
        indexed(url)
        measured(url, folder / "home", given.customers, given.people, decide=given.decide)


if __name__ == "__main__":
    main()
