#!/usr/bin/env bash
# pyspark 4.3.0 (needs Java 17 or 21), sqlglot 30.30.0, duckdb 1.5.5: AT TIME ZONE of a moment without a zone takes it for a
# local time there, and gives the moment. sqlglot says it as FROM_UTC_TIMESTAMP, without a word also with
# unsupported_level=RAISE, which takes the moment for UTC and gives the local time: the other way round, twice the offset
# apart. Half past eleven in the evening of 30 June in Oslo becomes 1 July, on which something may be due a day later or a
# month later. The sessions of both engines are in UTC.
# Output seen:
#   said:   SELECT FROM_UTC_TIMESTAMP(CAST('2024-06-30 23:30:00' AS TIMESTAMP_NTZ), 'Europe/Oslo') AS moment
#   duckdb: 2024-06-30 21:30:00
#   spark:  2024-07-01 01:30:00
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

SQL = "SELECT TIMESTAMP '2024-06-30 23:30:00' AT TIME ZONE 'Europe/Oslo' AS moment"
said = sqlglot.transpile(SQL, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)[0]
con = duckdb.connect()
con.execute("SET TimeZone = 'UTC'")
here = con.execute(f"SELECT strftime(moment, '%Y-%m-%d %H:%M:%S') FROM ({SQL})").fetchone()[0]
spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
         .config("spark.sql.session.timeZone", "UTC").getOrCreate())
there = spark.sql(f"SELECT date_format(moment, 'yyyy-MM-dd HH:mm:ss') AS moment FROM ({said})").first()["moment"]
spark.stop()
print("said:  ", said)
print("duckdb:", here)
print("spark: ", there)
sys.exit(0 if (here, there) == ("2024-06-30 21:30:00", "2024-07-01 01:30:00") else 1)
PYTHON
