"""The file of the pseudonymised zone, rebuilt each month under a key of its own.

Belongs here: which file stands, and the end of the one before. Does not belong here: what stands in its tables.
"""

from collections.abc import Sequence
from pathlib import Path

from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.anew import Checkpoint, built_anew, destroy
from ajprivacy_pipeline.storage.keystore import KeyStore

PSEUDONYMISED = "pseudonymised"


def pseudonymised_file(settings: Settings, month: str) -> Path:
    """Returns the encrypted file of the pseudonymised zone that a month's run writes."""
    return settings.pseudonymised / f"{PSEUDONYMISED}-{month}.duckdb"


def write_pseudonymised(con: zones.Connection, settings: Settings, keys: KeyStore, month: str,
                        tables: Sequence[str], checkpoint: Checkpoint = lambda _: None) -> dict[str, int]:
    """Rebuild the pseudonymised zone from a month's tables, and destroy what earlier months left of it.

    The file is built beside under a new key and swapped in, so nobody who went stays in an old page. A month
    before the one that stands there changes nothing: it would bring people back.

    Returns the rows of each table, none when nothing was written.
    """
    path = pseudonymised_file(settings, month)
    if any(known.stem > path.stem for known in settings.pseudonymised.glob(f"{PSEUDONYMISED}-*.duckdb")):
        return {}
    with built_anew(keys, path, checkpoint) as following, zones.attached(
            con, keys, following, "building", create=True), zones.engine_errors(f"{PSEUDONYMISED}/{path.name}"):
        rows = _copy_tables(con, tables)
    known = {found.stem.removeprefix(".") for found in (*settings.pseudonymised.glob(f"{PSEUDONYMISED}-*.duckdb"),
                                                        *settings.pseudonymised.glob(f".{PSEUDONYMISED}-*"))}
    for earlier in sorted(stem for stem in known if stem < path.stem):  # what killed runs have begun, too
        destroy(keys, path.with_name(f"{earlier}.duckdb"))
    return rows


def _copy_tables(con: zones.Connection, tables: Sequence[str]) -> dict[str, int]:
    con.execute(f"CREATE SCHEMA building.{zones.quote(PSEUDONYMISED)}")
    rows = {}
    for table in tables:
        target = f"{zones.quote(PSEUDONYMISED)}.{zones.quote(table)}"
        found = con.execute(f"CREATE TABLE building.{target} AS SELECT * FROM {target}").fetchall()
        rows[table] = int(found[0][0])
    return rows
