"""Where erased values may still lie physically after an apply, and when that ends.

Belongs here: letting the database tidy up, a look at its statistics, the register of backups. Does not belong here: how
a database tidies up (`warehouse.tidying`), rows (`sweep`). What fails here is reported and undoes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import pyarrow as pa

from ajprivacy_pipeline.clock import local_day
from ajprivacy_pipeline.enforcement import erased
from ajprivacy_pipeline.enforcement.apply import Writer
from ajprivacy_pipeline.enforcement.bodies import Residue
from ajprivacy_pipeline.enforcement.stages import Part, Stage
from ajprivacy_pipeline.enforcement.targets import Place
from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection
from ajprivacy_pipeline.warehouse.mapping_file import Elsewhere

Touched = dict[tuple[str, ...], list[str]]


def touched(con: Connection, places: Mapping[str, Place], stages: Mapping[Part, Stage], state: str) -> Touched:
    """Returns the source's tables of a plan's rows in a state, each with the columns that went."""
    found: Touched = {}
    parts = con.execute("SELECT DISTINCT entity, part FROM made.rows WHERE state = $state ORDER BY ALL",
                        {"state": state}).fetchall()
    for entity, part in parts:
        for place in places[entity].each:
            columns = found.setdefault(place.table, [])
            columns += dict.fromkeys(source for name in stages[entity, part].columns
                                     for source in place.columns.get(name, ()) if source not in columns)
    return {table: columns for table, columns in found.items() if table and columns}


def tidy_up(con: Connection, writer: Writer, policy: Policy, tables: Touched, sought: erased.Sought | None,
            today: date, histories: Mapping[tuple[str, ...], int], elsewhere: Sequence[Elsewhere] = (),
            ) -> list[Residue]:
    """Tidy up, and return what is left and where: in files, statistics, backups and histories (days by table).

    So is what the mapping says of places that no SQL reaches.
    """
    found: list[Residue] = []
    if tables:
        try:
            zone = policy.retention.time_zone
            found += [{"where": where, "what": what, "ends": local_day(ends, zone).isoformat()
                       if isinstance(ends, datetime) else ends} for where, what, ends in writer.tidy(tables)]
        except PrivacyError:
            found.append({"where": "the warehouse", "ends": None,
                          "what": "it could not be tidied up: old values may lie in its files"})
        found += _statistics(con, writer, tables, sought)
        found += [{"where": f"the history of {'.'.join(table)}", "what": "old values, there and with whoever reads it",
                   "ends": (today + timedelta(days=days)).isoformat()}
                  for table, days in histories.items() if table in tables]
        found += [{"where": place.where, "what": f"{place.what}: not carried out by us", "ends": None}
                  for place in elsewhere]
    return found + _backups(policy, today)


def _statistics(con: Connection, writer: Writer, tables: Touched, sought: erased.Sought | None) -> list[Residue]:
    """Statistics in which an erased value stands in clear, which some databases keep for an emptied table."""
    if sought is None:
        return []
    try:
        kept = writer.statistics(tables)
    except PrivacyError:
        return [{"where": "statistics", "ends": None,
                 "what": "this user may not look whether old values stand in them"}]
    if not kept:
        return []
    con.register("kept_statistics", pa.table({"row_no": list(range(len(kept))), "col": [0] * len(kept),
                                              "value": [value for _, value in kept]}))
    hits = con.execute(f"SELECT DISTINCT h.row_no FROM ({sought.hits('kept_statistics')}) AS h "
                       "JOIN (SELECT DISTINCT hash FROM scratch.wanted WHERE kind <> 'address') AS w USING (hash)",
                       sought.bound()).fetchall()
    con.unregister("kept_statistics")
    return [{"where": where, "what": "old values in clear: a table that is empty keeps them",
             "ends": "when it has rows again and is analysed, or an administrator clears them"}
            for where in sorted({kept[row[0]][0] for row in hits})]


def _backups(policy: Policy, today: date) -> list[Residue]:
    register = policy.enforcement.backups.values()
    if not register:
        return [{"where": "backups", "what": "no register of backups, replicas and dumps is declared in "
                                             "enforcement.toml: what they hold, nobody here knows", "ends": None}]
    return [{"where": backup.where, "what": backup.what,
             "ends": (today + timedelta(days=backup.life_days)).isoformat()} for backup in register]
