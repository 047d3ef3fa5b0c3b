"""Chooses complements as tau-argus does: optimal cell suppression on SCIP, every cell as dear as any other.

    python tauargus.py TABLE

TABLE is JSON as benchmarks/suppression.py reads it. Prints the places of the complements as JSON. A count's k is split
between both sides, down as far as it goes: a level that slides between them has no effect here.
"""

import json
import sys
import tempfile
from pathlib import Path

from pytauargus._tauargus import HiTaSCtrl

FAR = 1e9


def written(table):
    """The table in the form that the solver reads: cells with their levels of protection, and lines."""
    lines = ["0", str(len(table["cells"]))]
    for place, (value, _, _, primary, _) in enumerate(table["cells"]):
        down = up = 0.1 * abs(value) * primary
        if table["kind"] == "count" and primary:
            down = min(value, table["k"])
            up = max(table["k"] - down, 1e-3)
        status = "u" if primary else "s" if value else "z"
        lines.append(f"{place} {value} 1 {status} 0 {FAR} {down} {up} 0")
    lines.append(str(len(table["lines"])))
    for total, parts in table["lines"]:
        terms = " ".join(f"{part} (1)" for part in parts)
        lines.append(f"0 {len(parts) + 1} : {total} (-1) {terms}")
    return "\n".join(lines) + "\n"


def main():
    """Suppress, and say which."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").write_text(written(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), encoding="utf-8")
        engine = HiTaSCtrl()
        code = engine.full_jj(str(folder / "in"), str(folder / "out"), 600, "", f"{folder}/", "SCIP")
        if code:
            sys.exit(engine.error_string(code))
        print(json.dumps([int(line) for line in (folder / "out").read_text().split()]))


if __name__ == "__main__":
    main()
