"""G1: only declared columns leave, with the declared type and a role that fits.

Belongs here: comparing shapes with `release.toml`. It looks at no value.
"""

from collections.abc import Collection, Iterator, Mapping

from ajprivacy_pipeline.disclosure.cells.primary import PERIOD
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.release import PublishedColumn

Shape = Mapping[str, str]  # column -> SQL type, in the table's order
_ROLE_TYPES = {
    "dimension": ("DATE", "VARCHAR"),
    "measure": ("BIGINT", "DECIMAL"),
    "flag": ("BOOLEAN", "VARCHAR[]", "BIGINT"),
    "quasi_identifier": ("VARCHAR",),
    "sensitive": ("VARCHAR",),
    "text": ("VARCHAR", "DATE", "BOOLEAN"),
}
_DAYS = ("month", "day")


def check_columns(policy: Policy, shapes: Mapping[str, Shape], where: str = "") -> Verdict:
    """Checks G1 over the shapes of published tables.

    Args:
        policy: declares every table and column.
        shapes: the columns and types found, by table.
        where: what was looked at, for the violations ("analytics.duckdb").
    """
    violations = [f"{where}: {fault}" if where else fault for fault in _faults(policy, shapes)]
    count = sum(len(shape) for shape in shapes.values())
    return verdict("G1", f"{count:,} columns of {len(shapes):,} tables are declared", violations,
                   {"columns": count, "tables": len(shapes)})


def _faults(policy: Policy, shapes: Mapping[str, Shape]) -> Iterator[str]:
    declared, identifying = policy.release.tables, {"reference", *policy.sources.identifying_classes}
    unnamed = {name for source in policy.sources.tables.values() for name, column in source.columns.items()
               if column.class_ in identifying}
    for table in sorted(set(shapes) - set(declared)):
        yield f"{table}: the table is not declared"
    for table in sorted(set(declared) - set(shapes)):
        yield f"{table}: the table is missing"
    for table in sorted(set(declared) & set(shapes)):
        columns = declared[table].columns
        for column in shapes[table]:
            if column not in columns:
                yield f"{table}.{column}: the column is not declared"
        for name, column_policy in columns.items():
            if name not in shapes[table]:
                yield f"{table}.{name}: the column is missing"
            elif shapes[table][name] != column_policy.type:
                yield f"{table}.{name}: is {shapes[table][name]}, declared {column_policy.type}"
            yield from _role_faults(unnamed, table, name, column_policy)


def _role_faults(unnamed: Collection[str], table: str, name: str, column: PublishedColumn) -> Iterator[str]:
    if column.type.partition("(")[0] not in _ROLE_TYPES[column.role] and (name, column.type) != (PERIOD, "VARCHAR"):
        yield f"{table}.{name}: type {column.type} does not fit the role {column.role}"
    if column.type == "DATE" and name not in _DAYS:
        yield f"{table}.{name}: a date that is neither month nor day"
    if name in unnamed:
        yield f"{table}.{name}: bears the name of an identifying column of the source"
