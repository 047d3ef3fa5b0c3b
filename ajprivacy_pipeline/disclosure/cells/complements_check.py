"""G5, checked: nothing suppressed follows from what is shown, exactly or too closely, from sums alone or with prices.

Belongs here: the verdict over the public tables as they stand. Does not belong here: suppressing (secondary), the
mathematics (intervals, prices).
"""

from collections import Counter
from math import inf
from typing import Any

from ajprivacy_pipeline.disclosure.cells.intervals import FeasibilityIntervals, determined, open_cells
from ajprivacy_pipeline.disclosure.cells.prices import PriceList, price_faults, read_price_lists
from ajprivacy_pipeline.disclosure.cells.table_rows import Row, read_rows
from ajprivacy_pipeline.disclosure.cells.table_system import System, systems
from ajprivacy_pipeline.disclosure.verdict import Place, Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection

_SLACK = 1e-5  # an interval that is as wide as asked for but for arithmetic


def _told_differently(system: System) -> Counter[tuple[str, str]]:
    """Cells that are one by their dimensions and shown with different values: the difference is whom one leaves out."""
    return Counter((f"{rows[0].table}.{measure}", "shown values of one cell differ from")
                   for rows in system.rows for measure in system.group.measures
                   if len({row.values[measure] for row in rows
                           if measure in row.values and measure not in row.suppressed_measures}) > 1)


def check_complements(con: Connection, policy: Policy, public: dict[str, str], took: dict[str, int]) -> Verdict:
    """G5 over the public tables as they stand: what is suppressed is read from them, and nobody's word is taken for it.

    Args:
        con: holds the public tables and the cells.
        policy: roles and thresholds.
        public: the quoted relation of each public table.
        took: what suppressing took, for the figures alone.
    """
    figures = Counter({"suppressed_in_systems": 0, "exactly_recoverable": 0, "too_narrow": 0, "programs": 0})
    faults: Counter[tuple[str, str]] = Counter()
    places: set[Place] = set()
    narrowest = dict.fromkeys((False, True), inf)  # of counts, of amounts
    rows = read_rows(con, policy, public)
    for system in systems(policy, rows, apart=True):
        faults += _told_differently(system)
        figures["suppressed_in_systems"] += sum(system.is_suppressed(i) for i in range(len(system.rows)))
        for measure in system.group.measures:
            intervals = FeasibilityIntervals(policy, system, measure)
            narrow = open_cells(intervals)
            exact = set(determined(system, narrow))
            narrowest[system.group.is_amount] = min(narrowest[system.group.is_amount], intervals.narrowest())
            figures["programs"] += intervals.programs
            figures["exactly_recoverable"] += len(exact)
            figures["too_narrow"] += len(narrow) - len(exact)
            for cell in narrow:
                what = "follow exactly from" if cell in exact else "can be told too closely by"
                faults[f"{system.rows[cell][0].table}.{measure}", f"suppressed values {what}"] += 1
                places.update(Place(row.table, measure, system.month, row.key) for row in system.rows[cell])
    told = _told_by_prices(policy, read_price_lists(con, policy, public), rows)
    faults.update((place.table, "suppressed products can be told too closely with a price list from") for place in told)
    violations = [f"{where}: {count:,} {what} what is shown"
                  for (where, what), count in sorted(faults.items()) if count]
    figures.update(_in_steps(policy, narrowest))
    figure = (f"{figures['suppressed_in_systems']:,} suppressed cells of sums: "
              f"{figures['exactly_recoverable']:,} follow "
              f"exactly from shown ones, {figures['too_narrow']:,} too closely; {_said(figures)}the rule of two per "
              f"line, which is not safe, would suppress {took.get('two_per_line', 0):,}")
    return verdict("G5", figure, violations, {**figures, **took}, [*places, *told])


def _told_by_prices(policy: Policy, lists: dict[str, PriceList], rows: dict[str, dict[Any, list[Row]]]) -> list[Place]:
    """The suppressed products that a price list tells, over the public tables as they stand."""
    found = list[Place]()
    for system in systems(policy, {p: months for p, months in rows.items() if p in lists}, of_amounts=True):
        known = lists[policy.release.tables[system.rows[0][0].table].population or system.rows[0][0].table]
        found += price_faults(policy, system, known)
    return found


def _in_steps(policy: Policy, narrowest: dict[bool, float]) -> dict[str, int]:
    """The narrowest intervals as they may be published: whether wide enough, for counts in steps of k.

    Anybody can work out how wide an interval is. How far its ends are from the value nobody may learn: of an amount's
    sides is said that they are what the policy asks for, never more.
    """
    at = policy.release.thresholds
    counts, sides = (narrowest[is_amount] * (1 + _SLACK) for is_amount in (False, True))
    found = {"narrowest_count": int(counts // at.k) * at.k} if counts < inf else {}
    return found | ({"narrowest_percent": at.interval_percent * (sides >= at.interval_percent)} if sides < inf else {})


def _said(figures: Counter[str]) -> str:
    """The narrowest intervals in words."""
    count, percent = (figures.get(name) for name in ("narrowest_count", "narrowest_percent"))
    said = [f"of counts at least {count:,} wide"] if count is not None else []
    said += [f"of amounts at least {percent:,} % on both sides"] if percent is not None else []
    return f"intervals {', '.join(said)}; " if said else ""
