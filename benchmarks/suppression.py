"""Measures secondary suppression against the fewest cells that protect, and tau-argus, table by table.

    python benchmarks/suppression.py [--tables FOLDER] [--reference FILE] [--peers ENVIRONMENT]

FOLDER (by default the one that SDC names) holds tables as JSON: `kind` count or amount, `k`, `cells` as [value,
contributors, depth, primary, codes] and `lines` as [total, [parts]]. Of each is printed: cells, primary cells,
secondary cells as chosen with all cells as candidates, those of a large system (cell after cell, cleaned up), the
optimum where `--reference` (JSON: name to number) gives it, the ratio, primary cells whose interval is narrower than
asked by an independent linear program, cells that follow exactly, and CPU seconds of the choice. With the environment
of the peers (`benchmarks/peers/requirements.lock`, which `make bench` makes in build/peers) the same of tau-argus
follows: its secondary cells, what is narrow and exact of them, and CPU seconds of a whole process, theirs and ours.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linprog

from ajprivacy_pipeline.disclosure.cells.measure_groups import Group
from ajprivacy_pipeline.disclosure.cells.secondary import close_gaps
from ajprivacy_pipeline.disclosure.cells.table_rows import Row
from ajprivacy_pipeline.disclosure.cells.table_system import System
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.settings import NOTICE

COUNT = Group("orders", ("orders",), whole=True, is_amount=False)
AMOUNT = Group("amounts", ("revenue_nok",), whole=False, is_amount=True)
POLICY = load_policy(NOTICE)
HERE = Path(__file__).resolve()
SHARED = HERE.parents[2] / "shared" / "data" / "sdc"
ENVIRONMENT = HERE.parents[1] / "build" / "peers"
HEAD = "{:16} {:>6} {:>8} {:>9} {:>6} {:>8} {:>6} {:>7} {:>6} {:>7} {:>10} {:>7} {:>6} {:>8} {:>6}"


def system_of(table: dict[str, Any]) -> System:
    """A table as a system of which the primary cells are suppressed."""
    group = COUNT if table["kind"] == "count" else AMOUNT
    measure = group.measures[0]
    rows = []
    for number, (value, contributors, depth, primary, _) in enumerate(table["cells"]):
        hidden = {measure} if primary else set[str]()
        rows.append([Row("t", number, (), depth, contributors, {measure: value}, hidden, bool(primary),
                         frozenset(hidden))])
    system = System(group, None, rows, [(total, tuple(parts)) for total, parts in table["lines"]])
    system.refresh()
    return system


def policy_of(table: dict[str, Any], optimal_cells: int) -> Policy:
    """The notice's policy with the table's k, and every cell as dear as any other."""
    at = POLICY.release.thresholds.model_copy(
        update={"k": table["k"], "suppression_loss": "cells", "optimal_cells": optimal_cells})
    return POLICY.model_copy(update={"release": POLICY.release.model_copy(update={"thresholds": at})})


def told(table: dict[str, Any], gone: list[bool]) -> tuple[int, int]:
    """How many primary cells have too narrow an interval, and how many suppressed cells follow exactly."""
    cells = [cell for cell, is_gone in enumerate(gone) if is_gone]
    place = {cell: at for at, cell in enumerate(cells)}
    matrix = np.zeros((len(table["lines"]), len(cells)))
    for row, (total, parts) in zip(matrix, table["lines"], strict=True):
        for cell, sign in ((total, 1), *((part, -1) for part in parts)):
            if cell in place:
                row[place[cell]] += sign
    narrow = exact = 0
    for at, cell in enumerate(cells):
        value, primary = table["cells"][cell][0], table["cells"][cell][3]
        ends = []
        for sign in (1.0, -1.0):
            cost = np.zeros(len(cells))
            cost[at] = sign
            found = linprog(cost, A_eq=matrix, b_eq=np.zeros(len(matrix)), method="highs",
                            bounds=[(-table["cells"][c][0], None) for c in cells])
            ends.append(np.inf if found.status == 3 else abs(found.fun))
        exact += sum(ends) < 1e-6
        share = POLICY.release.thresholds.interval_percent / 100
        narrow += primary and (sum(ends) < table["k"] - 1e-6 if table["kind"] == "count"
                               else min(ends) < share * value * (1 - 1e-6))
    return narrow, exact


def chosen(table: dict[str, Any], optimal_cells: int) -> tuple[list[bool], float]:
    """What is suppressed in the end, and the CPU seconds that took."""
    system, policy = system_of(table), policy_of(table, optimal_cells)
    started = time.process_time()
    close_gaps(policy, system, Counter(), None)
    return system.gone, time.process_time() - started


def of_process(*arguments: str) -> tuple[str, float]:
    """What a process of its own says, and its CPU seconds from start to end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return said, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def of_peer(path: Path, table: dict[str, Any], python: Path) -> list[Any]:
    """What tau-argus chooses: secondary cells, what is narrow and exact, CPU seconds of its process and of ours."""
    said, theirs = of_process(str(python), str(HERE.parent / "peers" / "tauargus.py"), str(path))
    complements = json.loads(said.splitlines()[-1])
    gone = [bool(cell[3]) or place in complements for place, cell in enumerate(table["cells"])]
    _, ours = of_process(sys.executable, str(HERE), "--one", str(path))
    return [len(complements), *told(table, gone), f"{theirs:.2f}", f"{ours:.2f}"]


def main() -> None:
    """Print a line for each table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=Path, default=Path(os.environ.get("SDC", SHARED)))
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--peers", type=Path, default=ENVIRONMENT if ENVIRONMENT.is_dir() else None)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        table = json.loads(args.one.read_text(encoding="utf-8"))
        print(sum(chosen(table, len(table["cells"]))[0]))
        return
    paths = sorted(args.tables.glob("*.json"))
    if not paths:
        print("Suppression: not measured; name a folder of tables with --tables or in SDC")
        return
    reference = json.loads(args.reference.read_text(encoding="utf-8")) if args.reference else {}
    print(HEAD.format("table", "cells", "primary", "secondary", "large", "optimum", "ratio", "narrow", "exact", "CPU s",
                      "tau-argus", "narrow", "exact", "theirs s", "ours s"))
    for path in paths:
        table = json.loads(path.read_text(encoding="utf-8"))
        primary, best = sum(cell[3] for cell in table["cells"]), reference.get(path.stem)
        (gone, seconds), (large, _) = chosen(table, len(table["cells"])), chosen(table, 0)
        ours = sum(gone) - primary
        peer = of_peer(path, table, args.peers / "bin" / "python") if args.peers else [""] * 5
        print(HEAD.format(path.stem, len(gone), primary, ours, sum(large) - primary, best or "",
                          f"{ours / best:.2f}" if best else "", *told(table, gone), f"{seconds:.2f}", *peer))


if __name__ == "__main__":
    main()
