"""Every text a release publishes, for the leak scan.

Belongs here: collecting texts from public tables, files, comments, names and the manifest. It judges nothing.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ajprivacy_pipeline.disclosure.cells.primary import columns_of
from ajprivacy_pipeline.disclosure.texts.leakscan import Text, texts_of_json
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release.files import comments_of, dictionary_rows, info_rows
from ajprivacy_pipeline.release.manifest import MANIFEST, STAMP, Release, manifest_of
from ajprivacy_pipeline.release.page import PAGE, planned_words, words_of
from ajprivacy_pipeline.release.views import comments_of_views
from ajprivacy_pipeline.storage.zones import Connection, engine_errors, literal, memory, quote

_HASH = re.compile(r"[0-9a-f]{64}")


def texts_of_table(con: Connection, policy: Policy, table: str, relation: str) -> Iterator[Text]:
    """Distinct texts of a table, by column. What the policy wrote is marked as its own."""
    own = table in policy.release.tables and not policy.release.tables[table].months
    types = {name: kind for name, kind in columns_of(con, relation).items() if kind in ("VARCHAR", "VARCHAR[]")}
    if types:
        lists = ", ".join(f"list(DISTINCT {quote(name)})" for name in types)
        found = con.execute(f"SELECT {lists} FROM {relation}").fetchall()[0]
        for (name, kind), values in zip(types.items(), found, strict=True):
            is_list = kind == "VARCHAR[]"
            texts = {text for value in values or () for text in (value or () if is_list else (value,))}
            yield from (Text(f"{table}.{name}", text, own or is_list) for text in texts if text is not None)


def texts_of_closed(policy: Policy, previous: Release) -> Iterator[Text]:
    """Distinct texts of the files a release copies."""
    con = memory()
    try:
        for table in previous.tables:
            entry = policy.release.tables.get(table)
            if entry and (entry.months or table == policy.release.microdata.table):
                listed = ", ".join(literal(str(file)) for file in previous.files(table))
                with engine_errors(f"releases/{previous.folder.name}/{table}"):
                    yield from texts_of_table(con, policy, table, f"read_parquet([{listed}])")
    finally:
        con.close()


def texts_of_policy(policy: Policy, head: dict[str, Any], paths: Sequence[str]) -> Iterator[Text]:
    """Yields what the policy and this product are about to write: comments, names, dictionary, verdicts, manifest.

    Said before it is written, so that one scan of the warehouse covers tables and this. What is then found in the built
    release and not here is scanned again (prove.check_remaining_texts).

    Args:
        policy: what is published.
        head: what manifest and release_info say of the release as a whole.
        paths: the files to be written, relative to the release's folder.
    """
    tables = list(policy.release.tables)
    comments = comments_of(policy, tables, head["proven"]) | comments_of_views(policy, tables)
    for (table, column), comment in comments.items():
        yield Text(f"comment of {table}" + (f".{column}" if column else ""), comment, own=True)
        yield Text("name of a column" if column else "name of a table", column or table, own=True)
    for table, rows in (("data_dictionary", dictionary_rows(policy)), ("release_info", info_rows(policy, head))):
        for row in rows:
            for column, value in zip(policy.release.tables[table].columns, row, strict=True):
                if isinstance(value, str):
                    yield Text(f"{table}.{column}", value, own=True)
    for path in (MANIFEST, *paths, *{path.partition("/")[0] for path in paths}):
        yield Text("name of a file", path, own=True)
    yield from (Text("page", words, own=True) for words in planned_words(policy, head))
    yield from texts_of_json("manifest", json.dumps(manifest_of(dict.fromkeys(paths, 0), head, {})))


def texts_of_release(release: Release, policy: Policy, analytics: Path) -> Iterator[Text]:
    """Yields every text of a staged release as it was built: tables, comments, names of files, manifest."""
    known = {release.manifest_sha256, *(entry["sha256"] for entry in release.manifest["files"].values())}
    con = memory()
    try:
        with engine_errors(analytics.name):
            con.execute(f"ATTACH {literal(str(analytics))} AS analytics (READ_ONLY)")
            named = "SELECT schema_name, table_name, {} FROM duckdb_{}() WHERE database_name = 'analytics'"
            for schema, table, _ in con.execute(named.format("NULL", "tables")).fetchall():
                relation = f"analytics.{quote(schema)}.{quote(table)}"
                yield from texts_of_table(con, policy, table, relation)
                yield Text("name of a table", table, own=True)
            for _, table, comment in con.execute(named.format("comment", "tables")).fetchall():
                yield Text(f"comment of {table}", _without(comment or "", known).removesuffix(f" {STAMP}"), own=True)
            for view, comment in con.execute("SELECT view_name, comment FROM duckdb_views() WHERE database_name = "
                                             "'analytics'").fetchall():
                yield Text("name of a table", view, own=True)
                yield Text(f"comment of {view}", comment or "", own=True)
            for _, table, column, comment in con.execute(named.format("column_name, comment", "columns")).fetchall():
                yield Text("name of a column", column, own=True)
                yield Text(f"comment of {table}.{column}", comment or "", own=True)
    finally:
        con.close()
    for path in sorted(release.folder.rglob("*")):
        yield Text("name of a file", path.relative_to(release.folder).as_posix(), own=True)
    page = (release.folder / PAGE).read_text(encoding="utf-8")
    yield from (Text("page", words, own=True) for words in words_of(page))
    document = (release.folder / MANIFEST).read_text(encoding="utf-8")
    for text in texts_of_json("manifest", document):
        yield Text(text.place, _without(text.value, known), own=True)


def _without(text: str, hashes: set[str]) -> str:
    """The text without the hashes of the release's own files."""
    return _HASH.sub(lambda match: "" if match[0] in hashes else match[0], text)
