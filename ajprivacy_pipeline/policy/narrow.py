"""The policy less columns that a release does not publish, with everything that would still name them.

Belongs here: taking columns away so that what is left fits together. Does not belong here: which ones (`release.tables`
for what the source cannot give, `release.microdata_bands` for what the figures cannot tell apart).
"""

from collections.abc import Iterable

from ajprivacy_pipeline.policy.policy import Policy
from ajprivacy_pipeline.policy.release import PublishedTable


def without_columns(policy: Policy, columns: Iterable[str]) -> Policy:
    """Returns the policy without some published columns, each given as `table.column`; unknown ones change nothing."""
    gone: dict[str, set[str]] = {}
    for name in columns:
        table, _, column = name.partition(".")
        gone.setdefault(table, set()).add(column)
    if not gone:
        return policy
    release = policy.release
    tables = {name: _table(entry, gone[name]) if name in gone else entry for name, entry in release.tables.items()}
    golden = {name: query for name, query in release.utility.golden.items()
              if query.measure not in gone.get(query.table, set())}
    sensitive = {name: column for name, column in release.microdata.sensitive.items()
                 if name not in gone.get(release.microdata.table, set())}
    return policy.model_copy(update={"release": release.model_copy(update={
        "tables": tables, "utility": release.utility.model_copy(update={"golden": golden}),
        "microdata": release.microdata.model_copy(update={"sensitive": sensitive})})})


def _table(table: PublishedTable, gone: set[str]) -> PublishedTable:
    columns = {name: column.model_copy(update={
        "at_most": None if column.at_most in gone else column.at_most,
        "flows": () if set(column.flows) & gone else column.flows})
        for name, column in table.columns.items() if name not in gone}
    source, priced = table.contributors, table.priced
    if source is not None:
        kept = {kind: {name: value for name, value in getattr(source, kind).items() if name not in gone}
                for kind in ("counted", "persons")}
        source = source.model_copy(update=kept)
    if priced is not None and {priced.units, priced.amount} & gone:
        priced = None
    return table.model_copy(update={"columns": columns, "contributors": source, "priced": priced})
