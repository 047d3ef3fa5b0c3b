#!/usr/bin/env bash
# duckdb 1.5.5: an UPDATE of a column of lists gives each row it changes a new rowid; an UPDATE of a number leaves it. Who
# remembers rows of a table by rowid between two statements loses them by setting a VARCHAR[] column, and nothing says so.
# Output seen, rowids of three rows before, after setting the number of the second, after setting its list:
#   before: [0, 1, 2]
#   number: [0, 1, 2]
#   list:   [0, 3, 2]
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
con.execute("CREATE TABLE t AS SELECT i, 0 AS number, []::VARCHAR[] AS marks FROM range(3) AS r(i)")


def rowids() -> list[int]:
    return [row[0] for row in con.execute("SELECT rowid FROM t ORDER BY i").fetchall()]


seen = [rowids()]
con.execute("UPDATE t SET number = 1 WHERE i = 1")
seen.append(rowids())
con.execute("UPDATE t SET marks = ['a'] WHERE i = 1")
seen.append(rowids())
for name, ids in zip(("before:", "number:", "list:  "), seen):
    print(name, ids)
sys.exit(0 if seen == [[0, 1, 2], [0, 1, 2], [0, 3, 2]] else 1)
PYTHON
