"""customers_microdata: when it is made anew, how coarse it must be, and what holds of it.

Belongs here: the cadence, G3, G7, G8, G9 and a part of G15 of the outcome. Does not belong here: who is in it
(sql/anonymous/microdata), its bands (`microdata_bands`), its recoding (`microdata_recoding`), the attacks. Between two
makings the file is repeated, byte for byte, with the verdicts it was published with.
"""

from calendar import month_name
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from ajprivacy_pipeline.disclosure.guarantees import OF_MICRODATA
from ajprivacy_pipeline.disclosure.microdata.attacks import check_gain, check_linkability, check_linkage
from ajprivacy_pipeline.disclosure.microdata.diversity import check_classes
from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import Hierarchy
from ajprivacy_pipeline.disclosure.verdict import UNCHECKED, Verdict, stored, verdict
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release.manifest import Release
from ajprivacy_pipeline.release.microdata_bands import BANDED, Columns, choose, make_bands
from ajprivacy_pipeline.release.microdata_ledger import TOKENS, Members, key_store, make_tokens, recall
from ajprivacy_pipeline.release.microdata_recoding import (
    MAPPING,
    PUBLIC,
    RECODED,
    advantage,
    conditions,
    hierarchies,
    make,
)
from ajprivacy_pipeline.release.plan import ReleasePlan, microdata_is_due
from ajprivacy_pipeline.release.utility import banded
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.zones import Connection, engine_errors, quote

SOURCE, PEOPLE = BANDED, "anonymous.microdata_people"
_MEMBERS, _EARLIER = "microdata_members", "microdata_earlier"
TEMPORARY = (*RECODED, _MEMBERS, _EARLIER, TOKENS)


@dataclass(frozen=True)
class Snapshot:
    """The microdata of a release.

    `month` is the month it was made for, None when there is none, for the `reason`. `members` are who is in which class
    of one made anew; a repeated one has none. `size` is G2 of the classes, `left_out` its part of G15, `verdicts` the
    other guarantees. `said` is what the manifest says of the table itself, the same as long as it is repeated.
    `columns` are the sensitive columns as they are published.
    """

    month: str | None
    reason: str | None = None
    members: Members | None = None
    size: Verdict | None = None
    left_out: Verdict | None = None
    verdicts: tuple[Verdict, ...] = ()
    said: dict[str, Any] = field(default_factory=dict)
    columns: Columns = field(default_factory=Columns)

    @property
    def made(self) -> bool:
        """Whether it was made anew."""
        return self.members is not None


def build_or_carry_over(con: Connection, settings: Settings, policy: Policy, plan: ReleasePlan,
                        previous: Release | None, sql: Path) -> Snapshot:
    """Builds the microdata of a release in the temporary table PUBLIC, or carries the earlier table over.

    The snapshot says why where there is neither.

    Verdicts of one made anew may have failed: the caller requires them.

    Args:
        con: holds the layer anonymous.
        settings: where the ledger lies.
        policy: what is published.
        plan: the release's months.
        previous: the release before, whose table may be repeated.
        sql: the folder of the models.

    Raises:
        ReleaseError: a value that no hierarchy covers, or no facts though it is to be made anew.
        ZoneError: the ledger cannot be read.
    """
    table = policy.release.microdata.table
    if table not in policy.release.tables:
        return _none(table, "the policy publishes none, or the warehouse lacks what it is made of", None)
    keys, earlier = key_store(settings), earlier_file(previous, table)
    with engine_errors("microdata"):
        make_tokens(con, keys, policy.release.microdata.control_percent)
        known = recall(con, settings, keys, earlier[1] if earlier else None)
        if not microdata_is_due(policy, plan):
            return _repeated(table, previous, earlier[0]) if earlier else _none(table, why := _awaited(policy), why)
        if earlier and known is None:
            return _repeated(table, previous, earlier[0], "nothing says who was in the earlier table")
        _require_facts(con, table)
        columns = choose(con, policy)
        shown = columns.of(policy)
        make_bands(con, policy, shown, sql, date.fromisoformat(f"{plan.month}-01"))
        reason = make(con, shown)
        if reason:
            return _repeated(table, previous, earlier[0], reason) if earlier else _none(table, reason, reason)
        return _judged(con, shown, plan, previous, known, columns)


def earlier_file(previous: Release | None, table: str) -> tuple[str, str] | None:
    """Month and hash of the microdata file of the previous release."""
    for path, entry in (previous.manifest["files"] if previous else {}).items():
        if path.startswith(f"{table}/"):
            return path.partition("/")[2].removesuffix(".parquet"), str(entry["sha256"])
    return None


def _require_facts(con: Connection, table: str) -> None:
    """Facts are made by a plan that makes it anew alone: those of another would be taken for too few people.

    Raises:
        ReleaseError: there are customers, and no facts of any.
    """
    people, customers = con.execute(f"SELECT (SELECT count(*) FROM {PEOPLE}), count(*) FROM staged.customers"
                                    ).fetchall()[0]
    if customers and not people:
        raise ReleaseError(f"the cells were made for a release that repeats {table}, and this one makes it anew: "
                           "run the month again")


def _awaited(policy: Policy) -> str:
    """Why there is none between two makings: whoever saw it come out at last would learn who was wanting before."""
    return f"none could be made so far; it is tried again in {month_name[policy.release.microdata.cadence_month]}"


def _none(table: str, why: str, reason: str | None) -> Snapshot:
    """No table: its guarantees hold of nothing, and say so; `reason` is given as the table's where it is absent."""
    return Snapshot(None, reason, verdicts=tuple(verdict(g, f"there is no {table}: {why}", [])
                                                 for g in OF_MICRODATA))


def _repeated(table: str, previous: Release | None, month: str, reason: str | None = None) -> Snapshot:
    """The earlier table with the verdicts it was published with; `reason` says why it was not made anew though due.

    Each verdict names the month it was found in. Without them (an older version's manifest) none is taken for granted.
    """
    manifest = previous.manifest if previous else {}
    guarantees, said = manifest.get("guarantees", {}), manifest.get("microdata") or {}
    found = {g: guarantees.get(g, {"verdict": UNCHECKED, "figure": ""}) for g in OF_MICRODATA}
    verdicts = [stored(g, entry) for g, entry in found.items()]
    if reason:
        verdicts[OF_MICRODATA.index("G8")] = verdict(
            "G8", f"{table} was due and not made anew, the one of {month} stays: {reason}", [])
    size, left_out = (verdict(g, str(said.get(name, "")), [] if said.get(name) else [
        f"{table} of {month}: its manifest does not say what was found"])
        for g, name in (("G2", "size"), ("G15", "left_out")))
    return Snapshot(month, size=size, left_out=left_out, verdicts=tuple(verdicts), said=said,
                    columns=Columns.repeated(said))


def _judged(con: Connection, policy: Policy, plan: ReleasePlan, previous: Release | None,
            known: Members | None, columns: Columns) -> Snapshot:
    """What holds of the table made anew; the earlier one stays where G8 would break."""
    trees, asked, k = hierarchies(policy), conditions(policy), policy.release.thresholds.k
    members, table = _members(con, trees), policy.release.microdata.table
    linked, earlier = _linkability(con, table, known, k), earlier_file(previous, table)
    if earlier and not linked.passed:
        return _repeated(table, previous, earlier[0], f"fewer than {k} people would share a class in both")
    size, spread = check_classes(con, table, PUBLIC, [tree.column for tree in trees], asked, k)
    found = check_linkage(con, table, PUBLIC, PEOPLE, trees, k)
    gain, gained = check_gain(con, table, PUBLIC, trees, asked), advantage(con, policy, trees, asked)
    guessed = verdict("G9", f"{gain.figure}; {gained.figure}", [*gain.violations, *gained.violations],
                      {**gain.figures, **gained.figures})
    verdicts = [Verdict(v.guarantee, v.passed, f"{table} of {plan.month}: {v.figure}", v.violations, v.figures)
                for v in (spread, found, linked, guessed)]
    size = replace(size, figure=f"classes of people in {table} of {plan.month}: {size.figure}")
    left_out = check_left_out(con, policy, plan.month)
    said = {"size": size.figure, "left_out": left_out.figure, "classes": _class_sizes(con, policy, trees),
            "risks": {name: _coarse(name, value) for v in verdicts[1:] for name, value in v.figures.items()},
            **columns.said}
    return Snapshot(plan.month, None, members, size, left_out, tuple(verdicts), said, columns)


def _coarse(name: str, value: int) -> int:
    """A figure as it is published: shares in thousandths, rounded up."""
    return -(-value // 1000) * 1000 if name.endswith("_ppm") else value


def check_left_out(con: Connection, policy: Policy, month: str) -> Verdict:
    """Checks G15 of the table made anew: how many of those who may be in it are not, in whole percent, rounded up."""
    most, table = policy.release.utility.left_out_percent, policy.release.microdata.table
    everybody, there = (int(con.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])
                        for relation in (SOURCE, PUBLIC))
    gone = max(0, everybody - there)
    percent = -(-100 * gone // max(1, everybody))
    faults = [f"{table}: {percent} % of the rows are left out, {most} % are allowed"
              ] if 100 * gone > most * everybody else []
    return verdict("G15", f"{table} of {month} leaves out {percent} % of its rows", faults)


def _class_sizes(con: Connection, policy: Policy, trees: tuple[Hierarchy, ...]) -> dict[str, int]:
    """How many classes there are of which size, in the bands of contributors."""
    keys = ", ".join(quote(tree.column) for tree in trees)
    return banded(con, policy, f"SELECT count(*) AS persons FROM {PUBLIC} GROUP BY {keys}", "persons")


def _members(con: Connection, trees: tuple[Hierarchy, ...]) -> Members:
    """Who is in which class of PUBLIC: a temporary table of tokens and class numbers, and the same as a list."""
    values = ", ".join(f"m.{quote('to_' + tree.column)}" for tree in trees)
    match = " AND ".join(f"m.{quote('from_' + t.column)} = r.{quote(t.column)}" for t in trees)
    con.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_MEMBERS} AS SELECT k.token, "
                f"dense_rank() OVER (ORDER BY {values}) AS class FROM {SOURCE} AS r JOIN {MAPPING} AS m ON {match} "
                f"JOIN {TOKENS} AS k USING (person)")
    found = con.execute(f"SELECT token, class FROM {_MEMBERS}").fetchnumpy()
    return list(zip(found["token"].tolist(), found["class"].tolist(), strict=True))


def _linkability(con: Connection, table: str, known: Members | None, k: int) -> Verdict:
    """G8 against the members of the earlier table."""
    if known is None:
        return verdict("G8", "no earlier table to be linked with", [])
    con.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_EARLIER} AS SELECT unnest($tokens::UBIGINT[]) AS token, "
                "unnest($classes::BIGINT[]) AS class",
                {"tokens": [token for token, _ in known], "classes": [number for _, number in known]})
    return check_linkability(con, table, _MEMBERS, _EARLIER, k)


def drop_microdata(con: Connection) -> None:
    """Remove every temporary table, tokens first of all."""
    with engine_errors("microdata"):
        for table in reversed(TEMPORARY):
            con.execute(f"DROP TABLE IF EXISTS {table}")
