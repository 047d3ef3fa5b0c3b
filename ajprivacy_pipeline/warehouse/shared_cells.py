"""Cells of the source that more than one column of the contract shows.

Belongs here: who shows what stands in whose row. Does not belong here: what a query is made of (`reads`), what waits
for what when it is carried out (`enforcement.targets`).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

from ajprivacy_pipeline.policy import Sources
from ajprivacy_pipeline.warehouse.findings import Finding, note
from ajprivacy_pipeline.warehouse.heirs import Heirs, same_table, share_rows
from ajprivacy_pipeline.warehouse.mapping_file import TableEntry
from ajprivacy_pipeline.warehouse.resolved import Cell, Made, ResolvedTable
from ajprivacy_pipeline.warehouse.rows import apart, is_only
from ajprivacy_pipeline.warehouse.source import Source

Place = tuple[tuple[str, ...], str]  # a table of the source, and a column of it
MASTERS = ("customers", "contacts")


def of_master(table: ResolvedTable | None, entry: TableEntry | None,
              masters: Sequence[tuple[ResolvedTable | None, str]], heirs: Heirs = ()) -> tuple[str, ...]:
    """Returns the columns of a table that show what stands with a customer or contact, and are no copy of their own.

    That is what the mapping says (`lives_in`), what stands in the very row of a customer or contact, and a column that
    both show as it stands: the row of an address, say, that a document and its customer point to. Which of the rows it
    is cannot be told from a query, so it may be the same one. Where a query sums up (the newest address of a guest's
    orders), it is not.

    Args:
        table: the one that may show it.
        entry: of the mapping, for the table.
        masters: the tables of customers and contacts, each with the column that has its key.
        heirs: tables of the source whose rows are another one's, too.
    """
    if table is None:
        return ()
    says = {name: column.lives_in for name, column in (entry.columns if entry else {}).items() if column.lives_in}
    known, linked = _places_of(masters)
    found = {name for name, one in made_of(table).items() for cell in one.cells
             if any(cell.column == column and (cell.table == path or share_rows(heirs, cell.table, path))
                    for path, column in (known | linked if one.plain else known))}
    return tuple(name for name, fed in table.columns.items()
                 if fed is not None and (says[name] in MASTERS if name in says else name in found))


def _places_of(masters: Sequence[tuple[ResolvedTable | None, str]]) -> tuple[set[Place], set[Place]]:
    """What stands in the row of a customer or contact itself; and what they show as it stands, in whatever row."""
    known, linked = set[Place](), set[Place]()
    for master, key in masters:
        made = made_of(master)
        of_key = made[key].cells if key in made else frozenset[Cell]()
        rows = {(cell.table, cell.mention) for cell in of_key}
        for cells, is_plain in ((one.cells - of_key, one.plain) for name, one in made.items() if name != key):
            known |= {(cell.table, cell.column) for cell in cells if (cell.table, cell.mention) in rows}
            linked |= {(cell.table, cell.column) for cell in cells if is_plain}
    return known, linked


def remarks(tables: Mapping[str, ResolvedTable | None], borrowed: Sequence[str],
            sources: Sources) -> Iterator[Finding]:
    """Yields what is worth knowing about `of_master` of invoices, and about columns that two tables show."""
    for column in borrowed:
        yield note("dangerous", "invoices", column, f"invoices.{column}: fed from what stands with a customer or "
                   "contact, counts as lacking: bookkeeping keeps the customer's own")
    together: dict[tuple[str, str, tuple[str, ...]], list[tuple[str, str, Cell]]] = {}
    for one, other, cell in shown_twice(tables, sources):
        together.setdefault((one.partition(".")[0], other.partition(".")[0], cell.table), []).append((one, other, cell))
    for (name, beside, path), found in together.items():
        one, other, cell = found[0]
        shown = f"{one} and {other} show one column, {'.'.join((*path, cell.column))}"
        if len(found) > 1:
            columns = dict.fromkeys(cell.column for *_, cell in found)
            shown = f"{name} and {beside} show columns of {'.'.join(path)} both ({', '.join(columns)})"
        yield note("dangerous", name, one.partition(".")[2] if len(found) == 1 else None,
                   f"{shown}: what is due first waits for the other")


def shown_twice(tables: Mapping[str, ResolvedTable | None], sources: Sources) -> list[tuple[str, str, Cell]]:
    """Returns the columns about people of two tables that show one source column, with that column.

    Whoever is due first waits for the other, when it is carried out. Two that read rows of other words in a column
    beside it (addresses of delivery and of billing) show no cell together, nor do customers and contacts of one table,
    each of whom shows rows of its own key alone: nobody is both.
    """
    shown: dict[Place, dict[str, list[tuple[str, Cell]]]] = {}
    own = {name: _own_rows(tables.get(name), sources.tables[name].key[0]) for name in MASTERS}
    for name, table in tables.items():
        for column, made in made_of(table).items():
            if sources.tables[name].columns[column].class_ in (*sources.identifying_classes, "quasi_identifier"):
                for cell in sorted(made.values or made.cells, key=lambda cell: cell.mention):
                    shown.setdefault((cell.table, cell.column), {}).setdefault(name, []).append((column, cell))
    found = []
    for of_place in shown.values():
        for (one, its), (other, theirs) in combinations(of_place.items(), 2):
            found += [(f"{one}.{first}", f"{other}.{second}", cell) for (first, cell), (second, beside)
                      in product(its, theirs) if not apart(cell.only, beside.only)
                      and not ({one, other} == {*MASTERS} and _one_key(own[one], cell, own[other], beside))][:1]
    return found


def shared_rows(source: Source, tables: Mapping[str, ResolvedTable | None], sources: Sources) -> Iterator[Finding]:
    """Yields a fault where a table of the contract would show one row twice, a remark where two show one row."""
    own = source.connection.dialect.default_schema_name or ""
    found = {name: {(own, *path)[-2:] for path in _paths(table)} for name, table in tables.items() if table is not None}
    for heir, above in sorted(source.heirs()):
        told = f"every row of {'.'.join(heir)} is one of {'.'.join(above)}, too"
        below = [name for name, paths in found.items() if heir in paths]
        over = [name for name, paths in found.items() if above in paths]
        for name in below:
            if name in over and _counts_twice(tables[name], sources.tables[name].key, heir, above):
                yield Finding("fault", name, None, f"{name}: {told}, so that it would count as two; name "
                              f"{'.'.join(above)} alone, or read the other rows of it with FROM ONLY")
            for other in over:
                if other != name:
                    yield note("dangerous", name, None, f"{name} and {other}: {told}; what is due first waits for the "
                               "other, or is not carried out by us")


def _paths(table: ResolvedTable) -> set[tuple[str, ...]]:
    """The tables that one of the contract reads."""
    cells = {cell for made in made_of(table).values() for cell in made.cells | made.beside}
    rows = table.reads.rows if table.reads is not None else frozenset()
    return {cell.table for cell in cells | rows} | ({table.source_table} if table.source_table else set())


def _counts_twice(table: ResolvedTable | None, key: Sequence[str], heir: tuple[str, ...],
                  above: tuple[str, ...]) -> bool:
    """Whether ids are read of both, and of all rows of the one above."""
    made = made_of(table).get(key[0])
    cells = made.cells if made is not None else frozenset()
    return any(same_table(cell.table, heir) for cell in cells) and any(
        same_table(cell.table, above) and not is_only(cell.only) for cell in cells)


def _own_rows(table: ResolvedTable | None, key: str) -> tuple[Place | None, frozenset[int]]:
    """Where the key of a table stands, and the mentions of which only the rows are read that have a record's own."""
    made = made_of(table).get(key)
    if table is None or made is None or not made.plain or len(made.cells) != 1:
        return None, frozenset()
    cell = next(iter(made.cells))
    spots = table.reads.found_by(key) if table.reads is not None else frozenset({(cell.mention, cell.column)})
    return (cell.table, cell.column), frozenset(mention for mention, _ in spots)


def _one_key(own: tuple[Place | None, frozenset[int]], cell: Cell, other: tuple[Place | None, frozenset[int]],
             beside: Cell) -> bool:
    return own[0] is not None and own[0] == other[0] and cell.mention in own[1] and beside.mention in other[1]


def cells_of(table: ResolvedTable | None) -> dict[str, frozenset[Cell]]:
    """Returns the cells of the source that each column is made of, as far as that is understood."""
    return {name: made.cells for name, made in made_of(table).items()}


def made_of(table: ResolvedTable | None) -> dict[str, Made]:
    """Returns what each column is made of, as far as that is understood."""
    if table is None:
        return {}
    if table.reads is not None:
        return dict(table.reads.columns)
    return {name: Made(frozenset({Cell(table.source_table, column.source_column, 0)}), plain=True)
            for name, column in table.columns.items()
            if column is not None and table.source_table and column.source_column}
