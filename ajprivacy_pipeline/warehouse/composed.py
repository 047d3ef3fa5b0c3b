"""The SQL that parts of a mapping entry become, in the source's dialect: pivots, addresses, unions, guests, codes.

Belongs here: writing queries and expressions. Does not belong here: shapes and faults of the file (`mapping_parts`),
whether the source takes the SQL and what it reads (`mapping`, `reads`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ajprivacy_pipeline.policy import ColumnType as Canonical
from ajprivacy_pipeline.policy import SourceTable
from ajprivacy_pipeline.warehouse.mapping_parts import Address, Arm, Feed, Guests, Pivot, SoftDelete
from ajprivacy_pipeline.warehouse.mapping_parts import Source as Recoded
from ajprivacy_pipeline.warehouse.readable import readable_sql
from ajprivacy_pipeline.warehouse.sessions import MYSQL, SQLITE_HASH
from ajprivacy_pipeline.warehouse.source import UNKNOWN, ColumnType, Source, find

_SUBJECTS = ("customer_id", "contact_id")  # each of their tables may have a row of nobody, under one id
_TEXT = {"sqlite": "TEXT", "postgresql": "text"}
# What texts of such columns are.
_WORDS = {"boolean": ("true|false", 'the words "true" and "false"'), "integer": (r"-?\d+", "whole numbers")}
_HASH = {"sqlite": f"{SQLITE_HASH}({{0}})",
         "postgresql": "encode(sha256(convert_to({0}, 'UTF8')), 'hex')", "mysql": "sha2({0}, 256)",
         "mariadb": "sha2({0}, 256)"}


class Composer:
    """Writes SQL for one source, with tables and columns as the source spells them.

    `faults` gathers a sentence for each table and column that is not there, and for what the dialect has no way to say;
    what was written then is of no use.
    """

    def __init__(self, source: Source, nobody: Sequence[str] = ()) -> None:
        """Write for an open warehouse; `nobody` are the ids that stand for whoever is gone, which get no prefix."""
        self.source, self.nobody = source, tuple(nobody)
        self.faults: list[str] = []

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
        """Returns a query of a table's own columns, and of those of rows beside it as `<name>.<column>`."""
        path, known = self.table(table)
        shown, joins = ["t.*"], []
        for name, pivot in pivots.items():
            shown += [f"{self.source.quote(name, column)} AS {self.source.quote(f'{name}.{column}')}"
                      for column in pivot.wanted]
            joins.append(f"LEFT JOIN ({self._pivot(pivot)}) AS {self.source.quote(name)} "
                         f"ON {self.source.quote(name)}.entity_ = {self.column(pivot.of, known, 't')}")
        for name, address in addresses.items():
            columns = self.table(address.table)[1]
            shown += [f"{self.source.quote(name, column)} AS {self.source.quote(f'{name}.{column}')}"
                      for column in columns]
            joins.append(f"LEFT JOIN ({self._address(address)}) AS {self.source.quote(name)} ON "
                         f"{self.column(address.by, columns, name)} = {self.column(address.of, known, 't')}")
        return f"SELECT {', '.join(shown)} FROM {path} AS t {' '.join(joins)}"

    def union(self, arms: Sequence[Arm], contract: SourceTable, *, every_id: bool = False) -> str:
        """Returns a query of what several arms show, by columns of the contract, all as text.

        With `every_id` an arm's prefix comes before each id in it, else before the key alone.
        """
        fed = [name for name in contract.columns if any(name in arm.columns for arm in arms)]
        return "\nUNION ALL\n".join(self._arm(arm, contract, fed, every_id=every_id) for arm in arms)

    def guests(self, guests: Guests) -> Arm:
        """Returns the arm of a union that shows guests as customers, by the contract's columns."""
        path, known = self.table(guests.table)
        email = self.column(guests.email, known)
        listed = [f"{self.guest_id(email, guests.prefix)} AS customer_id", f"max({email}) AS email"]
        for name, feed in guests.columns.items():
            if name not in ("customer_id", "email", "customer_type"):
                listed.append(f"max({self._fed(feed, known)}) AS {self.source.quote(name)}")
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
            self.faults.append(f"guests need a hash of their e-mail address, and {self.source.dialect} has none; feed "
                               "them from a query")
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
        self.faults.append(f"the warehouse has no table {name}")
        return "", {}

    def column(self, name: str, known: Mapping[str, ColumnType], alias: str = "") -> str:
        """Returns a column quoted, as the source spells it."""
        if (found := find(name, known)) is None and not known:
            return "NULL"  # of a table that is a fault already
        if found is None:
            self.faults.append(f"there is no column {name}; there are {', '.join(known)}")
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

    def _pivot(self, pivot: Pivot) -> str:
        """One row an entity, with a column a key; the source leaves every other key out."""
        path, known = self.table(pivot.table)
        rows = f"(SELECT * FROM {path} WHERE {pivot.where})" if pivot.where else path
        entity, key, value = (self.column(name, known, "p") for name in (pivot.entity, pivot.key, pivot.value))
        named, joined = key, ""
        if pivot.keys is not None:
            keys, columns = self.table(pivot.keys.table)
            keys = f"(SELECT * FROM {keys} WHERE {pivot.keys.where})" if pivot.keys.where else keys
            named = self.column(pivot.keys.name, columns, "k")
            joined = f" JOIN {keys} AS k ON {self.column(pivot.keys.id, columns, 'k')} = {key}"
        shown = ", ".join(f"max(CASE WHEN {named} = {self._said(wanted)} THEN {value} END) AS {self.source.quote(name)}"
                          for name, wanted in pivot.wanted.items())
        return (f"SELECT {entity} AS entity_, {shown} FROM {rows} AS p{joined} "
                f"WHERE {named} IN ({self._listed(tuple(pivot.wanted.values()))}) GROUP BY {entity}")

    def _address(self, address: Address) -> str:
        """The rows of one kind; the newest of them where the mapping says by what."""
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
        return f"SELECT a.* FROM {rows} AS a{where}"

    def _arm(self, arm: Arm, contract: SourceTable, fed: Sequence[str], *, every_id: bool) -> str:
        if arm.table is not None:
            relation, known = self.table(arm.table)
            for column in arm.ends:
                self.column(column, known)
        else:
            relation = f"(\n{(arm.query or '').strip().rstrip(';')}\n) AS arm"
            probed = self.source.probe(f"SELECT * FROM {relation} WHERE 1 = 0")
            if probed is None and not self.faults:
                self.faults.append("the warehouse refuses a query of it; try it there by hand")
            known = probed or {}
        shown = []
        for name in fed:
            spec, feed = contract.columns[name], arm.columns.get(name)
            made = self._fed(feed, known, spec.type) if feed is not None else "NULL"
            ours = name == contract.key[0] or (every_id and spec.type == "id")
            if arm.prefix is not None and feed is not None and ours:
                made = self.identified(arm.prefix, self._empty_before(made, feed))
            shown.append(f"{self.text(made)} AS {self.source.quote(name)}")
        conditions = [f"({arm.where})"] if arm.where else []
        if arm.prefix is not None and contract.key[0] in _SUBJECTS and self.nobody:
            own = self.text(self._fed(arm.columns[contract.key[0]], known, "id"))
            conditions.append(f"CASE WHEN {own} IN ({self._listed(self.nobody)}) THEN 0 ELSE 1 END = 1")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {', '.join(shown)} FROM {relation}{where}"

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
            self.faults.append(f"{name} is a column of {fits[1]}, which is never {', '.join(map(repr, never))}")

    def _empty_before(self, made: str, feed: Feed) -> str:
        """What means nobody has no prefix."""
        if not feed.empty:
            return made
        return f"CASE WHEN {self.text(made)} IN ({self._listed(feed.empty)}) THEN NULL ELSE {self.text(made)} END"

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
