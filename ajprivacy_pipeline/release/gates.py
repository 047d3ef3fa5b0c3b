"""The gates over cells, in their order: what is suppressed beyond the thresholds, and what then must hold.

Belongs here: calling the checks of `anonymise` and the ledger on the public tables of one release.
"""

from collections import Counter
from typing import Any

from ajprivacy_pipeline.disclosure.cells.complements_check import check_complements
from ajprivacy_pipeline.disclosure.cells.contributions import batches, contributions, read_marks
from ajprivacy_pipeline.disclosure.cells.differencing import check_differences, suppress_differences
from ajprivacy_pipeline.disclosure.cells.dominance import check_dominance
from ajprivacy_pipeline.disclosure.cells.escalation import Escalation, said
from ajprivacy_pipeline.disclosure.cells.nearly_equal import check_nearly_equal, suppress_nearly_equal
from ajprivacy_pipeline.disclosure.cells.presence import check_presence, unlist_levels
from ajprivacy_pipeline.disclosure.cells.primary import mark_rows
from ajprivacy_pipeline.disclosure.cells.recount import check_thresholds
from ajprivacy_pipeline.disclosure.cells.secondary import Closed, suppress_complements
from ajprivacy_pipeline.disclosure.cells.stock_flow import check_flows, suppress_flows
from ajprivacy_pipeline.disclosure.cells.stock_sums import check_sums, suppress_sums
from ajprivacy_pipeline.disclosure.cells.table_rows import Chosen
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release import ledger
from ajprivacy_pipeline.release.tables import suppress_names_without_figures
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.zones import Connection

_ROUNDS = 6


def suppress_more(con: Connection, policy: Policy, public: dict[str, str],
                  closed: dict[str, str] | None = None, chosen: Chosen | None = None) -> dict[str, int]:
    """Suppress what subtraction would give away, and complements, until neither finds anything more.

    A level that shows too little from the start never shows more: nothing need be hidden for its sake.

    Args:
        con: holds the public tables and the cells.
        policy: roles and thresholds.
        public: the quoted relation of each public table.
        closed: the relation of each table's months that were published before and are not computed again.
        chosen: rows suppressed only to hide others, by earlier calls too; those of this call are added.
    """
    chosen = set() if chosen is None else chosen
    took: Counter[str] = Counter({"values_suppressed_for_differences": 0,
                                  "rows_not_listed": sum(unlist_levels(con, policy, public).values()),
                                  "flows_suppressed": suppress_flows(con, policy, public, closed or {})})
    left: Closed = {}
    for months in batches(con, policy, public):
        settled: dict[str, Any] = {}
        with contributions(con, policy, public, months) as counted:
            for turn in range(_ROUNDS):
                more = suppress_complements(con, policy, public, months, chosen, left)
                took.update({name: count for name, count in more.items() if not turn or name != "two_per_line"})
                for one in counted:
                    read_marks(con, policy, public, one)
                moved = suppress_differences(con, policy, public, counted, settled)
                took["values_suppressed_for_differences"] += moved
                if not moved:
                    break
    mark_rows(con, policy, public)
    return dict(took)


def suppress_until_proven(con: Connection, policy: Policy, public: dict[str, str], closed: dict[str, str],
                          chosen: Chosen, took: dict[str, int]) -> list[Verdict]:
    """Judges what was suppressed, and suppresses still more where it does not suffice; returns the last verdicts.

    The arguments are those of `suppress_more`, which ran before, and what it returned. What the gates find is not
    always a matter of suppressing: where something is broken they say so to the end.
    """
    escalation, taken = Escalation(policy, public, chosen), Counter(took)
    while True:
        taken["rows_nearly_told"] += suppress_nearly_equal(con, policy, public, chosen)
        taken["stocks_suppressed"] += suppress_sums(con, policy, public)
        taken["rows_not_listed"] += sum(unlist_levels(con, policy, public).values())
        suppress_names_without_figures(con, policy, public)
        verdicts = check_gates(con, policy, public, {**taken, **escalation.took}, closed)
        if not escalation.suppress(con, (place for found in verdicts for place in found.places)):
            return verdicts
        more = suppress_more(con, policy, public, closed, chosen)
        taken.update({name: count for name, count in more.items() if name != "two_per_line"})


def check_gates(con: Connection, policy: Policy, public: dict[str, str], took: dict[str, int],
                closed: dict[str, str] | None = None) -> list[Verdict]:
    """Checks G2, G4, G5, G6 and G17 within the release, over the public tables; `closed` as in `suppress_more`."""
    sums, flows = check_complements(con, policy, public, took), check_flows(con, policy, public, closed or {})
    nearly, stocks = check_nearly_equal(con, policy, public), check_sums(con, policy, public)
    balanced = verdict("G5", f"{sums.figure}; {flows.figure}; {stocks.figure}{said(took)}",
                       [*sums.violations, *flows.violations, *nearly, *stocks.violations],
                       {**sums.figures, **flows.figures, **stocks.figures}, sums.places)
    alone = check_dominance(con, policy, public)
    differences, remainders = check_differences(con, policy, public)
    dominance = verdict("G4", f"{alone.figure}; {remainders.figure}", [*alone.violations, *remainders.violations],
                        {**alone.figures, **remainders.figures}, remainders.places)
    return [check_thresholds(con, policy, public), dominance, balanced, differences,
            check_presence(con, policy, public)]


def with_ledger(gates: list[Verdict], con: Connection, settings: Settings, policy: Policy, public: dict[str, str],
                manifests: list[str]) -> list[Verdict]:
    """Returns the gates, with G6 across releases as part of G6; the connection holds the cells of `ledger_cells`."""
    earlier = ledger.check_ledger(con, settings, policy, public, manifests)
    return [g if g.guarantee != "G6" else verdict(
        "G6", f"{g.figure}; {earlier.figure}", [*g.violations, *earlier.violations], {**g.figures, **earlier.figures},
        g.places)
        for g in gates]
