#!/usr/bin/env bash
# pyspark 4.3.0 (needs Java 17 or 21), sqlglot 30.30.0, duckdb 1.5.5: date_diff('month', a, b) counts the turns of the month
# between two days in DuckDB. sqlglot says it as DATEDIFF(MONTH, a, b), without a word also with unsupported_level=RAISE, and
# Spark counts whole months that have passed; likewise for years. From 31 January to 1 February it is 1 here and 0 there, so
# a period in months ends on another day. Days are the same.
# Output seen:
#   said:   SELECT DATEDIFF(MONTH, CAST('2024-01-31' AS DATE), CAST('2024-02-01' AS DATE)) AS n
#   duckdb: month 1, year 1, day 1
#   spark:  month 0, year 0, day 1
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

ASKED = {"month": "SELECT date_diff('month', DATE '2024-01-31', DATE '2024-02-01') AS n",
         "year": "SELECT date_diff('year', DATE '2023-12-31', DATE '2024-01-01') AS n",
         "day": "SELECT date_diff('day', DATE '2024-01-31', DATE '2024-02-01') AS n"}
said = {part: sqlglot.transpile(sql, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)[0]
        for part, sql in ASKED.items()}
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
here = {part: duckdb.sql(sql).fetchone()[0] for part, sql in ASKED.items()}
there = {part: spark.sql(sql).first()["n"] for part, sql in said.items()}
spark.stop()
print("said:  ", said["month"])
for engine, found in (("duckdb:", here), ("spark: ", there)):
    print(engine, ", ".join(f"{part} {count}" for part, count in found.items()))
sys.exit(0 if list(here.values()) == [1, 1, 1] and list(there.values()) == [0, 0, 1] else 1)
PYTHON
