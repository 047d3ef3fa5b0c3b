"""The views of analytics.duckdb: one question a table is often asked, under its own name, without a choice of totals.

Belongs here: from the policy's `views` to SQL, comments and declared columns. A view shows rows of one published table
and nothing else: no value is in it that its table does not show. Does not belong here: tables (files).
"""

from collections.abc import Collection, Iterator

from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.release import PublishedColumn, PublishedTable, View
from ajprivacy_pipeline.storage.zones import Connection, literal, quote


def shown_views(policy: Policy, tables: Collection[str]) -> Iterator[tuple[str, View]]:
    """Yields the views of some published tables."""
    return ((name, view) for name, view in policy.release.views.items()
            if view.table in tables and view.table in policy.release.tables)


def columns_of_view(policy: Policy, view: View) -> dict[str, PublishedColumn]:
    """Returns a view's columns: those of its table but for the dimensions that stand at their total."""
    return {name: column for name, column in policy.release.tables[view.table].columns.items()
            if column.role != "dimension" or column.type == "DATE" or name in view.per}


def with_views(policy: Policy) -> Policy:
    """Returns the policy with its views declared as tables, for the check of what the built file holds (G1)."""
    tables = policy.release.tables
    declared = {name: PublishedTable(description=view.description, columns=columns_of_view(policy, view))
                for name, view in shown_views(policy, tables)}
    return policy.model_copy(update={"release": policy.release.model_copy(update={"tables": {**tables, **declared}})})


def make_views(con: Connection, policy: Policy, tables: Collection[str]) -> None:
    """Make the views of some tables in the schema `published` of the current database."""
    total = literal(policy.release.values.all)
    for name, view in shown_views(policy, tables):
        dimensions = [d for d, column in policy.release.tables[view.table].columns.items()
                      if column.role == "dimension" and column.type != "DATE" and column.names is None]
        where = " AND ".join(f"{quote(d)} {'<>' if d in view.per else '='} {total}" for d in dimensions)
        shown = ", ".join(map(quote, columns_of_view(policy, view)))
        con.execute(f"CREATE VIEW published.{quote(name)} AS SELECT {shown} FROM published.{quote(view.table)} "
                    f"WHERE {where}")


def comments_of_views(policy: Policy, tables: Collection[str]) -> dict[tuple[str, str | None], str]:
    """Returns the comment of every view (column None) of some tables, and of its columns."""
    comments: dict[tuple[str, str | None], str] = {}
    for name, view in shown_views(policy, tables):
        comments[name, None] = view.description
        comments |= {(name, column): entry.meaning for column, entry in columns_of_view(policy, view).items()}
    return comments
