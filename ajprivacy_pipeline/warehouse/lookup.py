"""Looking a few rows up in a warehouse, by ids or by e-mail address, as text.

Belongs here: SELECTs of rows of the contract on an open source, outside any batch. Does not belong here: whose rows
they are (`rights`), whole tables (`extract`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from ajprivacy_pipeline import policy
from ajprivacy_pipeline.warehouse.address import driver_errors
from ajprivacy_pipeline.warehouse.copied import condition, text_of
from ajprivacy_pipeline.warehouse.facts import facts, shown
from ajprivacy_pipeline.warehouse.forms import email_key
from ajprivacy_pipeline.warehouse.mapping import ResolvedSource, ResolvedTable, resolve
from ajprivacy_pipeline.warehouse.mapping_file import Mapping as MappingFile
from ajprivacy_pipeline.warehouse.source import Source, open_source

Row = dict[str, str | None]  # column -> the value as the warehouse shows it; blanks alone are None
_CHUNK = 500
_TEXT = {"sqlite": "TEXT", "postgresql": "text"}


class Lookup:
    """A warehouse in which rows are looked up by name of the contract."""

    def __init__(self, source: Source, resolved: ResolvedSource) -> None:
        """Keep both; nothing is read."""
        self.source = source
        self._tables = resolved.tables

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
            found = facts(self.source.connection, table, types, wanted, lock=False).to_pylist()
        return [_whole(table, row) for row in found]

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
        found = [_whole(table, dict(zip(fed, row, strict=True))) for row in rows]
        return [row for row in found if email_key(row[column] or "") in keys]

    def of_copy(self, path: Sequence[str], column: str, texts: Sequence[str], where: str | None, *,
                email: bool) -> list[Row]:
        """Returns whole rows of a table beside the contract, found by keys of a record or by e-mail keys."""
        quote, dialect = self.source.quote, self.source.dialect
        held = f"CAST({quote(column)} AS {_TEXT.get(dialect, 'CHAR')})"
        folded = f"lower(trim({held})) IN :keys OR {held} IN :keys" if email else f"trim({held}) IN :keys"
        extra = f" AND {condition(where)}" if where else ""
        rows: list[Row] = []
        for start in range(0, len(texts), _CHUNK):
            statement = sa.text(f"SELECT * FROM {quote(*path)} WHERE ({folded}){extra}").bindparams(
                sa.bindparam("keys", list(texts[start:start + _CHUNK]), expanding=True))
            with driver_errors(self.source.address, f"table {'.'.join(path)}"):
                rows += [_blank_free(dict(row)) for row in self.source.connection.execute(statement).mappings()]
        return [row for row in rows if not email or email_key(row[column] or "") in texts]


@contextmanager
def lookup(url: str, mapping: MappingFile, sources: policy.Sources) -> Iterator[Lookup]:
    """Open a warehouse to look rows up.

    Raises:
        SourceError: it cannot be reached or read.
        MappingError: mapping and warehouse do not fit.
    """
    with open_source(url) as source:
        yield Lookup(source, resolve(source, mapping, sources))


def _whole(table: ResolvedTable, row: Mapping[str, object]) -> Row:
    """A row with every column of the contract."""
    return _blank_free({column: row.get(column) for column in table.columns})


def _blank_free(row: Mapping[str, object]) -> Row:
    texts = {name: text_of(value) for name, value in row.items()}
    return {name: text if text is not None and text.strip() else None for name, text in texts.items()}
