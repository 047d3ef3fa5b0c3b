"""Looking a few rows up in a warehouse, by ids or by e-mail address, as text.

Belongs here: SELECTs of rows of the contract on an open source, outside any batch. Does not belong here: whose rows
they are (`rights`), whole tables (`extract`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from ajprivacy_pipeline import policy
from ajprivacy_pipeline.warehouse.address import driver_errors
from ajprivacy_pipeline.warehouse.copied import text_of
from ajprivacy_pipeline.warehouse.facts import fact_rows, shown
from ajprivacy_pipeline.warehouse.forms import email_key
from ajprivacy_pipeline.warehouse.mapping import ResolvedSource, ResolvedTable, resolve
from ajprivacy_pipeline.warehouse.mapping_file import Mapping as MappingFile
from ajprivacy_pipeline.warehouse.source import Source, open_source

Row = dict[str, str | None]  # column -> the value as the warehouse shows it; blanks alone are None
_CHUNK = 500
_TEXT = {"sqlite": "TEXT", "postgresql": "text"}


class Lookup:
    """A warehouse in which rows are looked up by name of the contract."""

    def __init__(self, source: Source, resolved: ResolvedSource, mapping: MappingFile) -> None:
        """Keep them; nothing is read."""
        self.source = source
        self.copies = mapping.copies
        self._tables = resolved.tables
        self._empty = {(name, column): set(spec.empty) for name, entry in mapping.tables.items()
                       for column, spec in entry.columns.items() if spec.empty}

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
            found = fact_rows(self.source.connection, table, types, wanted, lock=False)
        return [self._whole(name, table, dict(zip(types, row, strict=True))) for row in found]

    def by_emails(self, name: str, column: str, keys: Sequence[str], spellings: Sequence[str] = ()) -> list[Row]:
        """Returns the rows whose column holds one of some e-mail keys, in any case, or as a spelling given."""
        table = self._tables[name]
        if table is None or not keys or not self.has(name, column):
            return []
        dialect = self.source.dialect
        feed = table.columns[column]
        held = f"CAST({feed.sql if feed else ''} AS {_TEXT.get(dialect, 'CHAR')})"
        fed = {one: found for one, found in table.columns.items() if found is not None}
        listed = ", ".join(shown(found, "VARCHAR", dialect) for found in fed.values())
        rows: dict[tuple[str | None, ...], None] = {}
        texts = sorted({*keys, *spellings})
        for start in range(0, len(texts), _CHUNK):
            statement = sa.text(
                f"SELECT {listed} FROM {table.relation} WHERE lower(trim({held})) IN _k_ OR {held} IN _k_"
                .replace(":", "\\:").replace("_k_", ":keys")).bindparams(
                sa.bindparam("keys", texts[start:start + _CHUNK], expanding=True))
            with driver_errors(self.source.address, f"table {name}"):
                rows |= dict.fromkeys(tuple(map(text_of, row)) for row in self.source.connection.execute(statement))
        found = [self._whole(name, table, dict(zip(fed, row, strict=True))) for row in rows]
        return [row for row in found if email_key(row[column] or "") in keys]

    def of_copy(self, path: Sequence[str], column: str, texts: Sequence[str], where: str | None, *,
                email: bool) -> list[Row]:
        """Returns whole rows of a table beside the contract, found by keys of a record or spellings of addresses."""
        quote, dialect = self.source.quote, self.source.dialect
        held = f"CAST({quote(column)} AS {_TEXT.get(dialect, 'CHAR')})"
        folded = f"lower(trim({held})) IN :keys OR {held} IN :keys" if email else f"trim({held}) IN :keys"
        extra = f" AND ({where})".replace(":", "\\:") if where else ""
        rows: list[Row] = []
        for start in range(0, len(texts), _CHUNK):
            statement = sa.text(f"SELECT * FROM {quote(*path)} WHERE ({folded}){extra}").bindparams(
                sa.bindparam("keys", list(texts[start:start + _CHUNK]), expanding=True))
            with driver_errors(self.source.address, f"table {'.'.join(path)}"):
                rows += [_blank_free(dict(row)) for row in self.source.connection.execute(statement).mappings()]
        keys = {email_key(text) for text in texts} if email else set()
        return [row for row in rows if not email or any(
            email_key(text or "") in keys for name, text in row.items() if name.casefold() == column.casefold())]

    def _whole(self, name: str, table: ResolvedTable, row: Mapping[str, object]) -> Row:
        """A row with every column of the contract; what the mapping calls empty is None."""
        found = _blank_free({column: row.get(column) for column in table.columns})
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
        yield Lookup(source, resolve(source, mapping, sources), mapping)


def _blank_free(row: Mapping[str, object]) -> Row:
    texts = {name: text_of(value) for name, value in row.items()}
    return {name: text if text is not None and text.strip() else None for name, text in texts.items()}
