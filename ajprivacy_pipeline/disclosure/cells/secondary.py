"""G5: suppressing more, until nothing suppressed follows from what is shown.

Belongs here: choosing which further cells to suppress. Does not belong here: primary suppressing (thresholds), the
mathematics (intervals), the verdict (complements_check).

The order, for each population and month: the optimal choice first (optimal_choice), in large systems among what cell
after cell would suppress. Then whatever it left open, cell after cell: every line gets enough suppressed cells to hide
each other (two are not enough: they must be large enough, and stand on k contributors together), of those that would do
the finest and smallest, and one that closes several lines first; then each cell whose interval is still too narrow gets
the cheapest cells that widen it, the widest wish first, until none is left.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from typing import Any

from ajprivacy_pipeline.disclosure.cells.contributor_sources import Months
from ajprivacy_pipeline.disclosure.cells.intervals import MORE, FeasibilityIntervals, open_cells
from ajprivacy_pipeline.disclosure.cells.measure_groups import groups_of
from ajprivacy_pipeline.disclosure.cells.optimal_choice import cheapest_choice
from ajprivacy_pipeline.disclosure.cells.prices import PriceList, close_price_gaps, read_price_lists
from ajprivacy_pipeline.disclosure.cells.primary import shape_of
from ajprivacy_pipeline.disclosure.cells.suppression_cost import SuppressionCost
from ajprivacy_pipeline.disclosure.cells.table_rows import Chosen, Row, levels_in, read_rows
from ajprivacy_pipeline.disclosure.cells.table_system import System, build_system, least_people, people_of
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, literal, quote

Closed = dict[tuple[str, Any], Hashable]  # by population and month, what was suppressed when nothing was told
_ROUNDS = 25


def suppress_complements(con: Connection, policy: Policy, public: dict[str, str], months: Months = (),
                         chosen: Chosen | None = None, closed: Closed | None = None) -> dict[str, int]:
    """Suppress further cells of the public tables, of some months or all, until G5 holds.

    Args:
        con: holds the public tables and the cells.
        policy: roles and thresholds.
        public: the quoted relation of each public table.
        months: the first and the last month; all when empty.
        chosen: rows that earlier calls suppressed only to hide others; those of this call are added.
            Whatever else is suppressed is protected by an interval, as what differences would give away is, too.
        closed: how earlier calls left each population and month: what is still so need not be looked at again.

    Returns:
        What it took, for the run's metadata.
    """
    chosen, closed = set() if chosen is None else chosen, {} if closed is None else closed
    figures = Counter({"cells_suppressed_more": 0, "two_per_line": 0, "programs_of_suppressing": 0,
                       "suppressed_for_prices": 0})
    changed = list[Row]()
    lists = read_price_lists(con, policy, public)
    for population, by_month in read_rows(con, policy, public, months).items():
        for month, found in by_month.items():
            if closed.get((population, month)) == _marks(found):
                continue
            before = {id(row): (row.suppressed, len(row.suppressed_measures)) for row in found}
            for row in found:
                if (row.table, month, row.key) not in chosen:
                    row.primary |= row.suppressed_measures
                suppress_ceilings(policy, row)
            for group in groups_of(policy, population):
                system = build_system(policy, group, month, found, levels_in(found))
                if system.lines or system.limits:
                    close_gaps(policy, system, figures, lists.get(population) if group.is_amount else None)
            moved = [row for row in found if before[id(row)] != (row.suppressed, len(row.suppressed_measures))]
            figures["cells_suppressed_more"] += len(moved)
            changed += moved
            chosen.update((row.table, month, row.key) for row in moved if not row.primary)
            closed[population, month] = _marks(found)
    write_suppressed(con, policy, public, changed)
    return dict(figures)


def _marks(rows: list[Row]) -> Hashable:
    """What is suppressed in some rows."""
    return tuple((row.table, row.key, row.suppressed, frozenset(row.suppressed_measures)) for row in rows)


def suppress_ceilings(policy: Policy, row: Row) -> None:
    """Suppress a row whose measure cannot exceed another one of it that leaves it less than k wide.

    Of ten orders of ten customers, whose customers may not be shown, no other cell could hide that they are one to ten;
    of nineteen, that they are ten to nineteen, since orders of fewer customers are not shown.
    """
    at_most = {m: policy.release.tables[row.table].columns[m].at_most for m in row.values}
    least = {m: least_people(row, *people) if (people := people_of(policy, row.table, m)) else 1.0 for m in row.values}
    told, before = set(row.primary), 0
    while len(told) > before:  # a ceiling has one, too
        before = len(told)
        told |= {ceiling for m in told if (ceiling := at_most.get(m)) in row.values
                 and row.values[ceiling] >= row.values[m]
                 and row.values[ceiling] - min(row.values[m], max(1.0, least[m])) < policy.release.thresholds.k}
    if told - row.suppressed_measures:
        row.suppressed, row.primary = True, frozenset(told)
        row.suppressed_measures |= set(row.values)


def write_suppressed(con: Connection, policy: Policy, public: dict[str, str], rows: Iterable[Row]) -> None:
    """Bring the public tables to what the rows say is suppressed."""
    by_table: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_table[row.table].append(row)
    for table, changed in by_table.items():
        measures = shape_of(policy, table).measures
        con.execute("CREATE OR REPLACE TEMP TABLE more_suppressed AS SELECT unnest($at) AS at, "
                    "unnest($whole) AS whole, "
                    "unnest($single) AS single", {
                        "at": [r.number for r in changed], "whole": [r.suppressed for r in changed],
                        "single": [[] if r.suppressed else sorted(r.suppressed_measures) or None for r in changed]})
        values = "".join(f", {quote(m)} = CASE WHEN NOT w.whole AND NOT list_contains(w.single, {literal(m)}) "
                         f"THEN p.{quote(m)} END" for m in measures)
        con.execute(f"UPDATE {public[table]} AS p SET suppressed = w.whole, suppressed_measures = w.single{values} "
                    "FROM temp.more_suppressed AS w WHERE p.rowid = w.at")
        con.execute("DROP TABLE temp.more_suppressed")


def suppress_unknown(system: System, unknown: int) -> None:
    """Suppress an unknown wherever it is shown."""
    system.gone[unknown] = unknown not in system.zeros
    for row in system.rows[unknown]:
        if system.group.whole:
            row.suppressed = True
            row.suppressed_measures |= set(row.values)
        else:
            row.suppressed_measures |= {m for m in system.group.measures if m in row.values}


def close_gaps(policy: Policy, system: System, figures: Counter[str], known: PriceList | None) -> None:
    """Suppress what one system needs: against sums, then against sums with a price list, until neither tells."""
    figures["two_per_line"] += _two_per_line(system)
    _complete_groups(system)
    by_measure = [(m, FeasibilityIntervals(policy, system, m)) for m in system.group.measures]
    costs = SuppressionCost(policy, system)
    for unknown in cheapest_choice(policy, system, costs.loss, by_measure, _candidates(policy, system, costs)):
        suppress_unknown(system, unknown)
    while _close_sums(policy, system, costs, by_measure):
        told = close_price_gaps(policy, system, known, suppress_unknown) if known else 0
        figures["suppressed_for_prices"] += told
        if not told:
            break
    else:  # no choice of cells led to an end: nothing of this group is shown for the month
        for least in (1, 0):  # of all but the total of the period, and of that one only where it would tell
            if least or any(open_cells(intervals) for _, intervals in by_measure):
                for unknown in range(len(system.rows)):
                    if system.depth(unknown) >= least:
                        suppress_unknown(system, unknown)
        figures["groups_suppressed_as_a_whole"] += 1
    figures["programs_of_suppressing"] += sum(intervals.programs for _, intervals in by_measure)


def _candidates(policy: Policy, system: System, costs: SuppressionCost) -> list[int] | None:
    """Which cells the optimal choice is among: every one, or in a large system what cell after cell would suppress.

    Most of that is needed; the cells that later ones make needless are left out by choosing among it.
    """
    if len(system.gone) - sum(system.gone) <= policy.release.thresholds.optimal_cells:
        return None
    rows = [row for unknown in system.rows for row in unknown]
    before, gone = [(row.suppressed, set(row.suppressed_measures)) for row in rows], list(system.gone)
    _close_sums(policy, system, costs, [(m, FeasibilityIntervals(policy, system, m)) for m in system.group.measures])
    found = [cell for cell, is_gone in enumerate(system.gone) if is_gone and not gone[cell]]
    for row, (suppressed, measures) in zip(rows, before, strict=True):
        row.suppressed, row.suppressed_measures = suppressed, measures
    system.gone = gone
    return found


def _close_sums(policy: Policy, system: System, costs: SuppressionCost,
                by_measure: list[tuple[str, FeasibilityIntervals]]) -> bool:
    """Suppress until nothing follows too closely from sums; False when no choice of cells leads to an end."""
    for _ in range(_ROUNDS):
        _close_lines(policy, system)
        before = sum(system.gone)
        is_left = [_widen_intervals(policy, system, costs, measure, intervals) for measure, intervals in by_measure]
        if not any(is_left):
            return True
        if sum(system.gone) == before:
            _coarsen(system)
    return False


def _widen_intervals(policy: Policy, system: System, costs: SuppressionCost, measure: str,
                     intervals: FeasibilityIntervals) -> bool:
    """Suppress beside each cell whose interval is too narrow what widens it at the least loss; False if none was."""
    narrow = open_cells(intervals)
    if len(narrow) > policy.release.thresholds.open_cells:
        _coarsen(system)
        return True
    for up in (True, False) if system.group.is_amount else (True,):  # a count only needs to be wide, to either side
        moves = intervals.required_moves(narrow, up=up)
        for cell in sorted(moves, key=lambda c: (-abs(moves[c]), c)):
            for other in costs.cheapest_complement(cell, measure, MORE * abs(moves[cell]), up=up):
                suppress_unknown(system, other)
    return bool(narrow)


def _complete_groups(system: System) -> None:
    """Suppress all of an unknown of which one row or one measure is suppressed: what is shown once is shown.

    An amount may be suppressed without the others: its own contributors are fewer, as where some units cost nothing.
    """
    for unknown, rows in enumerate(system.rows):
        hidden = [m in row.suppressed_measures for row in rows for m in system.group.measures if m in row.values]
        if any(hidden) and not all(hidden):
            suppress_unknown(system, unknown)


def _coarsen(system: System) -> None:
    """Suppress the finest level of each table that shows anything."""
    for table in sorted({row.table for rows in system.rows for row in rows}):
        mine = [i for i, rows in enumerate(system.rows)
                if {r.table for r in rows} == {table} and not system.is_suppressed(i)]
        finest = max(map(system.depth, mine), default=0)
        for unknown in mine:
            if system.depth(unknown) == finest > 0:
                suppress_unknown(system, unknown)


def _faulty_lines(policy: Policy, system: System) -> dict[tuple[int, tuple[int, ...]], float]:
    """The lines whose suppressed cells do not hide each other, with what a further cell should bring."""
    k, percent = policy.release.thresholds.k, policy.release.thresholds.interval_percent
    gone = [system.is_suppressed(i) for i in range(len(system.rows))]
    faults = {}
    for line in system.lines:
        total, parts = line
        hidden = [p for p in parts if gone[p]]
        if gone[total]:
            if not hidden:
                faults[line] = 0.0
            continue
        if not hidden:
            continue
        few = sum(system.contributors(p) for p in hidden) < k
        shortfall = 1e-9 if len(hidden) == 1 or few else 0.0
        for measure in system.group.measures:
            values = [abs(system.value(p, measure)) for p in hidden]
            protected = [value for p, value in zip(hidden, values, strict=True) if system.is_protected(p, measure)]
            if protected and system.group.is_amount:
                shortfall = max(shortfall, max(protected) * (1 + percent / 100) - sum(values))
            elif protected:
                shortfall = max(shortfall, k - float(system.room(measure)[hidden].sum()))
        if shortfall > 0:
            faults[line] = shortfall
    return faults


def _close_lines(policy: Policy, system: System) -> None:
    """Suppress until no line is at fault."""
    measure = system.group.measures[-1]
    while faults := _faulty_lines(policy, system):
        often = Counter(cell for total, parts in faults for cell in (total, *parts))
        touched: set[int] = set()
        for (total, parts), shortfall in faults.items():
            if touched & {total, *parts}:
                continue
            shown = [p for p in parts if not system.is_suppressed(p) and p not in system.zeros] or [total]
            choice = _choose(system, shown, measure, shortfall, often)
            touched.add(choice)
            suppress_unknown(system, choice)
        if not any(system.is_suppressed(choice) for choice in touched):
            return  # only known zeros are left to take: the intervals judge what that gives away


def _choose(system: System, shown: list[int], measure: str, shortfall: float, often: Counter[int]) -> int:
    """The cell whose loss hurts least: large enough if any is, closing more lines, fine, small."""
    return min(shown, key=lambda c: (system.value(c, measure) < shortfall, -min(often[c], 3), -system.depth(c),
                                     abs(system.value(c, measure)), c))


def _two_per_line(system: System) -> int:
    """How many cells the plain rule of two per line would suppress in all, for comparison: it is not safe."""
    gone = {i for i in range(len(system.rows)) if system.is_suppressed(i)}
    measure = system.group.measures[-1]
    while True:
        before = len(gone)
        for total, parts in system.lines:
            shown = [p for p in parts if p not in gone]
            if sum(c in gone for c in (total, *parts)) == 1 and (shown or total not in gone):
                gone.add(min(shown or [total], key=lambda c: (system.value(c, measure), c)))
        if len(gone) == before:
            return before
