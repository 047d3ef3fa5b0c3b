"""The cheapest further cells to suppress, of all choices that protect a system: Benders' decomposition on HiGHS.

Belongs here: the integer program over cells, and the order in which cuts are asked for. Does not belong here: the cuts
of intervals (protection_cuts), and the proof (intervals): what comes out here is judged like any other choice.

Every line is an inequality from the start: who is suppressed needs another of its line, and hidden parts of a shown
total need k contributors together. The cheapest cells that fulfil those are tried; cells that are still told too
closely give cuts, and so on until none is. Limits are counts of rounds and nodes, never seconds, so that one system has
one answer.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import highspy
import numpy as np

from ajprivacy_pipeline.disclosure.cells.intervals import FeasibilityIntervals, MoveProgram, open_cells
from ajprivacy_pipeline.disclosure.cells.linear_programs import accept
from ajprivacy_pipeline.disclosure.cells.protection_cuts import Cut, ProtectionCuts
from ajprivacy_pipeline.disclosure.cells.table_system import Array, System
from ajprivacy_pipeline.policy import Policy

_ROUNDS = 60   # of integer programs
_NODES = 2_000  # of the search of each
_CUTS = 60     # cells that give cuts in one round and measure

Terms = Mapping[int, float]


def cheapest_choice(policy: Policy, system: System, loss: Array,
                    by_measure: Sequence[tuple[str, FeasibilityIntervals]],
                    among: Collection[int] | None = None) -> list[int]:
    """Returns the shown cells to suppress, at the least loss, so that every measure of a system is protected.

    Where the rounds end before, what was chosen by then is returned: whoever asks must look at the intervals anyway.

    Args:
        policy: thresholds.
        system: what is suppressed in it already is free.
        loss: what suppressing each cell costs.
        by_measure: the intervals of each measure as far as they are known; what is found out is noted there.
        among: the cells that may be chosen; every one when omitted.
    """
    master = _Master(system, loss, among)
    for terms in line_terms(system, policy.release.thresholds.k):
        master.add(terms)
    lacks, chosen = _Lacks(system, by_measure), list[int]()
    for _ in range(_ROUNDS):
        shares = master.solve()
        if shares is None:
            break
        tried = replace(system, gone=(shares > 0).tolist())
        chosen = [cell for cell, is_gone in enumerate(system.gone) if tried.gone[cell] and not is_gone]
        lacking = lacks.cuts(tried, shares)
        if not lacking:
            lacks.take()
            break
        for cut in lacking:
            master.add_cut(cut)
    return chosen


class _Lacks:
    """What choices lack, one after another: asked of the cells first of which an earlier choice told too much.

    Choices differ in few cells. So most of what is told by one is told where the one before told it; all cells are
    looked at where nothing is told of those, and no choice is taken before.
    """

    def __init__(self, system: System, by_measure: Sequence[tuple[str, FeasibilityIntervals]]) -> None:
        self._system, self._by_measure = system, by_measure
        self._cuts = dict[str, ProtectionCuts]()
        self._told: dict[str, list[bool]] = {measure: [False] * len(system.gone) for measure, _ in by_measure}
        self._found, self._programs = list[FeasibilityIntervals](), list[MoveProgram]()

    def cuts(self, tried: System, shares: Array) -> list[Cut]:
        """Returns cuts that the tried choice does not fulfil; none where it tells nothing, or nothing that cuts say."""
        self._found = [intervals.beside(tried) for _, intervals in self._by_measure]
        self._programs = [MoveProgram(found) for found in self._found]
        if any(any(told) for told in self._told.values()) and (lacking := self._among(self._told, shares)):
            return lacking
        return self._among(dict.fromkeys(self._told, self._system.gone), shares)

    def take(self) -> None:
        """Keep what was found of the last choice: its cells are suppressed now."""
        for (_, intervals), found in zip(self._by_measure, self._found, strict=True):
            intervals.take(found)

    def _among(self, among: Mapping[str, Sequence[bool]], shares: Array) -> list[Cut]:
        lacking = list[Cut]()
        for (measure, intervals), beside, program in zip(self._by_measure, self._found, self._programs, strict=True):
            for cell in open_cells(beside, among[measure], program, alone=False)[:_CUTS]:
                self._told[measure][cell] = True
                if measure not in self._cuts:
                    self._cuts[measure] = ProtectionCuts(self._system, measure)
                lacking += [cut for wish in intervals.wishes(cell)
                            if (cut := self._cuts[measure].missing(wish, shares)) is not None]
        return lacking


def line_terms(system: System, k: int) -> Iterator[dict[int, float]]:
    """What each line asks for, as terms that must come to 0 at least: no cell alone, and k contributors together."""
    behind = [max(0, system.contributors(cell)) for cell in range(len(system.rows))]
    for total, parts in system.lines:
        cells = [cell for cell in dict.fromkeys((total, *parts)) if cell not in system.zeros]
        gone = [cell for cell in cells if system.gone[cell]]
        if len(gone) < 2:
            yield from ({**dict.fromkeys(cells, 1.0), cell: -1.0} for cell in gone or cells)
        if system.gone[total] or sum(behind[part] for part in parts if system.gone[part]) >= k:
            continue
        for part in cells:
            lacking = float(k - behind[part])
            if lacking > 0 and part != total:
                yield {**{other: min(lacking, float(behind[other])) for other in cells}, total: lacking, part: -lacking}


class _Master:
    """The choice of cells: a column each between 0 and 1, 1 where it is suppressed already."""

    def __init__(self, system: System, loss: Array, among: Collection[int] | None) -> None:
        self._gone = np.array(system.gone, dtype=bool)
        self._columns = len(loss)
        self._solver = highspy.Highs()  # type: ignore[no-untyped-call]  # its authors left it untyped
        for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("mip_max_nodes", _NODES),
                              ("mip_rel_gap", 0.0), ("mip_heuristic_run_feasibility_jump", False)):
            accept(self._solver.setOptionValue(option, value))
        zero = np.isin(np.arange(len(loss)), list(system.zeros))
        is_free = ~zero if among is None else ~zero & np.isin(np.arange(len(loss)), list(among))
        places = np.arange(len(loss), dtype=np.int32)
        accept(self._solver.addVars(len(loss), self._gone.astype(float), (self._gone | is_free).astype(float)))
        accept(self._solver.changeColsCost(len(loss), places, np.where(self._gone, 0.0, loss)))
        shown = places[~self._gone]
        accept(self._solver.changeColsIntegrality(len(shown), shown, np.ones(len(shown), dtype=np.uint8)))

    def add(self, terms: Terms, least: float = 0.0) -> None:
        """Hold terms to a least sum; those of suppressed cells are a constant.

        What always holds is left out, and what no choice could fulfil: the rest is to be chosen all the same.
        """
        kept = {cell: weight for cell, weight in terms.items() if weight and not self._gone[cell]}
        least -= sum(weight for cell, weight in terms.items() if self._gone[cell])
        reach = [sum(minmax(weight, 0.0) for weight in kept.values()) for minmax in (min, max)]
        if reach[0] < least <= reach[1]:
            accept(self._solver.addRow(least, highspy.kHighsInf, len(kept), np.array(list(kept), dtype=np.int32),
                                       np.array(list(kept.values()))))

    def add_cut(self, cut: Cut) -> None:
        """Hold the shares to a cut."""
        self.add({int(cell): float(cut.weights[cell]) for cell in np.flatnonzero(cut.weights)}, 1.0)

    def solve(self) -> Array | None:
        """Returns the shares at the least loss; None where none were found."""
        self._solver.run()
        found = np.array(self._solver.getSolution().col_value)
        if self._solver.getInfo().primal_solution_status != 2 or not len(found):
            return None
        return np.asarray(np.rint(found))
