#!/usr/bin/env bash
# sqlglot 30.30.0: DuckDB's list(x ORDER BY y) becomes Spark's COLLECT_LIST(x); the order is left out without a warning, also
# with unsupported_level=RAISE. The list comes in whatever order rows are read. list(x) of a column with NULL loses them, too,
# since COLLECT_LIST skips them, and of nothing it is [] where DuckDB's is NULL.
# Output seen:
#   SELECT COLLECT_LIST(x) FROM t
# Exits with 1 if that is no longer so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sqlglot==30.30.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import sqlglot

(said,) = sqlglot.transpile("SELECT list(x ORDER BY y) FROM t", read="duckdb", write="spark",
                            unsupported_level=sqlglot.ErrorLevel.RAISE)
print(said)
sys.exit(0 if "ORDER" not in said.upper() else 1)
PYTHON
