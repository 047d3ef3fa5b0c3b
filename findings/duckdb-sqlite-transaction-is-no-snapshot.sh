#!/usr/bin/env bash
# duckdb 1.5.5 with sqlite_scanner 1.5.5: a transaction of DuckDB over an attached SQLite file is no snapshot of that file.
# SQLite's own transaction would go on showing what its first SELECT saw (the file is in WAL mode); here each statement
# sees what others have committed meanwhile.
# Two tables that are copied one after the other between BEGIN and COMMIT can be of two moments: an order of the second
# one without its customer in the first.
# Output seen, rows of the table, before and after another connection has committed one:
#   sqlite: 1 1   duckdb: 1 2
# Exits with 1 if that is no longer so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==1.5.5 duckdb-extension-sqlite-scanner==1.5.5
"$folder/venv/bin/python" - "$folder/shop.db" <<'PYTHON'
import sqlite3
import sys
from pathlib import Path
import duckdb
import duckdb_extension_sqlite_scanner as scanner

COUNT = "SELECT count(*) FROM {}"
writer = sqlite3.connect(sys.argv[1], isolation_level=None)
writer.execute("PRAGMA journal_mode = wal")
writer.execute("CREATE TABLE t AS SELECT 1 AS n")
reader = sqlite3.connect(sys.argv[1], isolation_level=None)
reader.execute("BEGIN")
con = duckdb.connect()
con.execute(f"LOAD '{next(Path(scanner.__file__).parent.rglob('*.duckdb_extension'))}'")
con.execute(f"ATTACH '{sys.argv[1]}' AS s (TYPE sqlite, READ_ONLY)")
con.execute("BEGIN")


def seen() -> tuple[int, int]:
    return reader.execute(COUNT.format("t")).fetchone()[0], con.execute(COUNT.format("s.t")).fetchone()[0]


before = seen()
writer.execute("INSERT INTO t VALUES (2)")
after = seen()
print(f"sqlite: {before[0]} {after[0]}   duckdb: {before[1]} {after[1]}")
sys.exit(0 if (before, after) == ((1, 1), (1, 2)) else 1)
PYTHON
