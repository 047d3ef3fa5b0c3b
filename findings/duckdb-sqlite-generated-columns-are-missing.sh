#!/usr/bin/env bash
# duckdb 1.5.5 with sqlite_scanner 1.5.5: of an attached SQLite file's table the generated columns are not there, stored or
# virtual: a SELECT that names one is refused, SELECT * leaves them out without a word, and duckdb_columns() lists none.
# sqlite_query shows them.
# Output seen, of a table with the columns a, b AS (a + 1) STORED and c AS (a + 2):
#   sqlite: 1 2 3   scan: 1   sqlite_query: 1 2 3
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

shop = sqlite3.connect(sys.argv[1])
shop.execute("CREATE TABLE t (a integer, b integer AS (a + 1) STORED, c integer AS (a + 2))")
shop.execute("INSERT INTO t (a) VALUES (1)")
shop.commit()
con = duckdb.connect()
con.execute(f"LOAD '{next(Path(scanner.__file__).parent.rglob('*.duckdb_extension'))}'")
con.execute(f"ATTACH '{sys.argv[1]}' AS s (TYPE sqlite, READ_ONLY)")
seen = {"sqlite": shop.execute("SELECT * FROM t").fetchone(), "scan": con.execute("SELECT * FROM s.t").fetchone(),
        "sqlite_query": con.execute("FROM sqlite_query('s', 'SELECT * FROM t')").fetchone()}
texts = {way: " ".join(map(str, row)) for way, row in seen.items()}
print("   ".join(f"{way}: {text}" for way, text in texts.items()))
sys.exit(0 if list(texts.values()) == ["1 2 3", "1", "1 2 3"] else 1)
PYTHON
