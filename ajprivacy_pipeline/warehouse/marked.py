"""Profiles that a shop only marks as gone or merged, and whose mark leads nowhere: they stay open, unnoticed.

Belongs here: counting them in the source. Does not belong here: what a mark means (`merged`, `mapping_file`).
"""

from collections.abc import Iterator

from ajprivacy_pipeline.warehouse.address import driver_errors
from ajprivacy_pipeline.warehouse.composed import Composer
from ajprivacy_pipeline.warehouse.findings import Finding, note
from ajprivacy_pipeline.warehouse.mapping_file import Mapping, TableEntry
from ajprivacy_pipeline.warehouse.merged import not_merged
from ajprivacy_pipeline.warehouse.source import Source


def marked_in_vain(source: Source, mapping: Mapping) -> Iterator[Finding]:
    """Yields what is marked as merged and has no survivor, and what is marked as gone and has no day.

    Raises:
        SourceError: the warehouse cannot be read.
    """
    composer = Composer(source, sorted(mapping.nobody))
    customers = mapping.tables.get("customers", TableEntry())
    if customers.merged_into is not None and (lost := _count(source, not_merged(composer, customers))):
        yield note("dangerous", "customers", None, f"customers.merged_into: {lost:,} row(s) name a survivor that is "
                   "not found (a row that is not there, a circle, a chain of more than four) and stand for themselves")
    for name, entry in mapping.tables.items():
        gone = entry.soft_delete
        if gone is None or entry.table is None or any(f"{{{each}}}" in entry.table for each in mapping.for_each):
            continue
        if undated := _count(source, composer.undated(entry.table, gone)):
            yield note("dangerous", name, None, f"{name}.soft_delete: {undated:,} row(s) are marked as gone and have "
                       f"nothing in {gone.at}: their profiles are not closed; name a column that says when")


def _count(source: Source, query: str) -> int:
    with driver_errors(source.address):
        return int(source.connection.exec_driver_sql(query, execution_options={"no_parameters": True}).scalar() or 0)
