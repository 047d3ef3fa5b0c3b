"""Times an access package beside one indexed lookup of the same rows, and the rendering of an empty page.

    python benchmarks/access_package.py [--customers 100000] [--people 5] [--decide [--requests 1000] [--explain]]

The lookup selects, in every table of the contract, the very rows of the package by their primary keys, which is the
least that anybody has to read. Both are timed in one process on one SQLite file with the indexes that a shop has:
primary keys, ids of people, orders and visitors, user names, and lower(email). CPU seconds and the ratio count, since
other programs may run beside. With --decide a month is decided first, and the package says until when values are kept;
then --requests adds that many open requests of four kinds and takes what the daily job does with them, once, and
--explain explains the people with most orders, for a comparison with another commit.
Nothing here fails: it prints what it saw.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from ajprivacy_pipeline.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))
TARGET, SECONDS, REQUESTS_SECONDS = 2.0, 2.0, 60
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


def measured(url: str, home: Path, customers: int, people: int, *, decide: bool,
             requests: int, explain: bool) -> None:
    """Print the figures of some people: those with most orders, and some others."""
    from ajprivacy_pipeline.enforcement.current import current_policy
    from ajprivacy_pipeline.retention.recorded_requests import Asker
    from ajprivacy_pipeline.rights.answer import answer_to
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
    if explain:
        explained(settings, ids[:people])
    ratios = []
    for customer in ids:
        request = Request("bench", "access", "recorded", TODAY, Asker(customer_id=customer), "ready", TODAY)
        package = answer_to(settings, policy, request, [request], "nb", TODAY, "bench").package
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
            render_files(answer_to(settings, policy, request, [request], "nb", TODAY, "bench").package)

        one, other = seconds(whole), seconds(least)
        ratios.append(one / other)
        print(f"customer with {sum(len(table.rows) for table in package.held):>4} rows: {one:.3f} s, "
              f"least {other:.3f} s, ratio {one / other:.1f}", flush=True)
    print(f"{customers:,} customers: median ratio {statistics.median(ratios):.1f} (goal {TARGET})", flush=True)
    if requests:
        processed(settings, url, requests)
    engine.dispose()


def explained(settings: "Settings", people: Sequence[str]) -> None:
    """Print what the slowest explanation of some customers takes."""
    from ajprivacy_pipeline.explain import explain
    taken = [seconds(lambda one=one: explain(settings, f"customer:{one}", None, "bench")) for one in people]
    print(f"explain, the slowest of {len(people)}: {max(taken):.3f} s", flush=True)


def processed(settings: "Settings", url: str, requests: int) -> None:
    """Record open requests of some customers, and print what the daily job takes for them."""
    from ajprivacy_pipeline.policy import load_policy
    from ajprivacy_pipeline.retention import recorded_requests
    from ajprivacy_pipeline.retention.recorded_requests import Asker
    from ajprivacy_pipeline.rights.daily import open_figures, plan_ready, register_figures, tidy
    from ajprivacy_pipeline.rights.requests import known_requests
    from ajprivacy_pipeline.storage.control import ControlStore
    from ajprivacy_pipeline.storage.keystore import KeyStore
    from tests.rights.shop import TODAY
    policy, control = load_policy(settings.notice), ControlStore.in_folder(settings.control)
    keys, engine = KeyStore(settings.keys, settings.root_key), sa.create_engine(url)
    with engine.connect() as connection:
        found = [row[0] for row in connection.exec_driver_sql(
            f"SELECT customer_id FROM customers WHERE email IS NOT NULL LIMIT {requests}")]
    engine.dispose()
    for number, customer in enumerate(found):
        kind = ("access", "erasure", "objection", "restriction")[number % 4]
        request = recorded_requests.add(control, keys, kind, TODAY, Asker(customer_id=customer), by="bench",
                                        today=TODAY)
        recorded_requests.append(control, request, recorded_requests.VERIFIED, by="bench", on=TODAY)
    began = time.process_time()
    known = known_requests(settings, policy.rights)
    tidy(settings, policy, TODAY, [one.id for one in known if one.is_open])
    planned, decided = plan_ready(settings, policy, known), time.process_time()
    open_figures(known, policy.rights, TODAY)
    register_figures(settings, policy, known, TODAY)
    took, told = time.process_time() - began, decided - began
    print(f"{len(found):,} open requests: {took:.1f} s (goal {REQUESTS_SECONDS}), of them plans {told:.1f}: {planned}")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=5)
    parser.add_argument("--decide", action="store_true")
    parser.add_argument("--requests", type=int, default=0)
    parser.add_argument("--explain", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        from tests.enforcement.enforcement_world import sample_shop
        folder = Path(name)
        url = f"sqlite:///{folder / 'shop.db'}"
        sample_shop(url, given.customers, 1, folder)
        indexed(url)
        measured(url, folder / "home", given.customers, given.people, decide=given.decide,
                 requests=given.requests, explain=given.explain)


if __name__ == "__main__":
    main()
