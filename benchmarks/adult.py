"""Recode the Adult table locally and write it in the form its scorer reads.

    python benchmarks/adult.py [--data DIR] [--k K] [--out FILE]

DIR holds adult.csv and its hierarchies, which are not part of this repository: by default the folder that ADULT names,
else shared/data/adult beside the checkout. Without them there is nothing to measure, and that is said. The seconds
printed are those of the whole recoding, from reading the files to writing the outcome, without the interpreter's start.
The rows are written in the order of the source for the scorer's sake alone; a release sorts them.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import read_hierarchy
from ajprivacy_pipeline.disclosure.microdata.recode.local import local
from ajprivacy_pipeline.disclosure.microdata.recode.tuples import collect
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.zones import literal, quote

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "adult"


def main() -> None:
    """Recode, write, print the seconds."""
    parser = argparse.ArgumentParser(description="Recode the Adult table.")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("ADULT", SHARED)))
    parser.add_argument("--k", type=int, nargs="+", default=[5, 10, 20])
    parser.add_argument("--out", type=Path, help="where the recoded table goes; with several k, the last one's stays")
    asked = parser.parse_args()
    if not (asked.data / "adult.csv").is_file():
        print("Adult: not measured; name the folder of adult.csv with --data or in ADULT")
        return
    with tempfile.TemporaryDirectory() as folder:
        for k in asked.k:
            measure(asked.data, k, asked.out or Path(folder) / "recoded.csv")


def measure(data: Path, k: int, out: Path) -> None:
    """Read, recode and write the table once."""
    started = time.perf_counter()
    con = zones.memory()
    con.execute("SET preserve_insertion_order = true")
    con.execute("CREATE TABLE adult AS SELECT *, row_number() OVER () AS place FROM "
                f"read_csv({literal(str(data / 'adult.csv'))}, delim = ';', header = true, all_varchar = true)")
    columns = [row[0] for row in con.execute("DESCRIBE adult").fetchall() if row[0] != "place"]
    trees = [read_hierarchy(c, data / f"adult_hierarchy_{c}.csv") for c in columns]
    recoding = local(collect(con, "adult", trees), k)
    recoding.store(con, "mapping")
    shown = ", ".join(map(quote, columns))
    con.execute(f"COPY (SELECT {shown} FROM ({recoding.recoded('adult', 'mapping', ('place',))}) ORDER BY place) "
                f"TO {literal(str(out))} (HEADER, DELIMITER ';')")
    print(f"Adult, k = {k}: {time.perf_counter() - started:.2f} s, granularity {recoding.granularity:.4f}")


if __name__ == "__main__":
    main()
