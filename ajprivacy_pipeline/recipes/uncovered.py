"""Columns that look as if they held e-mail addresses, and that a mapping neither reads nor erases.

Belongs here: names of columns. Does not belong here: values: what stands in them is looked for by `ajprivacy sweep`.
"""

import re
from collections.abc import Iterator

from ajprivacy_pipeline.policy import Sources
from ajprivacy_pipeline.warehouse.mapping import Mapping, ResolvedSource, resolve
from ajprivacy_pipeline.warehouse.names import normal
from ajprivacy_pipeline.warehouse.shared_cells import made_of
from ajprivacy_pipeline.warehouse.source import Source

_TEXT = ("text", "json", "binary", "other")
_ADDRESS = re.compile(r"e_?mail(?!ing|box|server)|(?:^|_)mail(?:$|_?addr)|e_?post(?:$|adr|_)|smtp_addr",
                      re.IGNORECASE)


def looks_like_addresses(column: str) -> bool:
    """Whether a column's name says that it holds e-mail addresses: `billing_email`, `E-Mail 2`, `epost`."""
    return bool(_ADDRESS.search(re.sub(r"[ .-]+", "_", column))) or normal(column) in ("email", "epost")


def uncovered(source: Source, mapping: Mapping, sources: Sources) -> list[str]:
    """Returns such columns of the connected database, as `table.column`, in order.

    Raises:
        MappingError: the mapping does not fit the database.
    """
    covered = {(table.casefold(), column.casefold()) for table, column in (
        *_read(resolve(source, mapping, sources)), *_copied(mapping))}
    return [f"{table}.{column}" for table, columns in source.tables().items() for column, type_ in columns.items()
            if type_.kind in _TEXT and looks_like_addresses(column)
            and not {(table.casefold(), column.casefold()), (table.casefold(), "*")} & covered]


def _read(resolved: ResolvedSource) -> Iterator[tuple[str, str]]:
    for table in resolved.tables.values():
        for made in made_of(table).values():
            yield from ((cell.table[-1], cell.column) for cell in made.cells)


def _copied(mapping: Mapping) -> Iterator[tuple[str, str]]:
    yield from ((known.table.rpartition(".")[2], known.column) for known in mapping.known_copies)
    for copy in mapping.copies:
        yield from ((copy.path[-1], column) for column in (("*",) if copy.delete else copy.erase))

