"""The set of what a plan erases, as keyed hashes, so that it can be looked for once it is gone.

Belongs here: which values are in it and which are nobody's own, its key, its end. Does not belong here: taking
candidates out of a text (`candidates`), where is looked (`sweep`). No clear value is stored. The set stands in the
plan's encrypted file and is useless without its own random key, with which it ends.

    made.erased    kind, hash, mark, lead, words, beside: the HMAC of a value in its one form; a mark, which is short,
                   quickly computed, under a key as well, and tells what cannot be in the set; the mark of its longest
                   word; of how many words it consists; of a street the HMAC of what has to stand beside it
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ajprivacy_pipeline.enforcement.candidates import (
    candidates,
    emails,
    joined_words,
    longest,
    national,
    prepare,
)
from ajprivacy_pipeline.enforcement.stages import Part, Stage
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.enforcement import Sweep
from ajprivacy_pipeline.retention.guard import guard_parameters
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore, pads
from ajprivacy_pipeline.storage.zones import WHITE_SPACE, Connection, bare, literal, quote

_COLUMNS = "kind VARCHAR, hash VARCHAR, mark UINTEGER, lead UINTEGER, words INTEGER, beside VARCHAR"
_FIXED = "what every engine marks alike"  # tells whether another version of the engine computes marks in another way
HMAC = "sha256($outer || unhex(sha256($inner || encode({x}))))"
MARK = "CAST(hash($salt || {x}) & 4294967295 AS UINTEGER)"
_KNOWN = f"SEMI JOIN scratch.marks AS m ON m.mark = {MARK}"
Bound = dict[str, Any]


def key_name(plan_id: str) -> str:
    """Returns the name of the key of a plan's set."""
    return f"sweep-{plan_id}"


def bound(keys: KeyStore, plan_id: str, *, create: bool = False) -> Bound:
    """Returns the values that the SQL of a set binds: the pads of its HMAC, and the salt of its marks."""
    name = key_name(plan_id)
    halves = pads(keys.derive_under(name, "hash", create=create))
    return {"inner": halves.inner, "outer": halves.outer, "salt": keys.derive_under(name, "mark", create=create).hex()}


def remember(con: Connection, keys: KeyStore, plan_id: str, policy: Policy, stages: Mapping[Part, Stage]) -> None:
    """Add what is about to be carried out (`scratch.pending`) to the plan's set; what is in it already stays."""
    prepare(con)
    con.execute("CREATE OR REPLACE TABLE scratch.sought (kind VARCHAR, text VARCHAR, words INTEGER, beside VARCHAR)")
    con.execute("CREATE OR REPLACE TABLE holders (value UBIGINT, person UBIGINT)")
    for entity in dict.fromkeys(entity for entity, _ in stages):
        told = _told(policy, entity)
        if not told:
            continue
        # everybody's values lie in the zone's file, not in memory; of those that stay no more than a number
        fed = con.execute(f"CREATE OR REPLACE TABLE fed AS {_fed(policy, entity, told, _parts(stages, entity))}",
                          {"blanks": WHITE_SPACE}).fetchall()[0][0]
        for one in told if fed else ():  # to plan three statements a column costs more than most of them
            con.execute(f"CREATE OR REPLACE TABLE said AS {_select(policy, one)}", {"neutrals": _neutrals(policy)})
            con.execute("INSERT INTO scratch.sought SELECT DISTINCT kind, text, words, beside FROM said "
                        "WHERE kind IS NOT NULL")
            con.execute("INSERT INTO holders SELECT DISTINCT hash(text), person FROM said")
    con.execute("CREATE TABLE IF NOT EXISTS made.erased (" + _COLUMNS + ")")
    con.execute("CREATE TABLE IF NOT EXISTS made.erased_basis (mark UINTEGER)")
    values = bound(keys, plan_id, create=True)
    con.execute(f"INSERT INTO made.erased_basis SELECT {MARK.format(x='$fixed')} "
                "WHERE NOT EXISTS (FROM made.erased_basis)", {"salt": values["salt"], "fixed": _FIXED})
    con.execute(_ADD, {**values, "k": policy.release.thresholds.k, "shortest": policy.enforcement.sweep.shortest})
    for name in ("scratch.sought", "holders", "said", "fed"):
        con.execute(f"DROP TABLE IF EXISTS {name}")


# A value of k people or more tells none of them apart.
_ADD = f"""
    INSERT INTO made.erased
    WITH texts AS (SELECT DISTINCT hash(text) AS value FROM scratch.sought), common AS (
        SELECT value FROM holders SEMI JOIN texts USING (value) GROUP BY value HAVING count(DISTINCT person) >= $k
    ), going AS (
        SELECT DISTINCT s.kind, s.text, s.words, s.beside FROM scratch.sought AS s
        ANTI JOIN common AS c ON c.value = hash(s.text)
        WHERE length(s.text) >= $shortest
    ), hashed AS (
        SELECT kind, {HMAC.format(x='text')} AS hash, {MARK.format(x='text')} AS mark,
            {MARK.format(x=longest("string_split(text, ' ')"))} AS lead, words,
            CASE WHEN beside IS NOT NULL THEN {HMAC.format(x='beside')} END AS beside
        FROM going
    )
    SELECT h.* FROM hashed AS h
    WHERE NOT EXISTS (FROM made.erased AS e WHERE e.kind = h.kind AND e.hash = h.hash
                      AND e.beside IS NOT DISTINCT FROM h.beside)
"""


@dataclass(frozen=True)
class _Told:
    """A column whose values are looked for, as what, and what has to stand beside them."""

    kind: str
    column: str
    beside: str | None = None


def _told(policy: Policy, entity: str) -> list[_Told]:
    """The columns of a table of the contract whose values are looked for."""
    sweep = policy.enforcement.sweep
    listed = {"email": sweep.emails, "phone": sweep.phones, "number": sweep.numbers, "username": sweep.usernames,
              "name": sweep.names}
    found = [_Told(kind, column.partition(".")[2]) for kind, columns in listed.items() for column in columns
             if column.startswith(f"{entity}.")]
    return found + [_Told("address", street.partition(".")[2], other.partition(".")[2])
                    for street, beside in sweep.addresses.items() if street.startswith(f"{entity}.")
                    for other in beside]


def _fed(policy: Policy, entity: str, told: Sequence[_Told], parts: Mapping[str, str]) -> str:
    """SELECT of each row: id, whose it is, of each column `v_` its value, `b_` as it stands, `g_` whether it goes."""
    columns = dict.fromkeys(one.column for one in told)
    others = dict.fromkeys(one.beside for one in told if one.beside)
    shown = [*(f"{bare(f'r.{quote(name)}::VARCHAR')} AS {quote(f'v_{name}')}, "
               f"coalesce(d.{quote(f'g_{name}')}, false) AS {quote(f'g_{name}')}" for name in columns),
             *(f"r.{quote(name)}::VARCHAR AS {quote(f'b_{name}')}" for name in others)]
    going = ", ".join(f"bool_or(part IN ({parts.get(name, 'NULL')})) AS {quote(f'g_{name}')}" for name in columns)
    key = policy.sources.tables[entity].key[0]
    return (f"SELECT {bare(f'r.{quote(key)}::VARCHAR')} AS record_id, hash({_person(policy, entity)}) AS person, "
            f"{', '.join(shown)} FROM raw.{quote(entity)} AS r LEFT JOIN (SELECT record_id AS id, {going} "
            f"FROM scratch.pending WHERE entity = '{entity}' GROUP BY record_id) AS d "
            f"ON d.id = {bare(f'r.{quote(key)}::VARCHAR')}")


def _select(policy: Policy, one: _Told) -> str:
    """SELECT of (kind, text, words, beside, person) of a column of `fed`; kind is NULL where nothing goes."""
    sweep = policy.enforcement.sweep
    least, most = sweep.phone_digits
    digits = national("regexp_replace(v, '[^0-9]', '', 'g')", sweep)
    is_number = f"length({digits}) BETWEEN {least} AND {most} AND NOT regexp_matches(v, '\\p{{L}}')"
    forms = emails("v") if one.kind == "email" else "[" + {
        "phone": f"CASE WHEN {is_number} THEN {digits} END",
        "number": f"CASE WHEN {is_number} THEN {digits} ELSE {joined_words('v')} END"}.get(
            one.kind, joined_words("v")) + "]"
    fewest = sweep.name_words[0] if one.kind == "name" else 1
    wanted = "" if one.beside is None else f" AND length(beside) >= {sweep.shortest_beside}"
    other = "NULL::VARCHAR" if one.beside is None else quote(f"b_{one.beside}")
    # Forms are costly, and most values stand in many rows of one person: each is worked out once. What comes out of a
    # list is not worked out again where a condition names it.
    return (f"WITH told AS MATERIALIZED (SELECT {quote(f'v_{one.column}')} AS v, {other} AS b, person, "
            f"bool_or({quote(f'g_{one.column}')}) AS is_going FROM fed WHERE v IS NOT NULL "
            "AND NOT list_contains($neutrals, v) AND NOT (contains(v, record_id) "
            "AND list_contains($neutrals, replace(v, record_id, '{key}'))) GROUP BY ALL), "
            f"forms AS MATERIALIZED (SELECT v, text, len(string_split(text, ' ')) AS words "
            f"FROM (SELECT v, unnest({forms}) AS text FROM (SELECT DISTINCT v FROM told))), "
            f"sides AS MATERIALIZED (SELECT b, unnest([{joined_words('b')}]) AS beside "
            f"FROM (SELECT DISTINCT b FROM told)) "
            f"SELECT CASE WHEN is_going THEN '{one.kind}' END AS kind, text, words, beside, person "
            "FROM told JOIN forms USING (v) LEFT JOIN sides USING (b) "
            f"WHERE text IS NOT NULL AND words BETWEEN {fewest} AND {sweep.name_words[1]}{wanted}")


def _person(policy: Policy, entity: str) -> str:
    """SQL of whose a row is: a contact's, a customer's, a guest's by the address, else nobody else's."""
    table, sweep = policy.sources.tables[entity], policy.enforcement.sweep
    told = [f"'{name}:' || {bare(f'r.{name}_id::VARCHAR')}" for name in ("contact", "customer")
            if f"{name}_id" in table.columns and table.columns[f"{name}_id"].type == "id"]
    told += [f"lower({bare(f'r.{quote(name)}::VARCHAR')})"
             for of, _, name in (column.partition(".") for column in (*sweep.emails, *sweep.usernames)) if of == entity]
    return f"coalesce({', '.join(told)}, '{entity}/' || {bare(f'r.{quote(table.key[0])}::VARCHAR')})"


def _parts(stages: Mapping[Part, Stage], entity: str) -> dict[str, str]:
    """By column, the parts with which it goes, as a list in SQL."""
    found: dict[str, list[str]] = {}
    for (table, part), stage in stages.items():
        for column in stage.columns if table == entity else ():
            found.setdefault(column, []).append(literal(part))
    return {column: ", ".join(parts) for column, parts in found.items()}


def _neutrals(policy: Policy) -> list[str]:
    """What carrying out leaves itself; `{key}` stands for the row's own key."""
    return sorted({text for actions in policy.actions.values() for action in actions.values()
                   for text in (action.neutral, action.unique_neutral) if text})


@dataclass(frozen=True)
class Sought:
    """What a sweep looks for, loaded into `scratch.wanted`: the values that its SQL binds, and whether marks hold."""

    values: Mapping[str, Any]
    has_marks: bool
    sweep: Sweep

    def hits(self, cells: str, *, beside: bool = False) -> str:
        """SELECT of (row_no, col, value, hash) of the candidates in a relation (row_no, col, value) that may be meant.

        With `beside` also of those that count beside a street alone.
        """
        lengths = "list_distinct(list_append($lengths, 1))" if beside else "$lengths"
        shortest = f"{self.sweep.shortest_beside}" if beside else "$shortest"
        marked = self.has_marks and not beside
        found = candidates(cells, self.sweep, lengths, shortest, known=_KNOWN if marked else None)
        if marked:
            found = f"SELECT * FROM ({found}) AS c {_KNOWN.format(x='c.text')}"
        return f"SELECT row_no, col, value, {HMAC.format(x='text')} AS hash FROM ({found})"

    def hashes(self, values: str) -> str:
        """SELECT of (hash) of the candidates in a relation (value) that may be meant, each worked out once."""
        cells = f"(SELECT 0 AS row_no, 0 AS col, value FROM {values})"
        found = candidates(cells, self.sweep, "$lengths", "$shortest", known=_KNOWN if self.has_marks else None)
        texts = f"SELECT DISTINCT text FROM ({found})"
        if self.has_marks:
            texts = f"SELECT text FROM ({texts}) AS c {_KNOWN.format(x='c.text')}"
        return f"SELECT {HMAC.format(x='text')} AS hash FROM ({texts})"

    def bound(self, *, beside: bool = False) -> dict[str, Any]:
        """Returns the values that `hits` binds."""
        unused = {"shortest", "salt"} if beside else set() if self.has_marks else {"salt"}
        return {name: value for name, value in self.values.items() if name not in unused}


def load(con: Connection, keys: KeyStore, plan_id: str, policy: Policy, stages: Mapping[Part, Stage]) -> Sought:
    """Make what is looked for out of the plan's set and of the decisions in the zone: `scratch.wanted`.

    What a cell that is retained or held today still holds (`kept_values`, in the zone), and what belongs to a company,
    is no hit anywhere.
    """
    prepare(con)
    values = bound(keys, plan_id)
    has_marks = con.execute(f"SELECT count(*) > 0 FROM made.erased_basis WHERE mark = {MARK.format(x='$fixed')}",
                            {"salt": values["salt"], "fixed": _FIXED}).fetchall()[0][0]
    return _sought(con, values, policy, stages, has_marks=has_marks)


def load_guarded(con: Connection, keys: KeyStore, control: ControlStore, policy: Policy,
                 stages: Mapping[Part, Stage]) -> Sought:
    """Make what is looked for out of the guard's addresses and numbers instead, which outlive the sets of plans."""
    prepare(con)
    con.execute("ATTACH ':memory:' AS made")
    con.execute("CREATE TABLE made.erased (" + _COLUMNS + ")")
    con.execute("INSERT INTO made.erased SELECT DISTINCT kind, token, NULL, NULL, 1, NULL FROM control.guard "
                "WHERE kind IN ('email', 'phone')")
    given = guard_parameters(keys, control, policy.enforcement.sweep)
    values = {"inner": given["guard_inner"], "outer": given["guard_outer"], "salt": ""}
    return _sought(con, values, policy, stages, has_marks=False)  # tokens have none: each candidate is hashed


def _sought(con: Connection, values: Bound, policy: Policy, stages: Mapping[Part, Stage], *, has_marks: bool) -> Sought:
    lengths = [row[0] for row in con.execute("SELECT DISTINCT words FROM made.erased ORDER BY 1").fetchall()]
    sweep = policy.enforcement.sweep
    found = Sought({**values, "lengths": lengths, "shortest": sweep.shortest}, has_marks, sweep)
    _mark(con, "made.erased")
    con.execute(_KEPT_PARTS)
    con.execute(f"CREATE OR REPLACE TABLE kept_values AS SELECT DISTINCT value FROM ({_kept(policy, stages)}) "
                f"WHERE strlen(value) >= {sweep.shortest}", {"blanks": WHITE_SPACE})
    con.execute(f"CREATE OR REPLACE TABLE scratch.kept AS {found.hashes('kept_values')}", found.bound())
    con.execute("CREATE OR REPLACE TABLE scratch.wanted AS SELECT DISTINCT e.kind, e.hash, e.mark, e.lead, e.beside "
                "FROM made.erased AS e ANTI JOIN scratch.kept USING (hash)")
    _mark(con, "scratch.wanted")
    return found


def _mark(con: Connection, relation: str) -> None:
    """Write down the marks of what a candidate may be, and of the words that may lead to it."""
    con.execute("CREATE OR REPLACE TABLE scratch.marks AS "
                f"SELECT DISTINCT unnest([mark, lead]) AS mark FROM {relation}")


# What belongs to a company is no person's, unless it is due.
_KEPT_PARTS = """
    CREATE OR REPLACE TABLE scratch.kept_parts AS
    WITH kept AS (
        SELECT entity, record_id, part FROM scratch.decided WHERE decision IN ('retain', 'hold')
        UNION ALL
        SELECT 'customers', c.customer_id, p.part FROM staged.customers AS c
        CROSS JOIN (SELECT DISTINCT part FROM scratch.decided WHERE entity = 'customers') AS p
        WHERE c.customer_type = 'business' AND NOT EXISTS (
            SELECT 1 FROM retention.due AS d
            WHERE d.entity = 'customers' AND d.record_id = c.customer_id AND d.part = p.part)
    )
    SELECT entity, record_id, list(part) AS parts FROM kept GROUP BY ALL
"""


def _kept(policy: Policy, stages: Mapping[Part, Stage]) -> str:
    """SELECT of the values that are kept by today's decisions, and of those that are no person's at all."""
    decided = dict.fromkeys(entity for entity, _ in stages)
    selects = []
    for name, table in policy.sources.tables.items():
        columns = [column for column, spec in table.columns.items() if spec.type in ("text", "email")]
        if name not in decided:
            values, rest = [f"r.{quote(column)}::VARCHAR" for column in columns], "WHERE $blanks IS NOT NULL"
        elif table.bulk:
            values = [f"r.{quote(column)}::VARCHAR" for column in columns if column in policy.actions[name]]
            rest = (f"WHERE NOT EXISTS (SELECT 1 FROM retention.due AS d WHERE d.entity = '{name}' "
                    f"AND d.record_id = {bare(f'r.{quote(table.key[0])}::VARCHAR')})")
        else:
            parts = _parts(stages, name)
            values = [f"CASE WHEN list_has_any(k.parts, [{parts[column]}]) THEN r.{quote(column)}::VARCHAR END"
                      for column in columns if column in parts]
            rest = (f"JOIN scratch.kept_parts AS k ON k.entity = '{name}' "
                    f"AND k.record_id = {bare(f'r.{quote(table.key[0])}::VARCHAR')}")
        if values:
            selects.append(f"SELECT unnest([{', '.join(values)}]) AS value FROM raw.{quote(name)} AS r {rest}")
    return " UNION ALL ".join(selects)
