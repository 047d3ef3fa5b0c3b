"""From cells with hidden counts to the public tables of the months that are computed.

Belongs here: running the two layers, suppressing, G1 on the cells. The public tables are temporary: in memory or in the
encrypted spill, never in a file of their own until they are proven.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping
from pathlib import Path

from ajprivacy_pipeline.disclosure.cells.primary import CONTRIBUTIONS, columns_of, shape_of, suppress
from ajprivacy_pipeline.disclosure.columns import check_columns
from ajprivacy_pipeline.disclosure.verdict import Verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.release.plan import ReleasePlan, model_values
from ajprivacy_pipeline.storage.catalogue import layer_models, load_catalogue, run_model
from ajprivacy_pipeline.storage.zones import Connection, engine_errors, quote

LAYERS = ("anonymous", "published")
_FLAG_TYPES = {"suppressed": "BOOLEAN", "suppressed_measures": "VARCHAR[]", "rounded_to": "BIGINT"}


def run_layers(con: Connection, policy: Policy, plan: ReleasePlan, sql: Path) -> None:
    """Rebuild the layers anonymous and published from nothing; the caller links the ledger and forgets the tokens."""
    values = model_values(policy, plan)
    with engine_errors("the layers anonymous and published"):
        for layer in LAYERS:
            con.execute(f"DROP SCHEMA IF EXISTS {quote(layer)} CASCADE")
    for model in layer_models(load_catalogue(sql, vocabulary_of(policy)), LAYERS):
        run_model(con, model, values)


def forget_tokens(con: Connection) -> None:
    """Drop the only table of the anonymous layer that holds identifiers."""
    with engine_errors("anonymous.tokens"):
        con.execute("DROP TABLE IF EXISTS anonymous.tokens")


def month_tables(policy: Policy) -> list[str]:
    """Returns the published tables that are made of cells."""
    return [name for name, table in policy.release.tables.items() if table.months]


def check_cells(con: Connection, policy: Policy) -> Verdict:
    """Checks G1 on the cells: only declared columns and hidden counts, before anything is suppressed or written."""
    rows = con.execute("SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = "
                       "current_database() AND schema_name = 'published' ORDER BY table_name, column_index").fetchall()
    shapes: dict[str, dict[str, str]] = {}
    for table, column, column_type in rows:
        shapes.setdefault(table, {})
        if not is_hidden(policy, table, column):
            shapes[table][column] = column_type
    for table, declared in policy.release.tables.items():
        if not declared.months:
            shapes.setdefault(table, {n: c.type for n, c in declared.columns.items()})
        elif table in shapes:
            shapes[table].update({n: t for n, t in _FLAG_TYPES.items() if n in declared.columns})
    return check_columns(policy, shapes, "cells")


def is_hidden(policy: Policy, table: str, column: str) -> bool:
    """Returns whether a column of the cells is never published: counts, nameless rows, largest contributions."""
    if column in ("contributors", "unattributed"):
        return True
    if table not in policy.release.tables or column in policy.release.tables[table].columns:
        return False
    shape = shape_of(policy, table)
    hidden = {f"contributors_{measure}" for measure in shape.measures}
    return column in hidden | {f"{kind}_{measure}" for measure in shape.amounts for kind in CONTRIBUTIONS}


def absent_tables(con: Connection, policy: Policy) -> dict[str, str]:
    """Returns the published tables whose source the warehouse lacks, each with the reason.

    A known zero is something else.
    """
    lacking = {table for table, (present, _) in _extracted(con).items() if not present}
    missing = {name: sorted(lacking & set(table.sources)) for name, table in policy.release.tables.items()}
    return {name: f"the warehouse has no {', '.join(sources)}" for name, sources in missing.items() if sources}


def absent_columns(con: Connection, policy: Policy, tables: Iterable[str]) -> dict[str, dict[str, str]]:
    """Returns, of some published tables, the columns that are made of what the mapping does not feed, with the reason.

    Where a whole table of the source is missing, what is made of it is empty, and known to be.
    """
    unfed = {f"{table}.{column}" for table, (present, columns) in _extracted(con).items() if present
             for column in columns}
    found: dict[str, dict[str, str]] = {}
    for name in tables:
        for column, entry in policy.release.tables[name].columns.items():
            if missing := sorted(unfed & set(entry.sources)):
                found.setdefault(name, {})[column] = f"the warehouse has no {', '.join(missing)}"
    return found


def _extracted(con: Connection) -> dict[str, tuple[bool, set[str]]]:
    """By table of the source whether it is there, and which of its columns nothing feeds; empty where nothing says."""
    known = con.execute("SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() "
                        "AND schema_name = 'raw' AND table_name = 'extraction'").fetchall()[0][0]
    if not known:
        return {}
    rows = con.execute("SELECT table_name, present, missing_columns, evidence_missing FROM raw.extraction").fetchall()
    return {row[0]: (bool(row[1]), {*(row[2] or ()), *(row[3] or ())}) for row in rows}


def make_public(con: Connection, policy: Policy, absent: Collection[str] = ()) -> dict[str, str]:
    """Make the public table of each table of exact cells as a temporary table; return its quoted relation by name."""
    public = {}
    for table in month_tables(policy):
        if table in absent or policy.release.tables[table].rounded:
            continue
        relation = f"temp.{quote('public_' + table)}"
        with engine_errors(f"published.{table}"):
            query = suppress(con, policy, table, f"published.{quote(table)}")
            con.execute(f"CREATE OR REPLACE TEMP TABLE {quote('public_' + table)} AS {query}")
        public[table] = relation
    return public


def cells_of(con: Connection, public: Mapping[str, str]) -> Hashable:
    """Returns what stands for all of some tables before secondary suppression: their cells and their public rows.

    Two that are alike have the same rows in the same order, hidden counts included.
    """
    found = []
    for table, relation in sorted(public.items()):
        for rows in (f"published.{quote(table)}", relation):
            columns = ", ".join(quote(column) for column in columns_of(con, rows))
            with engine_errors(rows):
                marks = f"SELECT count(*), sum(hash(rowid, {columns})), bit_xor(hash({columns}, rowid)) FROM {rows}"
                found.append((rows, columns, con.execute(marks).fetchall()[0]))
    return tuple(found)


def keep_public(con: Connection, public: Mapping[str, str]) -> None:
    """Put public tables aside, so that they can be made anew and those of before taken back."""
    for table, relation in public.items():
        con.execute(f"ALTER TABLE {relation} RENAME TO {quote('kept_' + table)}")


def take_kept(con: Connection, public: Mapping[str, str]) -> None:
    """Put tables that `keep_public` put aside in the place of what was made since."""
    for table, relation in public.items():
        con.execute(f"DROP TABLE {relation}")
        con.execute(f"ALTER TABLE temp.{quote('kept_' + table)} RENAME TO {quote('public_' + table)}")


def drop_kept(con: Connection, public: Iterable[str]) -> None:
    """Forget what `keep_public` put aside and nobody took back."""
    for table in public:
        con.execute(f"DROP TABLE IF EXISTS temp.{quote('kept_' + table)}")


def drop_public(con: Connection, policy: Policy) -> None:
    """Remove the temporary public tables."""
    for table in month_tables(policy):
        con.execute(f"DROP TABLE IF EXISTS temp.{quote('public_' + table)}")


def name_columns(policy: Policy) -> list[tuple[str, str]]:
    """Returns every table and column that holds names of products or the like, which may be suppressed."""
    return [(name, column) for name, table in policy.release.tables.items()
            for column, entry in table.columns.items() if entry.names is not None]


def suppress_names(con: Connection, policy: Policy, public: Mapping[str, str], names: set[str]) -> None:
    """Set the names that could name somebody to NULL in the public tables."""
    for table, column in name_columns(policy) if names else ():
        if table in public:
            con.execute(f"UPDATE {public[table]} SET {quote(column)} = NULL "
                        f"WHERE list_contains($names, {quote(column)})", {"names": sorted(names)})


def suppress_names_without_figures(con: Connection, policy: Policy, public: Mapping[str, str]) -> None:
    """Sets names to NULL in rows that show no figure: a name that stands for a few people may be theirs."""
    for table, column in name_columns(policy):
        if table in public:
            con.execute(f"UPDATE {public[table]} SET {quote(column)} = NULL "
                        f"WHERE suppressed AND {quote(column)} <> $all", {"all": policy.release.values.all})


def unconverted_lines(con: Connection) -> int:
    """Live lines of the computed months that no revenue counts, for want of a rate of their currency."""
    return int(con.execute("SELECT coalesce(sum(unconverted_lines), 0) FROM anonymous.order_products").fetchall()[0][0])
