"""Times what watching a month costs: `ajprivacy run` beside the same work without Dagster, in CPU seconds.

    python benchmarks/bench_watching.py [--customers 2000] [--month 2026-10] [--home DIR]

A home gets a sample shop and a first release; then the month, which is closed by now, is run again both ways, each in a
process of its own, imports included, from compiled modules. The work is everything that a month makes: decisions,
release, plan, ledger, page. The ratio is the figure, and its target stands beside it; nothing here fails.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

TARGET = 1.5
# The same steps in the same order as the monthly job, by the same functions.
BARE = """
import sys
from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.enforcement.ledger import open_ledger
from ajprivacy_pipeline.enforcement.make import plan_of
from ajprivacy_pipeline.monthly.figures import MonthPage
from ajprivacy_pipeline.monthly.page import page_folder, write_pages
from ajprivacy_pipeline.oversight.reviews import review_figures
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_all
from ajprivacy_pipeline.settings import load_settings
settings = load_settings()
with open_month(settings, sys.argv[1], "benchmark", logs=lambda: ()) as run:
    run_all(run)
    review_figures(run.con, run.control)
    run.summary()
    plan_of(run.con, run.settings, run.policy, run.control, run.keys, run.month)
    ledger = open_ledger(settings)
    ledger.check()
    day = today(run.policy.retention.time_zone)
    found = MonthPage(run.con, settings, run.policy, run.control, run.month, day).figures()
    write_pages(found, run.policy, page_folder(settings))
"""


def cpu_seconds(arguments: list[str], home: Path) -> float:
    """What a process and its children used, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {**kept, "AJPRIVACY_HOME": str(home), "AJPRIVACY_THREADS": "1"}
    subprocess.run([sys.executable, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", default="2000")
    parser.add_argument("--month", default="2026-10")
    parser.add_argument("--home", type=Path, help="one in which the month is closed already")
    parser.add_argument("--times", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        home = chosen.home or Path(made) / "home"
        watched = ["-m", "ajprivacy_pipeline", "run", "--month", chosen.month]
        if chosen.home is None:
            cpu_seconds(["-m", "ajprivacy_pipeline", "sample", "--customers", chosen.customers], home)
            cpu_seconds(watched, home)
        pairs = [(cpu_seconds(watched, home), cpu_seconds(["-c", BARE, chosen.month], home))
                 for _ in range(chosen.times)]
    for with_, without in pairs:
        print(f"with Dagster {with_:6.1f} s   without {without:6.1f} s   ratio {with_ / without:.2f}")
    with_, without = min(one for one, _ in pairs), min(other for _, other in pairs)
    print(f"least of each: {with_:.1f} and {without:.1f} s, ratio {with_ / without:.2f} (target {TARGET})")
    print(f"Dagster and what is shown in it: {with_ - without:.1f} s, {100 * (with_ - without) / without:.0f} % more")


if __name__ == "__main__":
    main()
