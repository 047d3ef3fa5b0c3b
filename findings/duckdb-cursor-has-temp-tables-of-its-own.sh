#!/usr/bin/env bash
# duckdb 1.5.5: what Connection.cursor() returns is a session of its own. Python's DB-API lets cursors of one connection
# share what the connection has made; here temp tables, temp macros and the current database stay behind, while the tables
# of a database that is attached in memory are shared. Who reads from a cursor while the connection goes on, so that a long
# result is not fetched at once, cannot put what they join it with into a temp table.
# Output seen:
#   temp table: CatalogException
#   temp macro: CatalogException
#   current database: memory
#   table of an attached database: 1
# Exits with 1 if that is no longer so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==1.5.5
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import duckdb

con = duckdb.connect()
con.execute("ATTACH ':memory:' AS beside")
con.execute("USE beside")
con.execute("CREATE TABLE beside.shared AS SELECT 1 AS i")
con.execute("CREATE TEMP TABLE mine AS SELECT 1 AS i")
con.execute("CREATE TEMP MACRO one() AS 1")
cursor = con.cursor()


def seen(sql: str) -> str:
    try:
        return str(cursor.execute(sql).fetchall()[0][0])
    except duckdb.Error as error:
        return type(error).__name__


found = {
    "temp table": seen("SELECT i FROM mine"),
    "temp macro": seen("SELECT one()"),
    "current database": seen("SELECT current_database()"),
    "table of an attached database": seen("SELECT i FROM beside.shared"),
}
for name, value in found.items():
    print(f"{name}: {value}")
sys.exit(0 if list(found.values()) == ["CatalogException", "CatalogException", "memory", "1"] else 1)
PYTHON
