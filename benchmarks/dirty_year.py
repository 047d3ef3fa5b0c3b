"""Times the first release of a real shop's year: half a million lines, credit notes, guests, gifts, 4,000 products.

    python benchmarks/dirty_year.py [--months 11] [--before CHECKOUT] [--limit SECONDS]

The shop is the one of the tests (`tests/release/random_shops.py`), drawn by a seed. Each run is a process of its own;
what is counted are the CPU seconds of publishing, from facts that are in the warehouse already. With `--before` the
same shop is published by another checkout as well, and the ratio is printed; whoever takes more CPU seconds than
`--limit` is stopped, and the ratio is then at most what it says. Nothing here fails: it prints what it saw.
"""

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
SHOPS = CHECKOUT / "tests" / "release" / "random_shops.py"
TARGET = 0.2  # of the time before complements were chosen at the least loss
SEED = 7


def publish(months: int) -> dict[str, Any]:
    """Publish the shop's months with whatever checkout comes first on the path: CPU seconds, and what came of it."""
    from ajprivacy_pipeline.errors import PrivacyError
    from tests.release.release_world import World, small_policy
    spec = importlib.util.spec_from_file_location("random_shops", SHOPS)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(SHOPS)
    shops = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = shops
    spec.loader.exec_module(shops)
    with tempfile.TemporaryDirectory() as home:
        world = World(Path(home), small_policy(history_months=months))
        shops.put(world.con, shops.made(shops.real_year(months), SEED))
        lines = world.con.execute("SELECT count(*) FROM staged.order_lines").fetchall()[0][0]
        started = time.process_time()
        outcome = "published"
        try:
            world.publish()
        except PrivacyError as error:
            outcome = f"refused: {type(error).__name__}"
        return {"cpu": time.process_time() - started, "outcome": outcome, "lines": lines,
                "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def run(checkout: Path, months: int, limit: int) -> dict[str, Any]:
    """Publish with a checkout, in a process of its own that is stopped at the limit."""
    def held() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))

    done = subprocess.run([sys.executable, __file__, "--months", str(months), "--publish"], cwd=checkout, check=False,
                          env={**os.environ, "PYTHONPATH": str(checkout)}, capture_output=True, text=True,
                          preexec_fn=held)
    if done.returncode == 0:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found
    if done.returncode < 0:
        return {"cpu": float(limit), "outcome": "stopped at the limit"}
    raise RuntimeError(done.stderr)


def main() -> None:
    """Run, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", type=int, default=11)
    parser.add_argument("--before", type=Path, help="another checkout")
    parser.add_argument("--limit", type=int, default=3_600, help="CPU seconds of each")
    parser.add_argument("--publish", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.publish:
        sys.stdout.write(json.dumps(publish(given.months)) + "\n")
        return
    found = {name: run(checkout.resolve(), given.months, given.limit)
             for name, checkout in (("this checkout", CHECKOUT), ("before", given.before)) if checkout}
    for name, one in found.items():
        print(f"{name:14} {given.months} months, {one.get('lines', 0):,} lines: {one['cpu']:8.1f} CPU s, "
              f"{one.get('peak', 0):,.0f} MB, {one['outcome']}")
    if given.before:
        print(f"ratio {found['this checkout']['cpu'] / found['before']['cpu']:.3f} (target {TARGET})")


if __name__ == "__main__":
    main()
