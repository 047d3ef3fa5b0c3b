#!/usr/bin/env bash
# pyspark 4.3.0 (needs Java 17 or 21), sqlglot 30.30.0, duckdb 1.5.5: two lists unnested in one SELECT lie side by side in
# DuckDB; sqlglot makes two EXPLODEs of them without a word, and Spark, which used to refuse a second generator, crosses them.
# Two lists of two give two rows there and four here.
# Output seen:
#   said:   SELECT EXPLODE(ARRAY(1, 2)) AS n, EXPLODE(ARRAY('a', 'b')) AS t
#   duckdb: [(1, 'a'), (2, 'b')]
#   spark:  [(1, 'a'), (1, 'b'), (2, 'a'), (2, 'b')]
# Exits with 1 if that is no longer so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==1.5.5 pyspark==4.3.0 sqlglot==30.30.0
"$folder/venv/bin/python" - 2>"$folder/log" <<'PYTHON'
import sys

import duckdb
import sqlglot
from pyspark.sql import SparkSession

sql = "SELECT unnest([1, 2]) AS n, unnest(['a', 'b']) AS t"
said = sqlglot.transpile(sql, read="duckdb", write="spark")[0]
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
here = sorted(duckdb.sql(sql).fetchall())
there = sorted(tuple(row) for row in spark.sql(said).collect())
spark.stop()
print("said:  ", said)
print("duckdb:", here)
print("spark: ", there)
sys.exit(0 if len(here) == 2 and len(there) == 4 else 1)
PYTHON
