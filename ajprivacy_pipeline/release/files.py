"""The files of a release: Parquet with one order and one form, and the one DuckDB file that analysts open.

Belongs here: writing. Does not belong here: what may be written (prove), where it goes in the end (swap).
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from ajprivacy_pipeline.disclosure.cells.primary import shape_of
from ajprivacy_pipeline.disclosure.guarantees import GUARANTEES
from ajprivacy_pipeline.disclosure.verdict import Verdict
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.narrow import without_columns
from ajprivacy_pipeline.release.manifest import STAMP, Release, is_proven, outcomes, sha256_of
from ajprivacy_pipeline.release.page import PAGE
from ajprivacy_pipeline.release.periods import period_rows
from ajprivacy_pipeline.release.plan import ReleasePlan
from ajprivacy_pipeline.release.views import comments_of_views, make_views
from ajprivacy_pipeline.release.visible import visible_rows
from ajprivacy_pipeline.storage.zones import Connection, engine_errors, literal, memory, quote

UNPROVEN = "Not proven anonymous: must not be shared outside the organisation."
_OPTIONS = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880"


@contextmanager
def one_order(con: Connection) -> Iterator[None]:
    """Write rows in the order they are given: one thread, insertion order kept. The settings are put back."""
    kept = {name: con.execute(f"SELECT current_setting('{name}')").fetchall()[0][0]
            for name in ("threads", "preserve_insertion_order")}
    con.execute("SET threads = 1")
    con.execute("SET preserve_insertion_order = true")
    try:
        yield
    finally:
        con.execute(f"SET threads = {int(kept['threads']):d}")
        con.execute(f"SET preserve_insertion_order = {'true' if kept['preserve_insertion_order'] else 'false'}")


def write_months(con: Connection, policy: Policy, table: str, relation: str, months: Sequence[str],
                 folder: Path) -> dict[str, int]:
    """Write a public table, a file a month, sorted by all its dimensions; return rows by relative path."""
    shape = shape_of(policy, table)
    order = ", ".join(f"{quote(d)} NULLS LAST" for d in shape.dimensions)
    columns = ", ".join(map(quote, shape.columns))
    rows = {}
    (folder / table).mkdir(parents=True, exist_ok=True)
    for month in months:
        first = literal(f"{month}-01")
        where = f"{quote(shape.time)} BETWEEN DATE {first} AND last_day(DATE {first})"
        path = f"{table}/{month}.parquet"
        rows[path] = _copy(con, f"SELECT {columns} FROM {relation} WHERE {where} ORDER BY {order}", folder / path)
    return rows


def write_microdata(con: Connection, policy: Policy, table: str, relation: str, month: str,
                    folder: Path) -> dict[str, int]:
    """Write a record-level table as one file, sorted by all its columns; return its rows by relative path."""
    columns = ", ".join(map(quote, policy.release.tables[table].columns))
    path = f"{table}/{month}.parquet"
    (folder / table).mkdir(parents=True, exist_ok=True)
    return {path: _copy(con, f"SELECT {columns} FROM {relation} ORDER BY {columns}", folder / path)}


def _copy(con: Connection, query: str, path: Path) -> int:
    with engine_errors(f"published/{path.parent.name}/{path.name}"), one_order(con):
        return int(con.execute(f"COPY ({query}) TO {literal(str(path))} ({_OPTIONS})").fetchall()[0][0])


def copy_closed(previous: Release, policy: Policy, plan: ReleasePlan, folder: Path) -> dict[str, int]:
    """Copy the files of months that are not computed from a verified release, checking each copy's hash.

    Raises:
        ReleaseError: a copy is not what the manifest says.
    """
    return copy_files(previous, closed_paths(policy, plan, previous), folder)


def copy_files(previous: Release, paths: Sequence[str], folder: Path) -> dict[str, int]:
    """Copy some files of a verified release, checking each copy's hash.

    Raises:
        ReleaseError: a copy is not what the manifest says.
    """
    rows = {}
    for path in paths:
        entry, target = previous.manifest["files"][path], folder / path
        with engine_errors(f"published/{path}"):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(previous.folder / path, target)
            same = sha256_of(target) == entry["sha256"]
        if not same:
            raise ReleaseError(f"releases/{previous.folder.name}/{path} changed while it was copied: "
                               "restore it from a backup")
        rows[path] = int(entry["rows"])
    return rows


def dictionary_rows(policy: Policy) -> list[tuple[Any, ...]]:
    """Returns the rows of data_dictionary: one per published column, sorted."""
    return sorted((table, name, column.type, column.unit, column.role, ", ".join(column.additive_over) or None,
                   column.meaning)
                  for table, entry in policy.release.tables.items() for name, column in entry.columns.items())


def info_rows(policy: Policy, head: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Returns the rows of release_info: a row per guarantee, in the order of their numbers, then what tables tell.

    These are absent tables and columns, the periods that were chosen, and the visible shares of what is there.
    """
    said: list[tuple[Any, ...]] = [
        (guarantee, entry["verdict"], entry["figure"] or None, GUARANTEES[guarantee].title,
         GUARANTEES[guarantee].words(policy), None) for guarantee, entry in head["guarantees"].items()]
    said += [(table, "absent", reason, None, None, None) for table, reason in sorted(head["absent"].items())]
    said += [(facts, "period", *words, None, None) for facts, *words in period_rows(head.get("periods", {}))]
    said += visible_rows(head.get("visible", []))
    month = date.fromisoformat(f"{head['month']}-01")
    return [(month, head["policy_version"], head["proven"], *entry) for entry in said]


def absent_columns(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Returns the columns (table.column) that a release's tables lack, with the reason."""
    return {name: str(reason) for name, reason in manifest.get("absent", {}).items() if "." in name}


def write_rows(policy: Policy, table: str, values: list[tuple[Any, ...]], folder: Path) -> dict[str, int]:
    """Write a table without months as one file, in the order given."""
    columns = policy.release.tables[table].columns
    con = memory()
    try:
        names = [f"v{i}" for i in range(len(columns))]
        typed = ", ".join(f"CAST(unnest(${n}) AS {column.type}) AS {quote(name)}"
                          for n, (name, column) in zip(names, columns.items(), strict=True))
        lists = dict(zip(names, map(list, zip(*values, strict=True)), strict=True))
        con.execute(f"CREATE TABLE info AS SELECT {typed}, unnest($position) AS position",
                    {**lists, "position": list(range(len(values)))})
        path = f"{table}/all.parquet"
        (folder / table).mkdir(parents=True, exist_ok=True)
        query = f"SELECT {', '.join(map(quote, columns))} FROM info ORDER BY position"
        return {path: _copy(con, query, folder / path)}
    finally:
        con.close()


def head_of(policy: Policy, plan: ReleasePlan, verdicts: Sequence[Verdict], utility: dict[str, Any],
            microdata: dict[str, Any]) -> dict[str, Any]:
    """Returns what manifest and release_info say of the release as a whole.

    `microdata` is what the table's own release said of it.
    """
    return {"month": plan.month, "history_from": plan.history_from, "proven": is_proven(verdicts),
            "policy_version": policy.version, "absent": plan.absent, "guarantees": outcomes(verdicts),
            "reissued": list(plan.reissued), "utility": utility,
            "microdata": {"month": plan.microdata, **microdata} if microdata else None}


def months_of(policy: Policy, plan: ReleasePlan, table: str) -> tuple[str, ...]:
    """Returns the months of a table that a release computes.

    There are none for a table whose source is absent, or whose run is over. A period goes by its first month. What is
    rounded is never issued again: two roundings of one count tell more of it than one.
    """
    declared = policy.release.tables[table]
    if table in plan.absent or (declared.rounded and plan.reissue):
        return ()
    if declared.run_month_only:
        return plan.computed[-1:] if plan.is_new else ()
    if declared.period == "fitted":
        return tuple(period.first for period in plan.periods(declared.population or table))
    return plan.computed


def planned_paths(policy: Policy, plan: ReleasePlan, previous: Release | None) -> list[str]:
    """Returns every file of a release but the manifest, relative to its folder, before one is written."""
    paths = set(closed_paths(policy, plan, previous)) if previous else set()
    for table, entry in policy.release.tables.items():
        months = months_of(policy, plan, table) if entry.months else ("all",)
        if table == policy.release.microdata.table:
            months = (plan.microdata,) if plan.microdata else ()
        paths |= {f"{table}/{month}.parquet" for month in months}
    return sorted({*paths, PAGE})


def closed_paths(policy: Policy, plan: ReleasePlan, previous: Release) -> list[str]:
    """Returns the files that a release copies: months it does not compute, of tables that are still published."""
    kept = {name for name, table in policy.release.tables.items() if table.months}
    computed = {f"{table}/{month}.parquet" for table in kept for month in months_of(policy, plan, table)}
    return [path for path in sorted(previous.manifest["files"])
            if path.partition("/")[0] in kept and path not in computed]


def closed_relations(policy: Policy, previous: Release | None, plan: ReleasePlan) -> dict[str, str]:
    """Returns each table's months that the previous release published and this one does not compute, as a relation."""
    found: dict[str, list[str]] = {}
    if previous is None:
        return {}
    for path in closed_paths(policy, plan, previous):
        found.setdefault(path.partition("/")[0], []).append(literal(str(previous.folder / path)))
    return {table: f"read_parquet([{', '.join(listed)}])" for table, listed in found.items()}


def comments_of(policy: Policy, tables: Sequence[str], proven: bool) -> dict[tuple[str, str | None], str]:
    """Returns the comment of every table (column None) and column."""
    comments: dict[tuple[str, str | None], str] = {}
    for table in tables:
        if table in policy.release.tables:
            entry = policy.release.tables[table]
            comments[table, None] = entry.description if proven else f"{entry.description} {UNPROVEN}"
            comments.update({(table, name): column.meaning for name, column in entry.columns.items()})
    return comments


def build_analytics(policy: Policy, release: Release, path: Path) -> None:
    """Build the plain DuckDB file of a release: schema `published`, every table with all its months, views, comments.

    The comment of release_info ends with the manifest's hash: it says which release the file is.
    """
    policy = without_columns(policy, absent_columns(release.manifest))
    con = memory()
    try:
        with engine_errors(f"published/{path.name}"):
            path.unlink(missing_ok=True)
            con.execute("SET preserve_insertion_order = true")
            con.execute(f"ATTACH {literal(str(path))} AS analytics")
            con.execute("USE analytics")
            con.execute("BEGIN")  # a hundred comments are written at once
            con.execute("CREATE SCHEMA published")
            for table in release.tables:
                listed = ", ".join(literal(str(file)) for file in release.files(table))
                con.execute(f"CREATE TABLE published.{quote(table)} AS SELECT * FROM read_parquet([{listed}])")
            make_views(con, policy, release.tables)
            views = comments_of_views(policy, release.tables)
            comments = comments_of(policy, release.tables, release.manifest["proven"]) | views
            said = []
            for (table, column), comment in comments.items():
                name = f"published.{quote(table)}"
                kind = "VIEW" if (table, column) in views else "TABLE"
                what = f"{kind} {name}" if column is None else f"COLUMN {name}.{quote(column)}"
                stamp = f" {STAMP}{release.manifest_sha256}" if (table, column) == ("release_info", None) else ""
                said.append(f"COMMENT ON {what} IS {literal(comment + stamp)}")
            con.execute("; ".join(said))
            con.execute("COMMIT")
            con.execute("USE memory")
            con.execute("DETACH analytics")
    finally:
        con.close()
