"""Times that the source writes without a zone, in another one than the policy's, as local time.

Belongs here: values of schema `raw` whose zone the mapping names (`source_timezone`), and one text of a row that is
shown. Does not belong here: times with a zone, which say it themselves; forms of texts (`forms`, `settle`).
"""

import re
from collections.abc import Collection, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.forms import has_time, read_moment

_BATCH = 50_000
_DONE = "local time"  # the comment of a column of raw whose times have been moved, so that it happens once
_NAKED = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"  # a time without a zone


def to_local(con: zones.Connection, table: str, column: str, source: str, home: str,
             no_dates: Collection[date]) -> None:
    """Move the times of a column of `raw` that have no zone from the source's to the policy's, once.

    Days without a time stay, and so do days that mean "no date", which would else become another day.

    Args:
        con: the zone, whose connection knows the macros.
        table: of the contract.
        column: of it, TIMESTAMP or VARCHAR in the common forms; of any other type nothing happens.
        source: the zone in which the source writes.
        home: the policy's zone.
        no_dates: the days that mean "no date".
    """
    if source == home:
        return
    found = con.execute("SELECT data_type, comment FROM duckdb_columns() WHERE database_name = current_database() "
                        "AND schema_name = 'raw' AND table_name = $table AND column_name = $column",
                        {"table": table, "column": column}).fetchall()
    kind, comment = found[0]
    if comment == _DONE or kind not in ("TIMESTAMP", "VARCHAR"):
        return
    x, relation = zones.quote(column), f"raw.{zones.quote(table)}"
    naked = "true" if kind == "TIMESTAMP" else f"regexp_full_match({x}, '{_NAKED}')"
    con.execute(f"UPDATE {relation} SET {x} = timezone($home, timezone($source, TRY_CAST({x} AS TIMESTAMP))) "
                f"WHERE {x} IS NOT NULL AND {naked} AND TRY_CAST({x} AS TIMESTAMP) IS NOT NULL "
                f"AND isfinite(TRY_CAST({x} AS TIMESTAMP)) AND NOT list_contains($days, TRY_CAST({x} AS DATE))",
                {"home": home, "source": source, "days": list(no_dates)})
    con.execute(f"COMMENT ON COLUMN {relation}.{x} IS '{_DONE}'")


def mark_of(zone: str) -> str:
    """Returns what stands behind the times of an arm of a union, whose rows alone are in its zone."""
    return f" [{zone}]"


def unmarked(text: str) -> str:
    """Returns a text with the zone of its arm, where it is a time that names none, and without the mark."""
    found = re.fullmatch(r"(?s)(.*) \[([^\[\]]+)\]", text)
    return with_zone(found[1], found[2]) if found is not None else text


def settle_marks(con: zones.Connection, table: str, column: str, marked: Collection[str],
                 no_dates: Collection[date]) -> None:
    """Give the times of a column of `raw` that arms of a union have marked their zone, once.

    Args:
        con: the zone, whose connection knows the macros.
        table: of the contract.
        column: of it, VARCHAR.
        marked: the zones of its arms.
        no_dates: the days that mean "no date".
    """
    x, relation = zones.quote(column), f"raw.{zones.quote(table)}"
    for zone in marked:
        behind, text = zones.literal(mark_of(zone)), f"left({x}, -{len(mark_of(zone))})"
        odd = con.execute(f"SELECT DISTINCT {x} FROM {relation} WHERE suffix({x}, {behind}) "
                          f"AND NOT regexp_full_match({text}, '{_NAKED}')").fetchall()
        replace_texts(con, relation, x, [(one, unmarked(one)) for (one,) in odd])
        moment = f"TRY_CAST({text} AS TIMESTAMP)"
        con.execute(f"UPDATE {relation} SET {x} = CASE WHEN {moment} IS NULL OR NOT isfinite({moment}) "
                    f"OR list_contains($days, CAST({moment} AS DATE)) THEN {text} "
                    f"ELSE CAST(timezone($zone, {moment}) AS VARCHAR) END WHERE suffix({x}, {behind})",
                    {"zone": zone, "days": list(no_dates)})


def replace_texts(con: zones.Connection, relation: str, x: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Write the second text of each pair where the first one stands."""
    for start in range(0, len(pairs), _BATCH):
        some = pairs[start:start + _BATCH]
        con.execute(f"UPDATE {relation} AS r SET {x} = p.plain "
                    f"FROM (SELECT unnest($odd) AS odd, unnest($plain) AS plain) AS p WHERE r.{x} = p.odd",
                    {"odd": [odd for odd, _ in some], "plain": [plain for _, plain in some]})


def with_zone(text: str, source: str) -> str:
    """Returns a text as it stands in the source, with its zone where it is a time that names none."""
    found = read_moment(text)
    if found is None or found[1].tzinfo is not None or not has_time(text):
        return text
    return found[1].replace(tzinfo=ZoneInfo(source)).isoformat(" ")
