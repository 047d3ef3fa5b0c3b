#!/usr/bin/env bash
# duckdb 1.5.5: date_diff counts the boundaries that lie between two days, so that from 31 December to 1 January it is one
# day, one month, one quarter and one year. Of weeks it counts none: 'week' is the whole weeks that have passed, just as
# date_sub has them, although date_trunc('week') begins a new one on Monday. From a Sunday to the next day it is 0, where the
# difference of the two truncated days is a week. Periods of weeks that are counted this way end up to six days late.
# Output seen, from Sunday 7 January 2024 to Monday 8: week by date_diff, by date_sub, by date_trunc; then month, quarter
# and year from 31 December 2023 to 1 January 2024:
#   week: 0 0 1   month: 1   quarter: 1   year: 1
# Exits with 1 if that is no longer so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==1.5.5
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import duckdb

weeks = duckdb.sql("""
    SELECT date_diff('week', a, b), date_sub('week', a, b),
        date_diff('day', date_trunc('week', a), date_trunc('week', b)) // 7
    FROM (SELECT DATE '2024-01-07' AS a, DATE '2024-01-08' AS b)
""").fetchone()
others = {part: duckdb.sql(f"SELECT date_diff('{part}', DATE '2023-12-31', DATE '2024-01-01')").fetchone()[0]
          for part in ("month", "quarter", "year")}
print("week:", *weeks, *(f"  {part}: {count}" for part, count in others.items()))
sys.exit(0 if weeks == (0, 0, 1) and set(others.values()) == {1} else 1)
PYTHON
