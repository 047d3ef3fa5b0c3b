"""The SQL that parts of a mapping entry become, in the source's dialect: pivots, addresses, unions, guests, codes.

Belongs here: writing queries and expressions. Does not belong here: shapes and faults of the file (`mapping_parts`),
whether the source takes the SQL and what it reads (`mapping`, `reads`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ajprivacy_pipeline.policy import ColumnType as Canonical
from ajprivacy_pipeline.policy import SourceTable
from ajprivacy_pipeline.warehouse.forms import is_zero_date, read_moment
from ajprivacy_pipeline.warehouse.mapping_file import MOMENTS
from ajprivacy_pipeline.warehouse.mapping_parts import Address, Arm, Feed, Guests, Pivot, SoftDelete
from ajprivacy_pipeline.warehouse.mapping_parts import Source as Recoded
from ajprivacy_pipeline.warehouse.readable import readable_sql
from ajprivacy_pipeline.warehouse.sessions import MYSQL, SQLITE_HASH
from ajprivacy_pipeline.warehouse.source import UNKNOWN, ColumnType, Source, find
from ajprivacy_pipeline.warehouse.zoned import mark_of

_SUBJECTS = ("customer_id", "contact_id")  # each of their tables may have a row of nobody, under one id
_TEXT = {"sqlite": "TEXT", "postgresql": "text"}
# What texts of such columns are.
_WORDS = {"boolean": ("true|false", 'the words "true" and "false"'), "integer": (r"-?\d+", "whole numbers")}
_HASH = {"sqlite": f"{SQLITE_HASH}({{0}})",
         "postgresql": "encode(sha256(convert_to({0}, 'UTF8')), 'hex')", "mysql": "sha2({0}, 256)",
         "mariadb": "sha2({0}, 256)"}


class Composer:
    """Writes SQL for one source, with tables and columns as the source spells them.

    `faults` gathers a sentence for each table and column that is not there, and for what the source refuses or has no
    way to say, each behind its place in the entry. What is at fault shows nothing, so that the rest is looked at, too.
    """

    def __init__(self, source: Source, nobody: Sequence[str] = ()) -> None:
        """Write for an open warehouse; `nobody` are the ids that stand for whoever is gone, which get no prefix."""
        self.source, self.nobody = source, tuple(nobody)
        self.faults: list[str] = []
        self.unknown = set[str]()  # addresses of which not even the columns are known
        self._place = ""

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Let faults say in which part of the entry they are."""
        before, self._place = self._place, self._place + place
        yield
        self._place = before

    def fault(self, sentence: str) -> None:
        """Keep what is at fault, once for each place."""
        if (told := f"{self._place}: {sentence}") not in self.faults:
            self.faults.append(told)

    def expression(self, held: str, entry: Recoded, known: Mapping[str, ColumnType], alias: str = "") -> str:
        """Returns what a recoded column is selected as; `held` is the column itself, quoted."""
        made = held
        if entry.codes:
            self._never(entry.column or "", known, entry.codes)
            cases = " ".join(f"WHEN {self._said(code)} THEN {self._said(value)}" for code, value in entry.codes.items())
            made = f"CASE {self.text(held)} {cases} ELSE {self.text(held)} END"
        if entry.prefix is not None:
            made = self.identified(entry.prefix, made)
            if entry.empty:
                made = f"CASE WHEN {self.text(held)} IN ({self._listed(entry.empty)}) THEN NULL ELSE {made} END"
        if entry.guest is not None:
            made = f"coalesce({made}, {self.guest_id(self.column(entry.guest, known, alias), entry.guest_prefix)})"
        if entry.only_if:
            met = " AND ".join(self._is_one_of(name, known, values, alias) for name, values in entry.only_if.items())
            made = f"CASE WHEN {met} THEN {made} END"
        return made

    def beside(self, table: str, pivots: Mapping[str, Pivot], addresses: Mapping[str, Address]) -> str:
        """Returns a query of a table's own columns, and of those of rows beside it as `<name>.<column>`.

        Nothing where the table itself is not there.
        """
        path, known = self.table(table)
        shown, joins = ["t.*"], []
        parts: dict[str, Pivot | Address] = {**pivots, **addresses}
        for name, part in parts.items():
            before = len(self.faults)
            with self.at(f".{'pivot' if isinstance(part, Pivot) else 'address'}.{name}"):
                columns = list(part.wanted if isinstance(part, Pivot) else self.table(part.table)[1])
                rows, found = self._pivot(name, part) if isinstance(part, Pivot) else self._address(name, part)
                own = self.column(part.of, known, "t")
                join = f"LEFT JOIN ({rows}) AS {self.source.quote(name)} ON {found} = {own}"
                if path and len(self.faults) == before and not self._takes(f"SELECT 1 AS one FROM {path} AS t {join}"):
                    self.fault("the warehouse refuses it; try it there by hand")
            sound = len(self.faults) == before
            joins += [join] if sound else []
            shown += [f"{self.source.quote(name, column) if sound else 'NULL'} AS "
                      f"{self.source.quote(f'{name}.{column}')}" for column in columns]
            self.unknown |= {name} if not columns else set()
        return f"SELECT {', '.join(shown)} FROM {path} AS t {' '.join(joins)}" if path else ""

    def union(self, arms: Sequence[tuple[str, Arm]], contract: SourceTable, *, every_id: bool = False) -> str:
        """Returns a query of what several arms show, each behind its place, by columns of the contract, all as text.

        With `every_id` an arm's prefix comes before each id in it, else before the key alone. Nothing where no table of
        any arm is there.
        """
        fed = [name for name in contract.columns if any(name in arm.columns for _, arm in arms)]
        written = []
        for place, arm in arms:
            with self.at(place):
                written.append(self._arm(arm, contract, fed, every_id=every_id))
        return "\nUNION ALL\n".join(filter(None, written))

    def guests(self, guests: Guests, contract: SourceTable) -> Arm | None:
        """Returns the arm of a union that shows guests as customers, by the contract's columns.

        None where their table is not there.
        """
        path, known = self.table(guests.table)
        if not path:
            return None
        email = self.column(guests.email, known)
        listed = [f"{self.guest_id(email, guests.prefix)} AS customer_id", f"max({email}) AS email"]
        for name, feed in guests.columns.items():
            if name not in ("customer_id", "email", "customer_type"):
                with self.at(f".columns.{name}"):
                    type_ = contract.columns[name].type
                    made = self._empty_before(self._fed(feed, known, type_), feed, type_)
                    listed.append(f"max({made}) AS {self.source.quote(name)}")
        where = f" AND ({guests.where})" if guests.where else ""
        query = (f"SELECT {', '.join(listed)} FROM {path} WHERE trim({email}) <> ''{where} "
                 f"GROUP BY {self.guest_id(email, guests.prefix)}")
        names = ("customer_id", "email", *(name for name in guests.columns if name != "customer_type"))
        return Arm(query=query, columns={**{name: Feed(column=name) for name in dict.fromkeys(names)},
                                         "customer_type": Feed(constant=guests.customer_type)})

    def undated(self, table: str, gone: SoftDelete) -> str:
        """Returns a query of how many rows are marked as gone and do not say since when."""
        path, known = self.table(table)
        at = self.text(self.column(gone.at, known))
        return (f"SELECT count(*) FROM {path} WHERE {self._is_one_of(gone.column, known, gone.is_, '')} "
                f"AND coalesce({at}, '') = ''")

    def guest_id(self, email: str, prefix: str) -> str:
        """Returns an id made of an e-mail address without showing it; NULL without an address."""
        if self.source.dialect not in _HASH:
            self.fault(f"guests need a hash of their e-mail address, and {self.source.dialect} has none; feed them "
                       "from a query")
            return "NULL"
        hashed = _HASH[self.source.dialect].format(f"nullif(lower(trim({email})), '')")
        return self.joined(prefix, hashed)

    def table(self, name: str) -> tuple[str, dict[str, ColumnType]]:
        """Returns a table quoted, and its columns."""
        schema, _, bare = name.rpartition(".")
        for path in ((name,), *(((schema, bare),) if schema else ())):  # a schema is looked into where it has to be one
            tables = self.source.tables(schema if len(path) > 1 else None)
            if (found := find(path[-1], tables)) is not None:
                return self.source.quote(*path[:-1], found), tables[found]
        self.fault(self.source.lacks(name))
        return "", {}

    def column(self, name: str, known: Mapping[str, ColumnType], alias: str = "") -> str:
        """Returns a column quoted, as the source spells it."""
        if (found := find(name, known)) is None and not known:
            return "NULL"  # of a table that is a fault already
        if found is None:
            self.fault(f"there is no column {name}; there are {', '.join(known)}")
            return "NULL"
        return self.source.quote(alias, found) if alias else self.source.quote(found)

    def held(self, name: str, known: Mapping[str, ColumnType], canonical: Canonical, alias: str = "") -> str:
        """Returns a column as it can be read (`readable`)."""
        shown = readable_sql(self.column(name, known, alias), known.get(find(name, known) or "", UNKNOWN), canonical,
                             self.source.dialect)
        return shown[0]

    def text(self, sql: str) -> str:
        """Returns an expression as text."""
        return f"CAST({sql} AS {_TEXT.get(self.source.dialect, 'CHAR')})"

    def identified(self, prefix: str, sql: str) -> str:
        """Returns a prefix before an id; nobody's stays as it is."""
        if not self.nobody:
            return self.joined(prefix, sql)
        text = self.text(sql)
        return f"CASE WHEN {text} IN ({self._listed(self.nobody)}) THEN {text} ELSE {self.joined(prefix, sql)} END"

    def joined(self, prefix: str, sql: str) -> str:
        """Returns a prefix before an expression; NULL stays NULL."""
        if self.source.dialect in MYSQL:
            return f"concat({self._said(prefix)}, {sql})"
        return f"({self._said(prefix)} || {self.text(sql)})"

    def _takes(self, query: str) -> bool:
        """Whether the source takes a query."""
        return self.source.probe(f"SELECT * FROM (\n{query}\n) AS part WHERE 1 = 0") is not None

    def _behind(self, text: str, mark: str) -> str:
        """Returns a text with something behind it; NULL stays NULL."""
        said = self._said(mark)
        return f"concat({text}, {said})" if self.source.dialect in MYSQL else f"({text} || {said})"

    def _pivot(self, name: str, pivot: Pivot) -> tuple[str, str]:
        """One row an entity, with a column a key, and by what it is found; the source leaves every other key out."""
        path, known = self.table(pivot.table)
        rows = f"(SELECT * FROM {path} WHERE {pivot.where})" if pivot.where else path
        entity, key, value = (self.column(name, known, "p") for name in (pivot.entity, pivot.key, pivot.value))
        named, joined = key, ""
        if pivot.keys is not None:
            keys, columns = self.table(pivot.keys.table)
            keys = f"(SELECT * FROM {keys} WHERE {pivot.keys.where})" if pivot.keys.where else keys
            named = self.column(pivot.keys.name, columns, "k")
            joined = f" JOIN {keys} AS k ON {self.column(pivot.keys.id, columns, 'k')} = {key}"
        shown = ", ".join(f"max(CASE WHEN {named} = {self._said(wanted)} THEN {value} END) AS {self.source.quote(one)}"
                          for one, wanted in pivot.wanted.items())
        query = (f"SELECT {entity} AS entity_, {shown} FROM {rows} AS p{joined} "
                 f"WHERE {named} IN ({self._listed(tuple(pivot.wanted.values()))}) GROUP BY {entity}")
        return query, f"{self.source.quote(name)}.entity_"

    def _address(self, name: str, address: Address) -> tuple[str, str]:
        """The rows of one kind, the newest of them where the mapping says by what, and by what they are found."""
        path, known = self.table(address.table)

        def met(alias: str) -> Iterator[str]:
            if address.kind is not None:
                yield self._is_one_of(address.kind, known, address.is_, alias)

        rows = f"(SELECT * FROM {path} WHERE {address.where})" if address.where else path
        conditions = list(met("a"))
        if address.newest is not None:
            by, newest = (tuple(self.column(name, known, alias) for alias in ("a", "b"))
                          for name in (address.by, address.newest))
            later = " AND ".join((f"{by[1]} = {by[0]}", f"{newest[1]} > {newest[0]}", *met("b")))
            conditions.append(f"NOT EXISTS (SELECT 1 FROM {rows} AS b WHERE {later})")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT a.* FROM {rows} AS a{where}", self.column(address.by, known, name)

    def _arm(self, arm: Arm, contract: SourceTable, fed: Sequence[str], *, every_id: bool) -> str:
        """One arm; what of it is at fault shows nothing."""
        relation, known = self._arm_of(arm)
        shown = {}
        for name in fed if relation else ():
            with self.at(f".columns.{name}"):
                shown[name] = self._in_arm(arm, name, contract, known, every_id=every_id)
        conditions = {"where": f"({arm.where})"} if arm.where else {}
        if relation and arm.prefix is not None and contract.key[0] in _SUBJECTS and self.nobody:
            own = self.text(self._fed(arm.columns[contract.key[0]], known, "id"))
            conditions["own"] = f"CASE WHEN {own} IN ({self._listed(self.nobody)}) THEN 0 ELSE 1 END = 1"

        def written() -> str:
            listed = ", ".join(f"{sql} AS {self.source.quote(name)}" for name, sql in shown.items())
            where = f" WHERE {' AND '.join(conditions.values())}" if conditions else ""
            return f"SELECT {listed} FROM {relation}{where}"

        if not relation or self._takes(written()):
            return written() if relation else ""
        parts = {**{f"columns.{name}": f"SELECT {sql} AS shown FROM {relation}" for name, sql in shown.items()},
                 **{name: f"SELECT 1 AS shown FROM {relation} WHERE {sql}" for name, sql in conditions.items()}}
        for place in [place for place, sql in parts.items() if not self._takes(sql)]:
            with self.at(f".{place}"):
                self.fault("the warehouse refuses it; try it there by hand")
            conditions.pop(place, None)
            shown |= {place.removeprefix("columns."): self.text("NULL")} if place.startswith("columns.") else {}
        return written()

    def _arm_of(self, arm: Arm) -> tuple[str, dict[str, ColumnType]]:
        """What stands behind FROM, and its columns; nothing where it is not there."""
        if arm.table is not None:
            relation, known = self.table(arm.table)
            for column in arm.ends:
                with self.at(".ends"):
                    self.column(column, known)
            return relation, known
        relation = f"(\n{(arm.query or '').strip().rstrip(';')}\n) AS arm"
        probed = self.source.probe(f"SELECT * FROM {relation} WHERE 1 = 0")
        if probed is None:
            self.fault("the warehouse refuses its query; try it there by hand")
            return "", {}
        return relation, probed

    def _in_arm(self, arm: Arm, name: str, contract: SourceTable, known: Mapping[str, ColumnType], *,
                every_id: bool) -> str:
        """A column of the contract as an arm shows it, which is text."""
        spec, feed = contract.columns[name], arm.columns.get(name)
        made = self._fed(feed, known, spec.type) if feed is not None else "NULL"
        ours = name == contract.key[0] or (every_id and spec.type == "id")
        if feed is not None and arm.prefix is not None and ours:
            made = self.identified(arm.prefix, self._empty_before(made, feed))
        elif feed is not None and feed.prefix is None:
            made = self._empty_before(made, feed, spec.type)
        moves = feed is not None and spec.type in MOMENTS and not spec.birth  # nobody is born in a zone
        zone = (feed.source_timezone or arm.source_timezone) if feed is not None and moves else None
        has_time = feed is None or feed.column is None or known.get(
            find(feed.column, known) or "", UNKNOWN).kind != "date"
        return self._behind(self.text(made), mark_of(zone)) if zone is not None and has_time else self.text(made)

    def _is_one_of(self, name: str, known: Mapping[str, ColumnType], words: Sequence[str], alias: str) -> str:
        """Whether a column holds one of some words."""
        self._never(name, known, words)
        return f"{self.text(self.held(name, known, 'text', alias))} IN ({self._listed(words)})"

    def _never(self, name: str, known: Mapping[str, ColumnType], words: Iterable[str]) -> None:
        """A word that a column of this type cannot hold would never be met, and nobody would notice."""
        kind = known.get(find(name, known) or "", UNKNOWN).kind
        kind = "integer" if kind in ("bit", "boolean") and self.source.dialect in MYSQL else kind
        fits = None if self.source.dialect == "sqlite" else _WORDS.get(kind)  # SQLite's types bind nobody
        if fits and (never := [word for word in words if not re.fullmatch(fits[0], word)]):
            self.fault(f"{name} is a column of {fits[1]}, which is never {', '.join(map(repr, never))}")

    def _empty_before(self, made: str, feed: Feed, canonical: Canonical = "id") -> str:
        """What means nobody has no prefix, and what means no date is none."""
        if not feed.empty:
            return made
        text, listed, days = self.text(made), list(feed.empty), list[str]()
        if canonical in MOMENTS:
            days = [found[0].isoformat() for one in feed.empty if (found := read_moment(one)) is not None]
            zeros = any(map(is_zero_date, feed.empty))
            listed, days = listed + ["00000000"] * zeros, days + ["0000-00-00"] * zeros
        beginning = f" WHEN substring({text}, 1, 10) IN ({self._listed(days)}) THEN NULL" if days else ""
        return f"CASE WHEN {text} IN ({self._listed(listed)}) THEN NULL{beginning} ELSE {text} END"

    def _fed(self, feed: Feed, known: Mapping[str, ColumnType], canonical: Canonical = "text") -> str:
        if feed.column is not None:
            return self.expression(self.held(feed.column, known, canonical), feed, known)
        if feed.sql is not None:
            return f"({feed.sql})"
        given = feed.constant
        return self._said(str(given).lower() if isinstance(given, bool) else str(given))

    def _said(self, text: str) -> str:
        return self.source.text_literal(text)

    def _listed(self, texts: Sequence[str]) -> str:
        return ", ".join(map(self._said, texts))
