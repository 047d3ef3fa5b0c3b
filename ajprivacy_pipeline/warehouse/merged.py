"""Customers that a shop has merged into another: the survivor has what was theirs, and the merged row nothing.

Belongs here: `merged_into` of the mapping as SQL beside what feeds a table. Does not belong here: how columns are found
(`mapping`), other parts (`composed`).
"""

from dataclasses import replace

from ajprivacy_pipeline.warehouse.composed import Composer
from ajprivacy_pipeline.warehouse.mapping_file import ColumnEntry, Mapping, TableEntry
from ajprivacy_pipeline.warehouse.resolved import ResolvedColumn

Columns = dict[str, ResolvedColumn | None]
STEPS = 4  # how often the survivor of a merger may have been merged in turn; what leads further is not merged


def with_survivors(composer: Composer, mapping: Mapping, name: str, relation: str,
                   columns: Columns) -> tuple[str, Columns]:
    """Returns what feeds a table of the contract, with survivors in the place of whom was merged into them.

    Args:
        composer: gathers what is not there.
        mapping: says `merged_into` of customers, or nothing is changed.
        name: of the table.
        relation: what stands behind FROM, of one table or as `(query) AS mapped`.
        columns: what feeds its columns.
    """
    entry = mapping.tables.get("customers", TableEntry())
    whose = columns.get("customer_id")
    if entry.merged_into is None or whose is None:
        return relation, columns
    shown, own = relation if relation.endswith(") AS mapped") else f"{relation} AS mapped", composer.text(whose.sql)
    joined = (f"(\nSELECT mapped.*, merged_.survivor_ FROM {shown} LEFT JOIN ({_survivors(composer, entry)}) "
              f"AS merged_ ON merged_.merged_id_ = {own}\n) AS mapped")
    if name == "customers":
        return joined, {**columns, **_closed(columns)}
    return joined, {**columns, "customer_id": replace(whose, sql=f"coalesce(survivor_, {own})", source_column=None,
                                                      leads=whose.sql if whose.source_column else None)}


def _closed(columns: Columns) -> Columns:
    """What a merged row has of its own: no log-in, and a profile that was closed when the row was last changed.

    Where the mapping feeds no updated_at, the day counts on which it was made: it is closed in any case.
    """
    login, closed = columns.get("last_login_at"), columns.get("profile_closed_at")
    days = [fed for one in ("updated_at", "profile_created_at") if (fed := columns.get(one)) is not None]
    found: Columns = {}
    if login is not None:
        found["last_login_at"] = replace(login, sql=f"(CASE WHEN survivor_ IS NULL THEN {login.sql} END)",
                                         source_column=None)
    if days:
        last = days[0].sql if len(days) == 1 else f"coalesce({', '.join(day.sql for day in days)})"
        otherwise = closed.sql if closed is not None else "NULL"
        found["profile_closed_at"] = replace(
            days[0], sql=f"(CASE WHEN survivor_ IS NULL THEN {otherwise} ELSE {last} END)", source_column=None)
    return found


def not_merged(composer: Composer, entry: TableEntry) -> str:
    """Returns a query of how many rows name a survivor and are not merged, since none is found."""
    rows = _merged_rows(composer, entry)[1]
    return (f"SELECT count(*) FROM ({rows}) AS r LEFT JOIN ({_survivors(composer, entry)}) AS s "
            "ON s.merged_id_ = r.merged_id_ WHERE s.merged_id_ IS NULL")


def _merged_rows(composer: Composer, entry: TableEntry) -> tuple[str, str]:
    """Every id as the contract has it, and a query of those that were merged and into whom, both so."""
    path, known = composer.table(entry.table or "customers")
    key = entry.columns.get("customer_id", ColumnEntry(column="customer_id"))
    columns = key.column or "customer_id", entry.merged_into or ""
    ids = [composer.text(composer.expression(composer.held(one, known, "id"), key, known)) for one in columns]
    texts = [composer.text(composer.held(one, known, "id")) for one in columns]
    return f"SELECT {ids[0]} AS there_ FROM {path}", (
        f"SELECT {ids[0]} AS merged_id_, {ids[1]} AS into_ FROM {path} "
        f"WHERE coalesce({texts[1]}, '') NOT IN ('', '0') AND {texts[1]} <> {texts[0]}")


def _survivors(composer: Composer, entry: TableEntry) -> str:
    """A query of the ids that were merged, as the contract has them, and of whom they are now.

    Who leads to nobody that is there and was not merged in turn (round in a circle, to a row that is gone) was not
    merged: the row stands for itself.
    """
    ids, rows = _merged_rows(composer, entry)
    steps = " ".join(f"LEFT JOIN ({rows}) AS m{at} ON m{at}.merged_id_ = m{at - 1}.into_"
                     for at in range(2, STEPS + 1))
    last = ", ".join(f"m{at}.into_" for at in range(STEPS, 0, -1))
    return (f"SELECT l.merged_id_, l.survivor_ FROM (SELECT m1.merged_id_, coalesce({last}) AS survivor_ "
            f"FROM ({rows}) AS m1 {steps}) AS l JOIN ({ids}) AS t "
            f"ON t.there_ = l.survivor_ LEFT JOIN ({rows}) AS m ON m.merged_id_ = l.survivor_ "
            "WHERE m.merged_id_ IS NULL")
