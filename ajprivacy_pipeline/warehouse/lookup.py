"""Looking a few rows up in a warehouse, by ids or by e-mail address, as text.

Belongs here: SELECTs of rows of the contract on an open source, outside any batch. Does not belong here: whose rows
they are (`rights`), whole tables (`extract`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from ajprivacy_pipeline import policy
from ajprivacy_pipeline.storage.zones import WHITE_SPACE
from ajprivacy_pipeline.warehouse.address import driver_errors
from ajprivacy_pipeline.warehouse.facts import fact_rows, shown
from ajprivacy_pipeline.warehouse.forms import email_key, like_pattern
from ajprivacy_pipeline.warehouse.mapping import resolve
from ajprivacy_pipeline.warehouse.mapping_file import Mapping as MappingFile
from ajprivacy_pipeline.warehouse.resolved import ResolvedSource, ResolvedTable
from ajprivacy_pipeline.warehouse.source import Source, open_source
from ajprivacy_pipeline.warehouse.texts import text_of
from ajprivacy_pipeline.warehouse.zoned import unmarked, with_zone

Row = dict[str, str | None]  # column -> the value as the warehouse shows it; blanks alone are None
_CHUNK = 500
_AT_ONCE = 5_000  # rows that are fetched of a column that is read whole
_PATTERNS = 20  # of addresses in one statement
_TEXT = {"sqlite": "TEXT", "postgresql": "text"}
_LIKE = {"sqlite": "{} LIKE", "postgresql": '{} COLLATE "C" ILIKE'}  # without regard to the case of ASCII letters


class Lookup:
    """A warehouse in which rows are looked up by name of the contract."""

    def __init__(self, source: Source, resolved: ResolvedSource, mapping: MappingFile,
                 sources: policy.Sources) -> None:
        """Keep them; nothing is read."""
        self.source = source
        self.copies = mapping.copies
        self._read: dict[tuple[str, str, frozenset[str]], list[Row]] = {}
        self._tables = resolved.tables
        self._empty = {(name, column): set(spec.empty) for name, entry in mapping.tables.items()
                       for column, spec in entry.columns.items() if spec.empty}
        self._zones = {(name, column): zone for name, table in sources.tables.items()
                       for column, spec in table.columns.items() if spec.type in ("timestamp", "date")
                       and not spec.birth and (zone := mapping.zone_of(name, column)) is not None}
        self._marked = {(name, column) for name, table in sources.tables.items() for column in table.columns
                        if any(mapping.zones_of_arms(name, column))}
        self._zone_of = mapping.zone_of

    def has(self, name: str, column: str) -> bool:
        """Whether something feeds a column."""
        table = self._tables[name]
        return table is not None and table.columns[column] is not None

    def by_ids(self, name: str, by: Mapping[str, Sequence[str]]) -> list[Row]:
        """Returns the rows of a table in which one of some ids stands, each once."""
        table = self._tables[name]
        wanted = {column: list(ids) for column, ids in by.items() if ids and self.has(name, column)}
        if table is None or not wanted:
            return []
        types = {column: "VARCHAR" for column, feed in table.columns.items() if feed is not None}
        with driver_errors(self.source.address, f"table {name}"):
            found = fact_rows(self.source.connection, table, types, wanted, lock=False, trimmed=True)
        return [self._whole(name, table, dict(zip(types, row, strict=True))) for row in found]

    def each(self, name: str, column: str) -> Iterator[str]:
        """Every value of a column, row by row without blanks around it; rows without one are left out."""
        table = self._tables[name]
        feed = table.columns[column] if table is not None else None
        if table is None or feed is None:
            return
        text = f"SELECT {shown(feed, 'VARCHAR', self.source.dialect)} FROM {table.relation}".replace(":", "\\:")
        with driver_errors(self.source.address, f"table {name}"), self.source.connection.execute(
                sa.text(text), execution_options={"yield_per": _AT_ONCE}) as rows:
            yield from (told for row in rows if (told := (text_of(row[0]) or "").strip(WHITE_SPACE)))

    def by_emails(self, name: str, column: str, keys: Sequence[str]) -> list[Row]:
        """Returns the rows whose column holds an address of some e-mail keys, however it is spelt; read once.

        No index serves every spelling, so the column is read whole: a row that nobody finds is worse.
        """
        table = self._tables[name]
        if table is None or not keys or not self.has(name, column):
            return []
        place = (name, column, frozenset(keys))
        if place not in self._read:
            feed = table.columns[column]
            fed = {one: found for one, found in table.columns.items() if found is not None}
            listed = ", ".join(shown(found, "VARCHAR", self.source.dialect) for found in fed.values())
            rows: dict[tuple[str | None, ...], None] = {}
            for found in self._with_addresses(f"SELECT {listed} FROM {table.relation}", feed.sql if feed else "", keys,
                                              f"table {name}"):
                rows |= dict.fromkeys(tuple(map(text_of, row)) for row in found)
            whole = [self._whole(name, table, dict(zip(fed, row, strict=True))) for row in rows]
            self._read[place] = [row for row in whole if email_key(row[column] or "") in keys]
        return list(self._read[place])

    def of_copy(self, path: Sequence[str], column: str, texts: Sequence[str], where: str | None, *,
                email: bool) -> list[Row]:
        """Returns whole rows of a table beside the contract, found by keys of a record or by e-mail keys."""
        quote = self.source.quote
        select, extra = f"SELECT * FROM {quote(*path)}", f"({where})" if where else "1 = 1"
        place = f"table {'.'.join(path)}"
        if email:
            found = [_blank_free(dict(row)) for result in self._with_addresses(
                select, quote(column), texts, place, extra) for row in result.mappings()]
            return [row for row in found if any(email_key(text or "") in texts for name, text in row.items()
                                                if name.casefold() == column.casefold())]
        rows, wanted = list[Row](), {*texts}
        select = select.replace("*", f"*, {self._as_text(quote(column))} AS _found_by_", 1)
        for start in range(0, len(texts), _CHUNK):
            statement = sa.text(f"{select} WHERE trim({self._as_text(quote(column))}) IN _k_ AND {extra}".replace(
                ":", "\\:").replace("_k_", ":keys")).bindparams(
                sa.bindparam("keys", list(texts[start:start + _CHUNK]), expanding=True))
            with driver_errors(self.source.address, place):
                found = [dict(row) for row in self.source.connection.execute(statement).mappings()]
            # A collation finds k1 by K1, which is somebody else's.
            rows += [_blank_free(row) for row in found if (row.pop("_found_by_") or "").strip(WHITE_SPACE) in wanted]
        return rows

    def _with_addresses(self, select: str, held: str, keys: Sequence[str], place: str,
                        extra: str = "1 = 1") -> Iterator[sa.CursorResult[Any]]:
        """Rows whose text may be a spelling of some e-mail keys."""
        like = _LIKE.get(self.source.dialect, "lower({}) LIKE").format(self._as_text(held))
        listed = sorted(keys)
        for start in range(0, len(listed), _PATTERNS):
            some = {f"_p{at}_": like_pattern(key) for at, key in enumerate(listed[start:start + _PATTERNS])}
            text = f"{select} WHERE ({' OR '.join(f'{like} {name}' for name in some)}) AND {extra}".replace(":", "\\:")
            for name in some:
                text = text.replace(name, f":{name}")
            with driver_errors(self.source.address, place):
                yield self.source.connection.execute(sa.text(text), some)

    def _as_text(self, held: str) -> str:
        return f"CAST({held} AS {_TEXT.get(self.source.dialect, 'CHAR')})"

    def _whole(self, name: str, table: ResolvedTable, row: Mapping[str, object]) -> Row:
        """A row with every column of the contract; what the mapping calls empty is None, a time has its zone."""
        found = _blank_free({column: row.get(column) for column in table.columns})
        found = {column: unmarked(text) if text and (name, column) in self._marked else text
                 for column, text in found.items()}
        found = {column: with_zone(text, self._zones[name, column]) if text and (name, column) in self._zones else text
                 for column, text in found.items()}
        return {column: None if (text or "").strip() in self._empty.get((name, column), ()) else text
                for column, text in found.items()}


@contextmanager
def lookup(url: str, mapping: MappingFile, sources: policy.Sources) -> Iterator[Lookup]:
    """Open a warehouse to look rows up.

    Raises:
        SourceError: it cannot be reached or read.
        MappingError: mapping and warehouse do not fit.
    """
    with open_source(url) as source:
        yield Lookup(source, resolve(source, mapping, sources), mapping, sources)


def _blank_free(row: Mapping[str, object]) -> Row:
    texts = {name: text_of(value) for name, value in row.items()}
    return {name: text if text is not None and text.strip() else None for name, text in texts.items()}
