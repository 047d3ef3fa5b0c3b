"""The outsider's command line: releases in, what was recovered out.

Belongs here: arguments, the order of the attacks, the table of findings. Does not belong here: attacks.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pandas as pd

from tests.outsider import people, rounded, stocks, tables, versions
from tests.outsider.published import Finding, NoReleaseError, Published, Thresholds, read

SHOWN = 40


def attack(releases: Sequence[Published], known: pd.DataFrame | None, limits: Thresholds) -> list[Finding]:
    """Everything recovered from the newest release, and from each release beside the one before it."""
    newest = releases[-1]
    found = [*tables.attack(newest, limits), *stocks.attack(newest, limits), *rounded.attack(newest, limits),
             *people.attack(newest, known, limits), *versions.nearly_orders(newest, limits)]
    for older, newer in pairwise(releases):
        found += [*tables.recut(older, newer), *rounded.recut(older, newer), *versions.remainders(older, newer, limits)]
        found += people.editions(older, newer, known, limits) if known is not None else []
    return found


def report(found: Sequence[Finding], *, whole: bool) -> Iterator[str]:
    """Findings by attack, each with its place and what it says now."""
    for kind in sorted({finding.attack for finding in found}):
        of_kind = [finding for finding in found if finding.attack == kind]
        yield f"{kind}: {len(of_kind):,}"
        for one in of_kind if whole else of_kind[:SHOWN]:
            yield f"  {one.table:24} {one.period:10} {one.cell:60} {one.learnt}"
    yield f"recovered: {len(found):,}" if found else "recovered: nothing and nobody"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when nobody and nothing is recovered, 1 when something is, 2 when there is nothing to attack."""
    parser = argparse.ArgumentParser(prog="python -m tests.outsider", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("releases", nargs="+", type=Path, help="folders of releases or analytics.duckdb, oldest first")
    parser.add_argument("--people", type=Path, help="CSV or Parquet: what the outsider knows, a row a person")
    parser.add_argument("--k", type=int, default=10, help="people that must be alike (10)")
    parser.add_argument("--percent", type=float, default=10, help="room that amounts must have on both sides (10)")
    parser.add_argument("--gain", type=float, default=0.35, help="how much likelier a guess may get (0.35)")
    parser.add_argument("--strict", action="store_true", help="also count what is not promised; the module says what")
    parser.add_argument("--all", action="store_true", help=f"print every finding, not the first {SHOWN} of each attack")
    given = parser.parse_args(arguments)
    limits = Thresholds(given.k, given.percent, given.gain, given.strict)
    known = None
    if given.people is not None:
        parquet = given.people.suffix == ".parquet"
        known = pd.read_parquet(given.people) if parquet else pd.read_csv(given.people, dtype=str)
    try:
        releases = [read(path) for path in given.releases]
    except NoReleaseError as error:
        parser.error(str(error))
    found = attack(releases, known, limits)
    sys.stdout.write("".join(f"{line}\n" for line in report(found, whole=given.all)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
