"""Looking at what is published: which releases there are, whether they are whole, what changed between two.

Belongs here: reading releases. It changes nothing and needs no key: a release holds no personal data.
"""

from typing import Any

from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.release.manifest import Release, published_stamp, verify_release
from ajprivacy_pipeline.release.swap import ANALYTICS
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_rows import ReleaseRow
from ajprivacy_pipeline.storage.zones import Connection, differing, engine_errors, literal, memory, quote


def list_releases(settings: Settings) -> list[dict[str, Any]]:
    """Returns every release the control store knows, oldest first, with what its manifest says.

    `state`: current (analysts see it), earlier, replaced (published again later, or unproven before the first proven
    one), damaged (its files are gone or not
    what was published; then `tables`, `files` and `rows` are None).
    """
    known = _known(settings)
    newest = {row["month"]: row["id"] for row in _standing(known)}
    stamp = published_stamp(settings.published / ANALYTICS)
    found = []
    for row in known:
        entry = {"month": row["month"], "history_from": row["history_from"], "proven": row["proven"],
                 "policy_version": row["policy_version"], "manifest_sha256": row["manifest_sha256"],
                 "published_at": row["published_at"], "tables": None, "files": None, "rows": None}
        if newest.get(row["month"]) != row["id"]:
            found.append(entry | {"state": "replaced"})
            continue
        try:
            release = verify_release(settings.published / "releases" / row["month"], row["manifest_sha256"])
        except ReleaseError:
            found.append(entry | {"state": "damaged"})
            continue
        found.append(entry | {"tables": len(release.rows), "files": len(release.manifest["files"]),
                              "rows": sum(release.rows.values()),
                              "state": "current" if row["manifest_sha256"] == stamp else "earlier"})
    return found


def open_release(settings: Settings, month: str) -> Release:
    """Returns a release by its month, verified against the control store.

    Raises:
        ReleaseError: there is none, or a file of it is missing, changed, or one too many.
    """
    for row in reversed(_standing(_known(settings))):
        if row["month"] == month:
            return verify_release(settings.published / "releases" / month, row["manifest_sha256"])
    raise ReleaseError(f"there is no release for {month}: `ajprivacy releases list` shows those there are")


def newest_month(settings: Settings) -> str:
    """Returns the month of the newest proven release, the only one that a re-issue can change.

    Raises:
        ReleaseError: there is none.
    """
    months = [str(row["month"]) for row in _known(settings) if row["proven"]]
    if not months:
        raise ReleaseError("no proven release is known: there is nothing to issue again")
    return max(months)


def verify(settings: Settings, month: str | None = None) -> list[dict[str, Any]]:
    """Verify one release, or all that stand, every file by its hash; and analytics.duckdb, row by row.

    Returns one row per release: month, files, rows, faults (empty when it is whole).

    Raises:
        ReleaseError: there is no release for the month, or none at all.
    """
    known = {row["month"]: row for row in _standing(_known(settings))}  # the newest of a month stands
    if not known or (month is not None and month not in known):
        raise ReleaseError(f"there is no release for {month}: `ajprivacy releases list` shows those there are" if known
                           else "nothing is published yet: run a month first")
    newest = _known(settings)[-1]
    found = []
    for name, row in sorted(known.items()):
        if month in (None, name):
            entry: dict[str, Any] = {"month": name, "files": None, "rows": None, "faults": []}
            try:
                release = verify_release(settings.published / "releases" / name, row["manifest_sha256"])
            except ReleaseError as error:
                entry["faults"].append(str(error))
            else:
                entry |= {"files": len(release.manifest["files"]), "rows": sum(release.rows.values())}
                if row["id"] == newest["id"]:
                    entry["faults"] += _analytics_faults(settings, release)
            found.append(entry)
    return found


def _analytics_faults(settings: Settings, release: Release) -> list[str]:
    """What differs between the file that analysts open and the verified files it was built from."""
    path = settings.published / ANALYTICS
    remedy = "remove it and run a month: it is rebuilt from the release's files"
    if not path.is_file():
        return [f"{ANALYTICS} is missing: run a month, it is rebuilt from the release's files"]
    con = memory()
    try:
        with engine_errors(f"published/{ANALYTICS}"):
            con.execute(f"ATTACH {literal(str(path))} AS analytics (READ_ONLY)")
            there = [row[0] for row in con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = "
                                                   "'analytics' AND schema_name = 'published'").fetchall()]
            faults = [f"{ANALYTICS}: table {table} is not of the release: {remedy}"
                      for table in sorted(set(there) - set(release.tables))]
            for table in release.tables:
                files, rows = f"FROM {release.relation(table)}", f"FROM analytics.published.{quote(table)}"
                if table not in there:
                    faults.append(f"{ANALYTICS}: table {table} is missing: {remedy}")
                elif differing(con, files, rows):
                    faults.append(f"{ANALYTICS}: rows of {table} are not those of the release: {remedy}")
    finally:
        con.close()
    return faults


def diff(settings: Settings, old: str, new: str) -> dict[str, Any]:
    """Returns what two releases say differently, in counts of cells.

    Returns `tables`: for each table that differs its `files` (by path: added, removed, changed), and `cells` (added,
    removed, changed); and `closed_months_changed`: files of months closed in both that are not the same, of which there
    must be none: what was issued again by the explicit command is not among them.

    Raises:
        ReleaseError: one of them is unknown or not whole.
    """
    before, after = open_release(settings, old), open_release(settings, new)
    closed = min(before.month, after.month)
    allowed = {"all", *before.manifest.get("reissued", ()), *after.manifest.get("reissued", ())}
    result: dict[str, Any] = {"old": old, "new": new, "old_manifest_sha256": before.manifest_sha256,
                              "new_manifest_sha256": after.manifest_sha256, "tables": {}, "closed_months_changed": []}
    con = memory()
    try:
        with engine_errors("published/releases"):
            for table in sorted({*before.tables, *after.tables}):
                files = _file_changes(before, after, table)
                if files:
                    result["tables"][table] = {"files": files, "cells": _cell_changes(con, before, after, table)}
                result["closed_months_changed"] += [
                    path for path, change in files.items() if change["kind"] != "added"
                    and (month := path.partition("/")[2].removesuffix(".parquet")) not in allowed
                    and month <= closed]
    finally:
        con.close()
    return result


def _file_changes(before: Release, after: Release, table: str) -> dict[str, dict[str, str]]:
    """Files of a table that differ, by path, with their hashes."""
    old, new = ({path: str(entry["sha256"]) for path, entry in release.manifest["files"].items()
                 if path.startswith(f"{table}/")} for release in (before, after))
    return {path: {"kind": "added" if path not in old else "removed" if path not in new else "changed",
                   "was": old.get(path, ""), "is": new.get(path, "")}
            for path in sorted({*old, *new}) if old.get(path) != new.get(path)}


def _cell_changes(con: Connection, before: Release, after: Release, table: str) -> dict[str, int]:
    """How many cells were added, removed, changed: a cell is a row, told by its dimensions."""
    if table not in before.tables or table not in after.tables:
        there = after if table in after.tables else before
        count = int(con.execute(f"SELECT count(*) FROM {there.relation(table)}").fetchall()[0][0])
        return {"added": count if there is after else 0, "removed": count if there is before else 0, "changed": 0}
    old, new = f"FROM {before.relation(table)}", f"FROM {after.relation(table)}"
    shapes = [con.execute(f"DESCRIBE SELECT * {side}").fetchall() for side in (old, new)]
    dimensions = con.execute(f"SELECT \"column\" FROM {after.relation('data_dictionary')} "
                             "WHERE \"table\" = $table AND role = 'dimension'", {"table": table}).fetchall()
    shared = {row[0] for row in shapes[0]} & {row[0] for row in shapes[1]}
    keys = ", ".join(quote(row[0]) for row in dimensions if row[0] in shared) or ", ".join(map(quote, sorted(shared)))
    columns = ", ".join(map(quote, sorted(shared)))
    gone, came = (f"SELECT DISTINCT {keys} FROM (SELECT {columns} {one} EXCEPT ALL SELECT {columns} {other})"
                  for one, other in ((old, new), (new, old)))
    both = int(con.execute(f"SELECT count(*) FROM (({gone}) INTERSECT ({came}))").fetchall()[0][0])
    lost, made = (int(con.execute(f"SELECT count(*) FROM ({side})").fetchall()[0][0]) for side in (gone, came))
    return {"added": made - both, "removed": lost - both, "changed": both}


def _standing(known: list[ReleaseRow]) -> list[ReleaseRow]:
    """The releases whose folders are there: unproven ones go when the first proven one is published."""
    return [row for row in known if row["proven"]] or known


def _known(settings: Settings) -> list[ReleaseRow]:
    """The control store's rows; nothing where there is no store, and none is made."""
    if not (settings.control / "control.db").is_file():
        return []
    return ControlStore.in_folder(settings.control).releases()
