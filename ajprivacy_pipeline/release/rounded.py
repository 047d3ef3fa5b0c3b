"""The tables of rounded counts of a release: rounded, judged, rounded anew until nothing is told, part of the gates.

Belongs here: the order of these steps, after the exact tables are what they are to be. Does not belong here: the steps
(`disclosure/cells`).
"""

from collections import Counter
from collections.abc import Sequence

from ajprivacy_pipeline.disclosure.cells.rounded_check import Judged, check_rounded
from ajprivacy_pipeline.disclosure.cells.rounded_counts import (
    BesideExact,
    create,
    read_periods,
    rounded_tables,
    write_period,
)
from ajprivacy_pipeline.disclosure.cells.rounded_learning import learn
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.release import Rounded
from ajprivacy_pipeline.release.files import months_of
from ajprivacy_pipeline.release.prove import require
from ajprivacy_pipeline.release.run import Run
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.zones import Connection, engine_errors


def with_rounded(run: Run, public: dict[str, str], gates: Sequence[Verdict]) -> tuple[dict[str, str], list[Verdict]]:
    """Returns the public tables with those of rounded counts, and the gates with what they found there, required.

    Raises:
        GuaranteeError: a table of rounded counts is not what it promises.
    """
    made, found = dict(public), list(gates)
    for table, asked in rounded_tables(run.policy).items():
        if months_of(run.policy, run.plan, table) and asked.beside in public:
            run.progress("rounding counts")
            with engine_errors(f"published.{table}"):
                key = KeyStore(run.settings.keys, run.settings.root_key).derive("release", "rounded counts")
                made[table], judged, took = round_until_safe(run.con, run.policy, table, asked, public, key)
            found = [_with(gate, table, judged, took) for gate in found]
    require(found)
    return made, found


def round_until_safe(con: Connection, policy: Policy, table: str, asked: Rounded, public: dict[str, str],
                     key: bytes) -> tuple[str, Judged, Counter[str]]:
    """Make a table of rounded counts; return its quoted relation, the last judgement, and figures for the metadata.

    Args:
        con: holds the cells and the public tables.
        policy: the thresholds.
        table: the table of rounded counts.
        asked: what the policy says of it.
        public: the quoted relation of each public table of exact figures, as they are to be published.
        key: of draws; with another one other counts come out.
    """
    relation, beside = create(con, policy, table), BesideExact(con, policy, asked.beside, public)
    periods = {period.month: period for period in read_periods(con, policy, table, asked, key)}
    took: Counter[str] = Counter({"counts_told_beside_exact": 0, "counts_rounded_anew": 0})
    still, judged = set(periods), Judged()
    while still:
        for month in sorted(still):
            write_period(con, policy, table, asked, periods[month], beside.of(month))
        judged = check_rounded(con, policy, table, relation, beside, still)
        told = {month: one for month, one in judged.told.items() if one.cells or one.others}
        for month, one in told.items():
            period = periods[month]
            took["counts_told_beside_exact"] += len(one.cells) * (period.attempt == 0)
            took["counts_rounded_anew"] += 1
            learn(policy, table, asked, period, one,
                  {key: count for key, (_, count) in judged.counts[month].items()})
        still = set(told)
    beside.drop()
    rows = con.execute(f"SELECT count(*), count(DISTINCT month) FROM {relation}").fetchall()[0]
    took.update(counts_listed=int(rows[0]), counts_periods=int(rows[1]),
                counts_periods_coarser=sum(0 < p.multiple < len(asked.multiples) for p in periods.values()))
    return relation, judged, took


def _with(gate: Verdict, table: str, judged: Judged, took: Counter[str]) -> Verdict:
    """The gate with what it found in a table of rounded counts."""
    said = {"G2": (judged.threshold, f"{took['counts_listed']:,} rounded counts"),
            "G5": (judged.sums(table), f"{table}: every small count that is rounded leaves k whole numbers possible"),
            "G17": (judged.presence, f"{table} lists every cell that there may be")}.get(gate.guarantee)
    if said is None:
        return gate
    figures = {**gate.figures, **took} if gate.guarantee == "G5" else gate.figures
    return verdict(gate.guarantee, f"{gate.figure}; {said[1]}", [*gate.violations, *said[0]], figures, gate.places)
