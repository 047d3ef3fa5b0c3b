"""Times all decisions of a month against one GROUP BY pass each over orders, lines and invoices and a copy of the rows.

    python benchmarks/bench_decisions.py [--customers 100000 1000000]

Prints the ratio (target 3) and the scaling exponent between the smallest and the largest size (target 1.1). The work is
done by bench_month.py, which measures the same month; this prints the decisions alone.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Measure each size in a process of its own."""
    from bench_month import fill
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, nargs="+", default=[20_000, 200_000])
    sizes = parser.parse_args().customers
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    seconds = {}
    for size in sizes:
        done = subprocess.run([sys.executable, str(Path(__file__).with_name("bench_month.py")), "--measure",
                               fill(folder, size), "--folder", str(folder / f"home-{size}")],
                              check=True, capture_output=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        seconds[size] = found["decisions"]
        print(f"{size:>10,} customers: decisions {found['decisions']:.1f} s, floor {found['decision floor']:.1f} s, "
              f"ratio {found['decisions'] / found['decision floor']:.2f} (target 3), peak {found['peak MB']:,.0f} MB")
    if len(sizes) > 1:
        small, large = min(sizes), max(sizes)
        exponent = math.log(seconds[large] / seconds[small]) / math.log(large / small)
        print(f"scaling exponent {exponent:.2f} (target 1.1)")
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
