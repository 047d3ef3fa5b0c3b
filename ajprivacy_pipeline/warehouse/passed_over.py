"""What a mapping passes over, unnoticed: marks of profiles that lead nowhere, and rows that a query leaves out.

Belongs here: counting them in the source. Does not belong here: what a mark means (`merged`, `mapping_file`), what is
read (`run.rows_look`).
"""

from collections.abc import Iterator
from collections.abc import Mapping as Rows

from ajprivacy_pipeline.warehouse.address import driver_errors
from ajprivacy_pipeline.warehouse.composed import Composer
from ajprivacy_pipeline.warehouse.findings import Finding, note
from ajprivacy_pipeline.warehouse.mapping_file import Mapping, TableEntry
from ajprivacy_pipeline.warehouse.merged import STEPS, not_merged
from ajprivacy_pipeline.warehouse.resolved import ResolvedSource
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
                   f"not found (a row that is not there, a circle, a chain of more than {STEPS}) and "
                   "stand for themselves")
    for name, entry in mapping.tables.items():
        gone = entry.soft_delete
        if gone is None or entry.table is None or any(f"{{{each}}}" in entry.table for each in mapping.for_each):
            continue
        if undated := _count(source, composer.undated(entry.table, gone)):
            yield note("dangerous", name, None, f"{name}.soft_delete: {undated:,} row(s) are marked as gone and have "
                       f"nothing in {gone.at}: their profiles are not closed; name a column that says when")


def left_out(source: Source, resolved: ResolvedSource, read: Rows[str, int]) -> Iterator[Finding]:
    """Yields how many rows a query does not show of the table whose rows it shows: who stands in them stays for ever.

    Of several that show rows of one table (orders, and the invoices of some of them), the one that shows most of them.

    Args:
        source: the open warehouse.
        resolved: what feeds the contract.
        read: rows by table of the contract.

    Raises:
        SourceError: the warehouse cannot be read.
    """
    most: dict[tuple[str, ...], str] = {}
    for name, table in resolved.tables.items():
        if table is None or table.written_table is None or table.arms or name not in read:
            continue
        if read[name] > read.get(most.get(table.written_table, ""), -1):
            most[table.written_table] = name
    for path, name in most.items():
        table = resolved.tables[name]
        if table is None or table.source_table is not None:
            continue
        there = _count(source, f"SELECT count(*) FROM {source.quote(*path)}")
        if there > read[name]:
            yield note("missing", name, None, f"{name}: {there - read[name]:,} of {there:,} rows of {'.'.join(path)} "
                       "are left out by the query: nothing is decided of them, and who stands in them stays there")


def _count(source: Source, query: str) -> int:
    with driver_errors(source.address):
        return int(source.connection.exec_driver_sql(query, execution_options={"no_parameters": True}).scalar() or 0)
