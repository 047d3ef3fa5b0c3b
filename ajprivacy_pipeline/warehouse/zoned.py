"""Times that the source writes without a zone, in another one than the policy's, as local time.

Belongs here: values of schema `raw` whose zone the mapping names (`source_timezone`), and one text of a row that is
shown. Does not belong here: times with a zone, which say it themselves; forms of texts (`forms`, `settle`).
"""

from collections.abc import Collection
from datetime import date
from zoneinfo import ZoneInfo

from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.forms import has_time, read_moment

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


def with_zone(text: str, source: str) -> str:
    """Returns a text as it stands in the source, with its zone where it is a time that names none."""
    found = read_moment(text)
    if found is None or found[1].tzinfo is not None or not has_time(text):
        return text
    return found[1].replace(tzinfo=ZoneInfo(source)).isoformat(" ")
