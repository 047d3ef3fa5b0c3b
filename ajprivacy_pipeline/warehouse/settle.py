"""What is settled about raw values before staging: less common forms, what the mapping calls empty, keys of addresses.

Belongs here: rewriting values of schema `raw` to what they say, so that models read one form. Does not belong here:
what a single text means (forms), judging values (quality). Everything here may be run again and changes nothing then.

    raw.email_keys    email, email_key: the key of each address that is not plain ASCII text with one @
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from ajprivacy_pipeline.policy import DecisionPolicy, Retention, SourceColumn, Sources
from ajprivacy_pipeline.policy.retention import Action
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.settings import sql_folder
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import macros
from ajprivacy_pipeline.warehouse.beside import EMAIL_KEY_COLUMNS
from ajprivacy_pipeline.warehouse.forms import ZERO_DATE, email_key, has_time, is_zero_date, read_moment
from ajprivacy_pipeline.warehouse.mapping_file import ColumnEntry, Mapping
from ajprivacy_pipeline.warehouse.zoned import replace_texts, settle_marks, to_local

_BATCH = 50_000


def settle_values(con: zones.Connection, policy: DecisionPolicy, mapping: Mapping,
                  not_null: dict[str, tuple[str, ...]] | None = None) -> dict[str, tuple[str, ...]]:
    """Rewrite the values of schema `raw` in place; a value that means nothing stays as it is, and becomes a fault.

    Args:
        con: the zone.
        policy: whose neutral values mean nothing, where they stand in a column that takes no NULL.
        mapping: what else means nothing.
        not_null: by table, the columns in which the source takes no NULL.

    Returns:
        By table, the columns of evidence that had values until the mapping called every one of them empty. They are
        not mapped, and `raw.extraction` says so from now on.

    Raises:
        ZoneError: the zone cannot be written.
    """
    know_macros(con, policy)
    return settle_whole(con, policy.sources, settle_rows(con, policy, mapping, not_null))


def know_macros(con: zones.Connection, policy: DecisionPolicy) -> None:
    """Give a connection what every other function here calls in its SQL."""
    with zones.engine_errors("schema raw"):
        con.execute(macros(sql_folder(), vocabulary_of(policy)))


def settle_whole(con: zones.Connection, sources: Sources,
                 touched: Collection[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Do what `settle_values` does to a schema `raw` whose rows are settled; `touched` as `settle_rows` returns it."""
    with zones.engine_errors("schema raw"):
        _write_email_keys(con, sources)
        return _record_emptied(con, sources, touched)


def settle_rows(con: zones.Connection, policy: DecisionPolicy, mapping: Mapping,
                not_null: dict[str, tuple[str, ...]] | None = None) -> list[tuple[str, str]]:
    """Do what `settle_values` does to the rows alone, for rows that are compared with settled ones.

    Arguments as there; the connection knows the macros. Returns the columns in which the mapping called a value empty.
    """
    sources, retention = policy.sources, policy.retention
    with zones.engine_errors("schema raw"):
        texts = {(table, column) for table, column, kind in con.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE schema_name = 'raw' AND database_name = current_database()").fetchall() if kind == "VARCHAR"}
        for name, columns in (not_null or {}).items():
            for column in columns:
                if (action := policy.actions.get(name, {}).get(column)) is not None:
                    _empty_neutrals(con, name, column, sources.tables[name].key[0], action)
        zone = ZoneInfo(retention.time_zone)
        for name, table in sources.tables.items():
            written: dict[str, tuple[Collection[date], ZoneInfo]] = {}
            for column, spec in table.columns.items():
                if spec.type not in ("timestamp", "date"):
                    continue
                days = {*_empty_days(mapping, name, column), *(() if spec.birth else retention.sentinel_dates)}
                source = (None if spec.birth else mapping.zone_of(name, column)) or retention.time_zone
                if (name, column) in texts:
                    settle_marks(con, name, column, set(filter(None, mapping.zones_of_arms(name, column))), days)
                to_local(con, name, column, source, retention.time_zone, days)
                if (name, column) in texts:
                    written[column] = days, ZoneInfo(source)
            for column in _with_odd_moments(con, name, list(written)):
                _read_moments(con, name, column, zone, *written[column])
        touched = [(name, column) for name, entry in mapping.tables.items()
                   for column, column_entry in entry.columns.items()
                   if _empty(con, name, column, sources.tables[name].columns[column], column_entry,
                             _empty_days(mapping, name, column))]
        return touched + _empty_before_beginnings(con, sources, retention, mapping)


def _record_emptied(con: zones.Connection, sources: Sources,
                    touched: Collection[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Note the columns of evidence in which the mapping has left nothing, which prove as little as one not fed."""
    emptied: dict[str, tuple[str, ...]] = {}
    for name, column in touched:
        if not sources.tables[name].columns[column].evidence or column in emptied.get(name, ()):
            continue
        left = f"SELECT count(*) FROM raw.{zones.quote(name)} WHERE is_given({zones.quote(column)})"
        if con.execute(left).fetchall()[0][0] == 0:
            emptied[name] = (*emptied.get(name, ()), column)
            con.execute("UPDATE raw.extraction SET evidence_missing = list_append(evidence_missing, $column) "
                        "WHERE table_name = $table", {"column": column, "table": name})
    return emptied


def _empty_neutrals(con: zones.Connection, table: str, column: str, key: str, action: Action) -> None:
    """Make NULL what carrying out leaves in a column that takes no NULL; elsewhere it is a value like any other."""
    if action.action not in ("erase", "generalise"):
        return
    x = zones.quote(column)
    for neutral in dict.fromkeys((action.neutral or "", action.unique_neutral, *action.former)):
        before, keyed, after = neutral.partition("{key}")
        con.execute(f"UPDATE raw.{zones.quote(table)} SET {x} = NULL WHERE text_of({x}) = "
                    + (f"$before || text_of({zones.quote(key)}) || $after" if keyed else "$before || $after"),
                    {"before": before, "after": after})


def _empty_days(mapping: Mapping, table: str, column: str) -> list[date]:
    """The days that the mapping calls empty for a column."""
    entry = mapping.tables[table].columns.get(column) if table in mapping.tables else None
    return [found[0] for text in (entry.empty if entry else ()) if (found := read_moment(text)) is not None]


def _with_odd_moments(con: zones.Connection, table: str, columns: Sequence[str]) -> list[str]:
    """Returns the columns that hold a moment of a less common form; all are looked at in one pass."""
    if not columns:
        return []
    listed = ", ".join(f"coalesce(bool_or(NOT is_common_moment({x})), false)" for x in map(zones.quote, columns))
    found = con.execute(f"SELECT {listed} FROM raw.{zones.quote(table)}").fetchall()[0]
    return [column for column, is_odd in zip(columns, found, strict=True) if is_odd]


def _read_moments(con: zones.Connection, table: str, column: str, zone: ZoneInfo, as_written: Collection[date],
                  source: ZoneInfo) -> None:
    """Write moments of the less common forms as local time; a day that means no date as that day alone."""
    x, relation = zones.quote(column), f"raw.{zones.quote(table)}"
    odd = [text for (text,) in con.execute(
        f"SELECT DISTINCT {x} FROM {relation} WHERE {x} IS NOT NULL AND NOT is_common_moment({x})").fetchall()]
    plain: list[tuple[str, str]] = []
    for text in odd:
        if (found := read_moment(text)) is None:
            continue
        day, moment = found
        if moment.tzinfo is None and source != zone and has_time(text):
            moment = moment.replace(tzinfo=source)
        try:
            local = moment if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)
        except (OverflowError, ValueError):  # beyond the years that there are: told by the day as it is written
            plain.append((text, day.isoformat()))
            continue
        plain.append((text, day.isoformat() if day in as_written else local.isoformat(" ")))
    replace_texts(con, relation, x, plain)


def _empty(con: zones.Connection, table: str, column: str, spec: SourceColumn, entry: ColumnEntry,
           days: list[date]) -> int:
    """Make NULL what the mapping calls empty: such a text, or for dates such a day, local or as it is written.

    Returns the number of values that were.
    """
    if not entry.empty:
        return 0
    x = zones.quote(column)
    condition, values = f"list_contains($texts, text_of({x}))", {"texts": list[object](entry.empty)}
    if spec.type in ("timestamp", "date"):
        condition += f" OR is_on_one_of({x}, $days)"
        values["days"] = list[object](days)
        if any(map(is_zero_date, entry.empty)):
            condition += f" OR regexp_full_match(text_of({x}), '{ZERO_DATE}')"
    changed = con.execute(f"UPDATE raw.{zones.quote(table)} SET {x} = NULL WHERE {condition}", values).fetchall()
    return int(changed[0][0])


def _empty_before_beginnings(con: zones.Connection, sources: Sources, retention: Retention,
                             mapping: Mapping) -> list[tuple[str, str]]:
    """Make NULL the ends that the mapping says a source leaves behind when it begins anew; returns where any were."""
    touched = []
    for name, entry in mapping.tables.items():
        for column, column_entry in entry.columns.items():
            if not column_entry.empty_before_beginning:
                continue
            x, beginning = zones.quote(column), str(sources.tables[name].columns[column].not_before)
            joined, where = "", f"r.{zones.quote(beginning)}"
            if "." in beginning:
                other, _, there = beginning.partition(".")
                key = zones.quote(sources.tables[other].key[0])
                joined = f", raw.{zones.quote(other)} AS b"
                where = f"b.{zones.quote(there)}"
            days = dict(zip(("first_day", "last_day"), _years(retention.plausible_years), strict=True))
            changed = con.execute(
                f"UPDATE raw.{zones.quote(name)} AS r SET {x} = NULL {'FROM ' + joined[2:] if joined else ''} WHERE "
                f"local_on(r.{x}, $first_day, $last_day) < local_on({where}, $first_day, $last_day) "
                f"- CAST($days AS INTEGER)"
                + (f" AND text_of(b.{key}) = text_of(r.{key})" if joined else ""),
                {**days, "days": retention.end_before_beginning_days}).fetchall()[0][0]
            touched += [(name, column)] if changed else []
    return touched


def _years(years: tuple[int, int]) -> tuple[date, date]:
    return date(years[0], 1, 1), date(years[1], 12, 31)


def _write_email_keys(con: zones.Connection, sources: Sources) -> None:
    """Keep the key of every address that the macro `email_key` cannot tell by itself."""
    columns = [(name, column) for name, table in sources.tables.items()
               for column, spec in table.columns.items() if spec.type == "email"]
    odd = " UNION ".join(
        f"SELECT DISTINCT text_of({zones.quote(column)}) AS email FROM raw.{zones.quote(name)} "
        f"WHERE text_of({zones.quote(column)}) IS NOT NULL AND NOT is_plain_email(text_of({zones.quote(column)}))"
        for name, column in columns)
    con.execute(f"CREATE OR REPLACE TABLE raw.email_keys ({EMAIL_KEY_COLUMNS})")
    for emails in _batches([email for (email,) in con.execute(odd).fetchall()]):
        con.execute("INSERT INTO raw.email_keys SELECT unnest($emails), unnest($keys)",
                    {"emails": emails, "keys": [email_key(email) for email in emails]})


def _batches(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), _BATCH):
        yield values[start:start + _BATCH]
