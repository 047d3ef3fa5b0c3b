"""The gates over cells, in their order: what is suppressed beyond the thresholds, and what then must hold.

Belongs here: calling the checks of `anonymise` and the ledger on the public tables of one release.
"""

from collections import Counter

from ajprivacy_pipeline.disclosure.cells.contributions import batches, contributions, read_marks
from ajprivacy_pipeline.disclosure.cells.differencing import check_differences, suppress_differences
from ajprivacy_pipeline.disclosure.cells.dominance import check_dominance
from ajprivacy_pipeline.disclosure.cells.primary import mark_rows
from ajprivacy_pipeline.disclosure.cells.recount import check_thresholds
from ajprivacy_pipeline.disclosure.cells.secondary import check_complements, suppress_complements
from ajprivacy_pipeline.disclosure.cells.stock_flow import check_flows, suppress_flows
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release import ledger
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.zones import Connection

_ROUNDS = 6


def suppress_more(con: Connection, policy: Policy, public: dict[str, str],
                  closed: dict[str, str] | None = None) -> dict[str, int]:
    """Suppress what subtraction would give away, and complements, until neither finds anything more.

    Args:
        con: holds the public tables and the cells.
        policy: roles and thresholds.
        public: the quoted relation of each public table.
        closed: the relation of each table's months that were published before and are not computed again.
    """
    took: Counter[str] = Counter({"values_suppressed_for_differences": 0,
                                  "flows_suppressed": suppress_flows(con, policy, public, closed or {})})
    for months in batches(con, policy, public):
        with contributions(con, policy, public, months) as counted:
            chosen: set[tuple[str, int]] = set()
            for turn in range(_ROUNDS):
                more = suppress_complements(con, policy, public, months, chosen)
                took.update({name: count for name, count in more.items() if not turn or name != "two_per_line"})
                for one in counted:
                    read_marks(con, policy, public, one)
                moved = suppress_differences(con, policy, public, counted)
                took["values_suppressed_for_differences"] += moved
                if not moved:
                    break
    mark_rows(con, policy, public)
    return dict(took)


def check_gates(con: Connection, policy: Policy, public: dict[str, str], took: dict[str, int],
                closed: dict[str, str] | None = None) -> list[Verdict]:
    """Checks G2, G4, G5 and G6 within the release, over the public tables; `closed` as in `suppress_more`."""
    sums, flows = check_complements(con, policy, public, took), check_flows(con, policy, public, closed or {})
    return [check_thresholds(con, policy, public), check_dominance(con, policy, public),
            verdict("G5", f"{sums.figure}; {flows.figure}", [*sums.violations, *flows.violations],
                    {**sums.figures, **flows.figures}), check_differences(con, policy, public)]


def with_ledger(gates: list[Verdict], con: Connection, settings: Settings, policy: Policy,
                manifests: list[str]) -> list[Verdict]:
    """Returns the gates, with G6 across releases as part of G6; the connection holds the cells of `ledger_cells`."""
    earlier = ledger.check_ledger(con, settings, policy, manifests)
    return [g if g.guarantee != "G6" else verdict(
        "G6", f"{g.figure}; {earlier.figure}", [*g.violations, *earlier.violations], {**g.figures, **earlier.figures})
        for g in gates]
