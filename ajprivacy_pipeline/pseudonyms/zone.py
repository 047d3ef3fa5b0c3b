"""The file of the pseudonymised zone, rebuilt each month under a key of its own.

Belongs here: which file stands, and the end of the one before. Does not belong here: what stands in its tables.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.keystore import KeyStore

PSEUDONYMISED = "pseudonymised"


def write_pseudonymised(con: zones.Connection, settings: Settings, keys: KeyStore, month: str,
                        tables: Sequence[str]) -> dict[str, int]:
    """Rebuild the pseudonymised zone from a month's tables, and destroy what earlier months left of it.

    The file and its key are the month's own, built beside and swapped in, so nobody who went stays in an old page. A
    month before the one that stands there changes nothing: it would bring people back.

    Returns the rows of each table, none when nothing was written.
    """
    name = f"{PSEUDONYMISED}-{month}"
    if any(path.stem > name for path in settings.pseudonymised.glob(f"{PSEUDONYMISED}-*.duckdb")):
        return {}
    building = settings.pseudonymised / ".building"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o700)
    path = building / f"{name}.duckdb"
    try:
        with zones.open_zone(settings, keys, path):
            pass
        with zones.engine_errors(f"{PSEUDONYMISED}/{path.name}"):
            rows = _copy_tables(con, path, keys.data_key(name), tables)
            path.replace(settings.pseudonymised / path.name)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    for earlier in settings.pseudonymised.glob(f"{PSEUDONYMISED}-*.duckdb"):
        if earlier.stem < name:
            keys.destroy(earlier.stem)
            earlier.unlink()
    return rows


def _copy_tables(con: zones.Connection, path: Path, key: str, tables: Sequence[str]) -> dict[str, int]:
    con.execute(f"ATTACH {zones.literal(str(path))} AS building (ENCRYPTION_KEY $key)", {"key": key})
    try:
        con.execute(f"CREATE SCHEMA building.{zones.quote(PSEUDONYMISED)}")
        rows = {}
        for table in tables:
            target = f"{zones.quote(PSEUDONYMISED)}.{zones.quote(table)}"
            found = con.execute(f"CREATE TABLE building.{target} AS SELECT * FROM {target}").fetchall()
            rows[table] = int(found[0][0])
    finally:
        con.execute("DETACH building")
    return rows
