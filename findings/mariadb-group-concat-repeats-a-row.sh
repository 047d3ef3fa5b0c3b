#!/usr/bin/env bash
# MariaDB 10.11.19, sql_mode without STRICT_TRANS_TABLES.
# Expected of GROUP_CONCAT over texts of which one is larger than max_allowed_packet: that this one is NULL, as it is in a
# plain SELECT, and left out. Seen: where the expression cannot be NULL by its arguments (CONCAT_WS or CONCAT of IFNULL),
# the text of the row before stands there once more. As many texts as there are rows come out, and one row is missing.
# Whoever joins rows in the server has to hold the bytes that come out against those of the values.
# Output seen:
#   one by one: x-y, NULL, z-z
#   strict:     x-y/z-z/ of 3 rows
#   not strict: x-y/x-y/z-z/ of 3 rows
set -euo pipefail
server=$(PATH="$PATH:/usr/sbin" command -v mariadbd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/data"
row="CONCAT_WS('-', IFNULL(a, ''), IFNULL(b, ''))"
all="GROUP_CONCAT(CONCAT($row, '/') ORDER BY id SEPARATOR ''), ' of ', COUNT(*), ' rows'"
"$server" --no-defaults --datadir="$folder/data" --bootstrap --silent-startup --max-allowed-packet=1024 \
    --secure-file-priv= $([ "$(id -u)" = 0 ] && echo --user=root) >"$folder/log" 2>&1 <<SQL
CREATE DATABASE shop;
USE shop;
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(2000), b VARCHAR(2000));
INSERT INTO t VALUES (1, 'x', 'y'), (2, REPEAT('l', 900), REPEAT('m', 900)), (3, 'z', 'z');
SELECT IFNULL($row, 'NULL') FROM t ORDER BY id INTO OUTFILE '$folder/one';
SET sql_mode = 'STRICT_TRANS_TABLES';
SELECT CONCAT($all) FROM t INTO OUTFILE '$folder/strict';
SET sql_mode = '';
SELECT CONCAT($all) FROM t INTO OUTFILE '$folder/loose';
SQL
echo "one by one: $(paste -sd, "$folder/one" | sed 's/,/, /g')"
echo "strict:     $(cat "$folder/strict")"
echo "not strict: $(cat "$folder/loose")" | tee "$folder/seen"
grep -q "x-y/x-y/z-z/" "$folder/seen"
