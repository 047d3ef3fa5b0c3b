#!/usr/bin/env bash
# duckdb 1.5.5: bringing a DECIMAL of more than 18 digits to fewer decimals takes a hundred times as long as one of 18 digits,
# and three times as long as round() to the same decimals, which does the same arithmetic; bringing it to more decimals costs
# nothing to speak of. A product of an amount and a rate is such a decimal: casting it back took 1.7 of the 2.5 CPU seconds of
# a table of half a million lines. `CASE WHEN rate = 1 THEN x ELSE x * rate END`, cast in each arm, is free where the rate is 1.
# Output seen, CPU seconds for 500,000 rows (one thread): from 36 digits, from 18 digits, round(), to more decimals
#   0.94 0.01 0.29 0.02
# Exits with 1 if the first is no longer 20 times the second.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==1.5.5
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import time

import duckdb

con = duckdb.connect(config={"threads": "1"})
con.execute("CREATE TABLE t AS SELECT CAST(1000 * random() AS DECIMAL(36, 11)) AS long, "
            "CAST(1000 * random() AS DECIMAL(18, 11)) AS short, CAST(1000 * random() AS DECIMAL(36, 5)) AS few "
            "FROM range(500000)")


def taken(expression):
    started = time.process_time()
    con.execute(f"CREATE OR REPLACE TABLE made AS SELECT {expression} AS x FROM t")
    return time.process_time() - started


found = [taken(e) for e in ("CAST(long AS DECIMAL(24, 5))", "CAST(short AS DECIMAL(12, 5))", "round(long, 5)",
                            "CAST(few AS DECIMAL(38, 11))")]
print(*(f"{seconds:.2f}" for seconds in found))
sys.exit(0 if found[0] > 20 * found[1] else 1)
PYTHON
