#!/usr/bin/env bash
# highspy 1.15.1: a row that the solver refuses is gone, and the next run() calls the rest optimal. addRow() with a
# coefficient of 1e16 raises nothing; it answers kError, which is easy to leave unread, keeps one row instead of two, and
# the model's status after run() is kOptimal, for a program without that row. passModel() with the same row answers
# kError too, and keeps the model unsolved; with a coefficient of 1e-10 it answers kWarning and drops that entry.
# Output seen:
#   addRow: HighsStatus.kError, rows kept: 1, then HighsModelStatus.kOptimal at [5.0, 0.0]
#   passModel of 3 entries, one of 1e-10: HighsStatus.kWarning, entries kept: 2
# Exits with 1 if that is no longer so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check highspy==1.15.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import highspy
import numpy as np

no_end = highspy.kHighsInf
both = np.array([0, 1], dtype=np.int32)
solver = highspy.Highs()
solver.setOptionValue("output_flag", False)
solver.addVars(2, np.zeros(2), np.full(2, no_end))
solver.changeColsCost(2, both, np.array([-1.0, -1.0]))
solver.addRow(-no_end, 5.0, 2, both, np.array([1.0, 1.0]))
refused = solver.addRow(-no_end, 1.0, 2, both, np.array([1e16, 1.0]))
solver.run()
state, values = solver.getModelStatus(), list(solver.getSolution().col_value)
print(f"addRow: {refused}, rows kept: {solver.getNumRow()}, then {state} at {values}")

model = highspy.HighsLp()
model.num_col_, model.num_row_ = 2, 2
model.col_cost_, model.col_lower_, model.col_upper_ = np.full(2, -1.0), np.zeros(2), np.full(2, no_end)
model.row_lower_, model.row_upper_ = np.full(2, -no_end), np.array([1.0, 5.0])
model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
model.a_matrix_.start_, model.a_matrix_.index_ = np.array([0, 2, 3]), np.array([0, 1, 1])
model.a_matrix_.value_ = np.array([1e-10, 1.0, 1.0])
other = highspy.Highs()
other.setOptionValue("output_flag", False)
dropped = other.passModel(model)
print(f"passModel of 3 entries, one of 1e-10: {dropped}, entries kept: {other.getNumNz()}")
error, warning, optimal = highspy.HighsStatus.kError, highspy.HighsStatus.kWarning, highspy.HighsModelStatus.kOptimal
sys.exit(0 if (refused, state, dropped, other.getNumNz()) == (error, optimal, warning, 2) else 1)
PYTHON
