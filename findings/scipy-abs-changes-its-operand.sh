#!/usr/bin/env bash
# scipy 1.17.1, numpy 2.4.6: abs() of a sparse array in COO form changes the array itself. Two entries at one place that
# cancel (+1 and -1) stand there as two before; after abs(matrix) alone, whose result nobody keeps, the matrix holds one
# entry, an explicit zero. A reader who takes the sign of each entry then meets a 0.
# Output seen:
#   before: [1.0, -1.0, 1.0]
#   after:  [0.0, 1.0]
# Exits with 1 if that is no longer so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from scipy.sparse import coo_array

matrix = coo_array(([1.0, -1.0, 1.0], ([0, 0, 0], [0, 0, 1])), shape=(1, 2))
before = matrix.data.tolist()
abs(matrix)
after = matrix.data.tolist()
print("before:", before)
print("after: ", after)
sys.exit(0 if (before, after) == ([1.0, -1.0, 1.0], [0.0, 1.0]) else 1)
PYTHON
