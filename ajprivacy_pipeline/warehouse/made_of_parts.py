"""An entry whose facts stand in rows, kinds or several tables, as the plain query that it means.

Belongs here: which parts of an entry become which query. Does not belong here: their SQL (`composed`), their shapes
(`mapping_parts`).
"""

import json

from ajprivacy_pipeline.policy import SourceTable
from ajprivacy_pipeline.warehouse.composed import Composer
from ajprivacy_pipeline.warehouse.mapping_file import ColumnEntry, Mapping, TableEntry
from ajprivacy_pipeline.warehouse.mapping_parts import Arm, Feed


def plain_entry(composer: Composer, entry: TableEntry, contract: SourceTable, mapping: Mapping) -> TableEntry:
    """Returns an entry that says the same with a query, or the entry itself where it has no such parts.

    Where rows come from several tables, the columns of the query are named as those of the contract; else they are
    those of the table, and `<name>.<column>` of what stands beside it. It is empty where no table of it is there.
    """
    each = {name: values for name, values in mapping.for_each.items() if f"{{{name}}}" in entry.model_dump_json()}
    if not (each or entry.union or entry.guests or entry.pivot or entry.address):
        return entry
    if not (each or entry.union or entry.guests):
        query = composer.beside(entry.table or "", entry.pivot, entry.address)
        columns = {name: ColumnEntry(sql="NULL") if _is_unknown(composer, column) else column
                   for name, column in entry.columns.items()}
        return entry.model_copy(update={"query": query, "table": None, "columns": columns})
    arms = [(f".union.{number}", arm) for number, arm in enumerate(entry.union)]
    for name, values in each.items():
        for value, prefix in values.items():
            text = entry.model_dump_json(by_alias=True, exclude_unset=True).replace(
                f"{{{name}}}", json.dumps(value)[1:-1])
            arms += _arms(composer, TableEntry.model_validate_json(text), prefix, contract)
    if entry.guests is not None and not (arms or each):
        arms += _arms(composer, entry, None, contract)
    if entry.guests is not None:
        with composer.at(".guests"):
            arms += [(".guests", arm) for arm in [composer.guests(entry.guests, contract)] if arm is not None]
    absent = {name: column for name, column in entry.columns.items() if column.absent is not None}
    return entry.model_copy(update={"query": composer.union(arms, contract, every_id=bool(each)), "table": None,
                                    "columns": absent})


def _arms(composer: Composer, entry: TableEntry, prefix: str | None, contract: SourceTable) -> list[tuple[str, Arm]]:
    """One table, with what stands beside it, as an arm; none where that table is not there."""
    columns = {name: _feed(column, is_id=contract.columns[name].type == "id")
               for name, column in entry.columns.items() if column.absent is None}
    if not (entry.pivot or entry.address):
        return [("", Arm(table=entry.table, query=entry.query, prefix=prefix, columns=columns))]
    query = composer.beside(entry.table or "", entry.pivot, entry.address)
    columns = {name: feed for name, feed in columns.items() if not _is_unknown(composer, feed)}
    return [("", Arm(query=query, prefix=prefix, columns=columns))] if query else []


def _is_unknown(composer: Composer, feed: ColumnEntry | Feed) -> bool:
    """Whether a column is one of an address of which not even the columns are known."""
    return (feed.column or "").partition(".")[0] in composer.unknown


def _feed(entry: ColumnEntry, *, is_id: bool) -> Feed:
    """A column as that of an arm; zones, and what is empty, are settled when all rows are there, but for ids."""
    later = {"source_timezone", *(() if is_id else ("empty",))}
    given = {name: value for name, value in entry.model_dump(exclude_unset=True).items()
             if name in Feed.model_fields.keys() - later}
    if "constant" in given and not isinstance(given["constant"], bool | int):
        given["constant"] = str(given["constant"])
    return Feed.model_validate(given)
