"""The decisions of a month that a trial decides otherwise, found by numbers and put into words afterwards.

Belongs here: how decisions are laid side by side. Does not belong here: counting what differs (`compare`), deciding by
the other policy (`simulate`). Millions of decisions are compared and few flip: the rulings behind the worded views hold
purposes, reasons and freezes as bits and people as numbers; they are joined once, and only what flips is named. A model
without rulings is compared as it stands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import Model

ZONE, TRIAL = "zone", "trial"  # the databases of the two sides


@dataclass(frozen=True)
class Part:
    """What a row of rulings says about one part: columns of the row, or SQL over it."""

    name: str
    is_absent: str
    retained: str
    held: str
    subject_no: str
    subject_id: str
    due_on: str = "due_on"
    has_row: str = "true"


@dataclass(frozen=True)
class Rulings:
    """The table behind a worded view: its key, the policy's table that names what retains, and its parts."""

    table: str
    key: str
    names: tuple[str, str]
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Trial:
    """What another policy decided.

    `changed`: the models that may have come out otherwise. `late`: those that nothing but the comparison reads and that
    are run inside it, with `values` bound; the other tables stand in the trial's database.
    """

    changed: frozenset[str]
    late: Mapping[str, Model]
    values: Mapping[str, object]


_ATTRIBUTES = "retention.attribute_decisions"
_CUSTOMER = "'customer:' || customer_id"
RULINGS: Mapping[str, Rulings] = {
    _ATTRIBUTES: Rulings(
        "retention.attribute_rulings", "NULL", ("policy.purpose_sets", "purposes"),
        (Part("what", "is_absent", "retained", "held", "subject_no", "subject_id"),)),
    "retention.order_decisions": Rulings(
        "retention.order_rulings", "order_id", ("policy.reason_sets", "reasons"), (
            Part("'orders.delivery'", "delivery_absent", "delivery_reasons", "delivery_held", "delivery_no",
                 "subject_id_of(contact_id, customer_id)", "delivery_due_on"),
            Part("'orders.link'", "link_absent", "link_reasons", "link_held", "link_no",
                 f"CASE WHEN is_person THEN {_CUSTOMER} ELSE 'contact:' || contact_id END", "link_due_on",
                 "is_linked"))),
    "retention.invoice_decisions": Rulings(
        "retention.invoice_rulings", "invoice_id", ("policy.reason_sets", "reasons"), (
            Part("'invoices.billing'", "is_empty", "reasons", "held", "customer_no", _CUSTOMER),
            Part("'invoices.link'", "customer_id IS NULL", "reasons", "held", "customer_no", _CUSTOMER,
                 has_row="is_person"))),
}
_RULED = """
SELECT {what} AS what, {key} AS record_id, {columns} FROM {relation} AS r
"""
_RULED_PART = """{has_row} AS has_row_{i}, {is_absent} AS absent_{i}, {due_on} AS due_on_{i},
    CASE WHEN {has_row} THEN CASE WHEN {is_absent} THEN 0 ELSE {retained} END END AS retained_{i},
    CASE WHEN {has_row} THEN CASE WHEN {is_absent} THEN 0 ELSE {held} END END AS held_{i}, {who}"""
_WORDED = """
SELECT entity || '.' || part AS what, record_id, decision AS decision_0, due_on AS due_on_0,
    retained_by AS retained_0, held_by AS held_0, {who}
FROM {relation}
"""
_PAIRS = """
CREATE OR REPLACE TEMP TABLE pairs AS
SELECT coalesce(o.what, n.what) AS what, coalesce(o.record_id, n.record_id) AS record_id, {carried}
FROM ({month}) AS o
FULL JOIN ({trial}) AS n ON {same}
WHERE {differs}
"""
# A person is a number where both sides number alike, and an id where nobody has a number or the numbers differ.
_PEOPLE = "subject_no INTEGER, subject_id VARCHAR, kind VARCHAR, change VARCHAR"
_TABLES = (f"CREATE OR REPLACE TEMP TABLE moved ({_PEOPLE})",
           (f"CREATE OR REPLACE TEMP TABLE flips ({_PEOPLE}, what VARCHAR, record_id VARCHAR, was_due_on DATE, "
            "due_on DATE, from_decision VARCHAR, to_decision VARCHAR, grounds VARCHAR[])"))
_DECIDED = """
WITH decided AS (
    SELECT coalesce(was_no_{i}, no_{i}) AS subject_no, coalesce(was_id_{i}, id_{i}) AS subject_id,
        {name} AS what, record_id, {was} AS was, {becomes} AS becomes,
        CASE WHEN {was} <> 'absent' THEN was_due_on_{i} END AS was_due_on,
        CASE WHEN {becomes} <> 'absent' THEN due_on_{i} END AS due_on,
        was_retained_{i} AS was_retained, was_held_{i} AS was_held, retained_{i} AS retained, held_{i} AS held
    FROM pairs
)
"""
_MOVED = _DECIDED + """
INSERT INTO moved
SELECT subject_no, subject_id, '{kind}',
    CASE WHEN coalesce(due_on, DATE 'infinity') > coalesce(was_due_on, DATE 'infinity') THEN 'later' ELSE 'earlier' END
FROM decided WHERE was = 'retain' AND becomes = 'retain' AND due_on IS DISTINCT FROM was_due_on
"""
_FLIPS = _DECIDED + """
INSERT INTO flips
SELECT subject_no, subject_id, '{kind}',
    CASE WHEN becomes = 'due' THEN 'becomes_due'
         WHEN becomes = 'hold' THEN 'becomes_held'
         WHEN was = 'due' THEN 'no_longer_due'
         WHEN was = 'hold' THEN 'no_longer_held'
         ELSE 'other' END,
    what, record_id, was_due_on, due_on, coalesce(was, 'none'), coalesce(becomes, 'none'),
    CASE WHEN becomes = 'hold' THEN {held}
         WHEN becomes = 'due' THEN list_concat(coalesce({was_retained}, []), coalesce({was_held}, []))
         ELSE {retained} END
FROM decided WHERE was IS DISTINCT FROM becomes
"""


def find_differences(con: zones.Connection, trial: Trial, records: Iterable[str]) -> None:
    """Fill `flips`, a row per decision that becomes another, and `moved`, a row per one whose day alone moves.

    Args:
        con: holds the month's decisions and the trial's tables.
        trial: what the other policy decided.
        records: the models that decide about records.
    """
    for statement in _TABLES:
        con.execute(statement)
    for name in (_ATTRIBUTES, *records):
        if name in trial.changed:
            _find(con, trial, name)


def _find(con: zones.Connection, trial: Trial, name: str) -> None:
    """The differences between two sides of one model of decisions."""
    rulings = RULINGS.get(name)
    table = rulings.table if rulings else name
    numbered = "retention.subjects" not in trial.changed  # the month's numbers, where its people are lent
    late = trial.late.get(table)
    month, other = (_side(rulings, relation, numbered=numbered) for relation in (
        f"{ZONE}.{table}", f"({late.sql})" if late else f"{TRIAL}.{table}"))
    if name == _ATTRIBUTES:
        keys: tuple[str, ...] = ("no_0" if numbered else "id_0", "what")
    else:
        keys = ("record_id",) if rulings else ("record_id", "what")
    parts = range(len(rulings.parts)) if rulings else (0,)
    told = ("has_row", "absent", "due_on", "retained", "held") if rulings else ("decision", "due_on")
    carried = (*dict.fromkeys((*told, "retained", "held")), "no", "id")
    con.execute(_PAIRS.format(
        month=month, trial=other, same=" AND ".join(f"o.{key} = n.{key}" for key in keys),
        carried=", ".join(f"o.{column}_{i} AS was_{column}_{i}, n.{column}_{i}" for i in parts for column in carried),
        differs=" OR ".join(f"o.{column}_{i} IS DISTINCT FROM n.{column}_{i}" for i in parts for column in told)),
        {p: trial.values[p] for p in late.params} if late else None)
    for i in parts:
        words = {"i": i, "kind": "attributes" if name == _ATTRIBUTES else "records",
                 "name": rulings.parts[i].name if rulings else "what", "was": _decision("was_", i, rulings),
                 "becomes": _decision("", i, rulings), **_named(rulings)}
        con.execute(_MOVED.format(**words))
        con.execute(_FLIPS.format(**words))


def _side(rulings: Rulings | None, relation: str, *, numbered: bool) -> str:
    """One side's decisions, a row for each row of the rulings, or of the model itself."""
    if rulings is None:
        return _WORDED.format(who=_who(0, "true", "subject_no", "subject_id", numbered=numbered), relation=relation)
    columns = ", ".join(
        _RULED_PART.format(i=i, who=_who(i, part.has_row, part.subject_no, part.subject_id, numbered=numbered),
                           **vars(part))
        for i, part in enumerate(rulings.parts))
    return _RULED.format(what="attribute" if rulings is RULINGS[_ATTRIBUTES] else "NULL", key=rulings.key,
                         columns=columns, relation=relation)


def _who(i: int, has_row: str, number: str, subject_id: str, *, numbered: bool) -> str:
    if not numbered:
        return f"NULL::INTEGER AS no_{i}, CASE WHEN {has_row} THEN {subject_id} END AS id_{i}"
    return (f"CASE WHEN {has_row} THEN {number} END AS no_{i}, "
            f"CASE WHEN {has_row} AND {number} IS NULL THEN {subject_id} END AS id_{i}")


def _decision(side: str, i: int, rulings: Rulings | None) -> str:
    """SQL of the decision that one side of a pair comes to, NULL where it has no row."""
    if rulings is None:
        return f"{side}decision_{i}"
    absent, retained, held = (f"{side}{column}_{i}" for column in ("absent", "retained", "held"))
    return f"CASE WHEN {side}has_row_{i} THEN decision_of({absent}, {retained} > 0, {held} > 0) END"


def _named(rulings: Rulings | None) -> dict[str, str]:
    """SQL that names what retains or holds, by the side's own policy: bits of two policies may mean other things."""
    columns = {"was_retained": ZONE, "was_held": ZONE, "retained": TRIAL, "held": TRIAL}
    if rulings is None:
        return {column: column for column in columns}
    sets = {"retained": rulings.names, "held": ("policy.freeze_sets", "freezes")}
    named = {}
    for column, side in columns.items():
        table, key = sets[column.removeprefix("was_")]
        named[column] = f"(SELECT s.names FROM {side}.{table} AS s WHERE s.{key} = decided.{column})"
    return named
