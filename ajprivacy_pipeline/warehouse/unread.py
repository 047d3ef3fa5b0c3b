"""Columns of the warehouse that look as if people stood in them, and that nothing of the mapping reads or declares.

Belongs here: telling by names and by what the mapping reads. Does not belong here: words (`names`), values (a sweep
looks at those, `enforcement.sweep`).
"""

import re
from collections.abc import Iterator

from ajprivacy_pipeline.warehouse.findings import Finding, note
from ajprivacy_pipeline.warehouse.mapping_file import Mapping
from ajprivacy_pipeline.warehouse.marker import MARKER
from ajprivacy_pipeline.warehouse.names import personal
from ajprivacy_pipeline.warehouse.resolved import ResolvedSource
from ajprivacy_pipeline.warehouse.shared_cells import made_of
from ajprivacy_pipeline.warehouse.source import Source

_KINDS = ("text", "json", "array", "other", "unknown", "binary", "date")


def unread(source: Source, mapping: Mapping, resolved: ResolvedSource) -> Iterator[Finding]:
    """Yields a finding for each table of the connected database in which such columns stand."""
    own = source.connection.dialect.default_schema_name or ""
    read = {(*_path(own, cell.table), cell.column.casefold()) for table in resolved.tables.values()
            for made in made_of(table).values() for cell in made.cells}
    words = _words(resolved)
    whole = {_path(own, copy.path) for copy in mapping.copies if copy.delete}
    declared = {(*_path(own, copy.path), name.casefold()) for copy in mapping.copies
                for name in (*copy.erase, copy.by.column)}
    declared |= {(*_path(own, tuple(copy.table.split("."))), copy.column.casefold()) for copy in mapping.known_copies}
    views = source.views()
    for shown, columns in source.connected().items():
        path = _path(own, source.path_of(shown))
        found = [name for name in personal(name for name, kind in columns.items() if kind.kind in _KINDS)
                 if (*path, name.casefold()) not in read | declared and name.casefold() not in words]
        if found and path not in whole and shown not in views and shown != MARKER:
            yield note("dangerous", shown, None, f"{shown}: {', '.join(found)}: look personal, and nothing reads "
                          "them, so they are kept for ever; map them, or declare them as [[copies]], or as "
                          "[[known_copies]] with a reason")


def _words(resolved: ResolvedSource) -> set[str]:
    """What is not understood may read whatever its text names."""
    unclear = [table for table in resolved.tables.values() if table is not None and table.reads is None]
    texts = [table.relation for table in unclear if table.source_table is None]
    texts += [column.sql for table in unclear for column in table.columns.values()
              if column is not None and (column.is_made or table.source_table is None)]
    return set(re.findall(r"\w+", " ".join(texts).casefold()))


def _path(own: str, path: tuple[str, ...]) -> tuple[str, str]:
    """A table of the connection's own schema with or without it is one."""
    schema, name = (own, *path)[-2:]
    return schema.casefold(), name.casefold()
