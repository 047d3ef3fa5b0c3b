"""What rows look like, so that a misreading is seen before anything is decided: counts, hours and masked shapes.

Belongs here: looking at `raw` and `staged` of `mapping check --rows`. Does not belong here: values that cannot be read
(`retention.quality`), what the mapping alone tells (`warehouse.mapping`). No value leaves this module: letters are
shown as A and a, digits as 9.
"""

from collections.abc import Iterator

from ajprivacy_pipeline.policy import DecisionPolicy, SourceTable
from ajprivacy_pipeline.storage.zones import Connection, literal, quote
from ajprivacy_pipeline.warehouse.findings import Finding, note
from ajprivacy_pipeline.warehouse.forms import ZERO_DATE
from ajprivacy_pipeline.warehouse.mapping_file import Mapping

_POINTS_TO = {"customer_id": "customers", "contact_id": "contacts", "order_id": "orders", "product_id": "products",
              "case_id": "cases"}
_SAMPLES, _SHOWN = 5, 30  # shapes of a column, characters of a shape
_SEASON = 100  # times of the day in summer and in winter, from which on their hours are compared
_CLEARLY = 0.75  # how much better the hours of winter and summer have to fit when moved, to be believed


def look_at_rows(con: Connection, policy: DecisionPolicy, mapping: Mapping) -> Iterator[Finding]:
    """Yields what people should look at: who is read, empty shares, orphans, zero dates, hours, masked samples.

    Args:
        con: with `raw` settled, and `staged`.
        policy: the contract.
        mapping: names the zones.
    """
    unfed = set(con.execute("SELECT table_name, unnest(missing_columns) FROM raw.extraction").fetchall())
    for name, table in policy.sources.tables.items():
        rows = int(con.execute(f"SELECT count(*) FROM raw.{quote(name)}").fetchall()[0][0])
        if not rows:
            continue
        yield note("harmless", name, None, f"{name}: {rows:,} rows{_for_whom(con, name, table)}")
        for column, spec in table.columns.items():
            given = _given(con, name, column)
            if column in _POINTS_TO and column != table.key[0]:
                yield from _orphans(con, policy, name, column, given)
            if spec.type in ("timestamp", "date"):
                yield from _zero_dates(con, name, column)
            if spec.type == "timestamp":
                zone = mapping.zone_of(name, column) or policy.retention.time_zone
                of_arms = dict.fromkeys(one or zone for one in mapping.zones_of_arms(name, column))
                yield from _hours(con, name, column, ", ".join(of_arms) or zone)
            if not given and (name, column) not in unfed:
                yield _empty(name, column, rows, mapping)
            elif given:
                yield note("harmless", name, column, f"{name}.{column}: {100 * (rows - given) // rows} % empty; "
                              f"looks like {_shapes(con, name, column)}")


def _empty(name: str, column: str, rows: int, mapping: Mapping) -> Finding:
    """What is fed and never given: where words of the mapping pick rows, a word that none of them has."""
    entry = mapping.tables.get(name)
    feed = entry.columns.get(column) if entry is not None else None
    picked = entry is not None and feed is not None and (
        bool(feed.only_if) or (feed.column or "").partition(".")[0] in {*entry.pivot, *entry.address})
    asks = ": does any row have the words by which the mapping picks it?" if picked else ""
    return note("dangerous" if picked else "missing", name, column,
                f"{name}.{column}: fed, and empty in all {rows:,} rows{asks}")


def _for_whom(con: Connection, name: str, table: SourceTable) -> str:
    if name == "customers":
        kinds = con.execute("SELECT coalesce(text_of(customer_type), 'without a type') AS kind, count(*) "
                            "FROM raw.customers GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 4").fetchall()
        known = set(table.columns["customer_type"].values)
        return ": " + ", ".join(f"{count:,} {kind if kind in known else 'of another type'}" for kind, count in kinds)
    whose = [column for column in ("customer_id", "contact_id") if column in table.columns]
    if not whose:
        return ""
    people = ", ".join(f"of {count:,} {_POINTS_TO[column]}" for column in whose for (count,) in con.execute(
        f"SELECT count(DISTINCT text_of({quote(column)})) FROM raw.{quote(name)}").fetchall())
    nobody = " AND ".join(f"NOT is_given({quote(column)})" for column in whose)
    left = con.execute(f"SELECT count(*) FROM raw.{quote(name)} WHERE {nobody}").fetchall()[0][0]
    return f", {people}; {left:,} of nobody who is named"


def _given(con: Connection, name: str, column: str) -> int:
    return int(con.execute(f"SELECT count(*) FROM raw.{quote(name)} WHERE is_given({quote(column)})").fetchall()[0][0])


def _orphans(con: Connection, policy: DecisionPolicy, name: str, column: str, given: int) -> Iterator[Finding]:
    """Ids that nothing has: of another table, with another prefix, or of what is gone."""
    there, key = _POINTS_TO[column], policy.sources.tables[_POINTS_TO[column]].key[0]
    nobody = ", ".join(map(literal, policy.retention.tombstones.values()))
    orphans = con.execute(
        f"SELECT count(*) FROM raw.{quote(name)} AS r WHERE is_given(r.{quote(column)}) AND text_of(r.{quote(column)}) "
        f"NOT IN ({nobody}) AND NOT EXISTS (SELECT 1 FROM raw.{quote(there)} AS t "
        f"WHERE text_of(t.{quote(key)}) = text_of(r.{quote(column)}))").fetchall()[0][0]
    if orphans:
        yield note("dangerous", name, column, f"{name}.{column}: {orphans:,} of {given:,} ids are none of {there}: "
                      "does the column hold other ids, or does the mapping leave rows out? What they belong to is kept")


def _zero_dates(con: Connection, name: str, column: str) -> Iterator[Finding]:
    """Zeros for "no date", which are faults until the mapping calls them empty."""
    zeros = con.execute(f"SELECT count(*) FROM raw.{quote(name)} WHERE regexp_full_match("
                        f"coalesce(text_of({quote(column)}), ''), '{ZERO_DATE}')").fetchall()[0][0]
    if zeros:
        yield note("dangerous", name, column, f"{name}.{column}: {zeros:,} dates of zeros: say with tables.{name}."
                      f'columns.{column} = {{ column = "...", empty = ["0000-00-00"] }} that they mean no date')


def _hours(con: Connection, name: str, column: str, zone: str) -> Iterator[Finding]:
    """The hours of the day, as they are read; a warning where those of summer lie beside those of winter.

    People keep their hours when clocks change. Local times that are read as UTC lie an hour later in summer than in
    winter, times in UTC that are read as local ones an hour earlier.
    """
    rows = con.execute(
        f"SELECT month(moment) BETWEEN 4 AND 9, hour(moment), count(*) FROM (SELECT "
        f"local_at({quote(column)}) AS moment "
        f"FROM raw.{quote(name)}) WHERE moment IS NOT NULL AND month(moment) NOT IN (3, 10) "
        "AND CAST(moment AS TIME) <> TIME '00:00:00' GROUP BY ALL").fetchall()
    summer, winter = [0] * 24, [0] * 24
    for is_summer, hour, count in rows:
        (summer if is_summer else winter)[hour] += count
    if not rows:
        return
    every = [one + other for one, other in zip(summer, winter, strict=True)]
    listed = " ".join(f"{hour:02}:{round(100 * count / sum(every))}" for hour, count in enumerate(every))
    yield note("harmless", name, column, f"{name}.{column}: hours of the day in per cent, read in {zone}: {listed}")
    moved = moved_hours(summer, winter)
    if moved:
        other = "are in UTC" if moved < 0 else "are local"
        yield note("dangerous", name, column, f"{name}.{column}: in summer the day lies an hour "
                      f"{'earlier' if moved < 0 else 'later'} than in winter, as if times that {other} were read in "
                      f"{'a zone with summer time' if moved < 0 else 'UTC'}: check source_timezone, now {zone}")


def moved_hours(summer: list[int], winter: list[int]) -> int:
    """Returns by how many hours, -1, 0 or 1, the day of summer lies after that of winter; 0 where it is not clear.

    Args:
        summer: times by hour of the day.
        winter: likewise.
    """
    if min(sum(summer), sum(winter)) < _SEASON:
        return 0
    one, other = [count / sum(summer) for count in summer], [count / sum(winter) for count in winter]
    apart = {by: sum(abs(one[(hour + by) % 24] - other[hour]) for hour in range(24)) for by in (-1, 0, 1)}
    best = min(apart, key=lambda by: apart[by])
    return best if apart[best] < _CLEARLY * apart[0] else 0


def _shapes(con: Connection, name: str, column: str) -> str:
    """The commonest shapes of values."""
    masked = f"left(text_of({quote(column)}), {_SHOWN})"
    for pattern, shown in ((r"\p{N}", "9"), (r"\p{Lu}", "A"), (r"[^A\P{L}]", "a")):
        masked = f"regexp_replace({masked}, '{pattern}', '{shown}', 'g')"
    rows = con.execute(f"SELECT shape FROM (SELECT {masked} AS shape FROM raw.{quote(name)}) WHERE shape IS NOT NULL "
                       f"GROUP BY shape ORDER BY count(*) DESC, shape LIMIT {_SAMPLES}").fetchall()
    return ", ".join(shape for (shape,) in rows)
