"""From a source's types to those of schema `raw`.

    canonical                 raw
    id, text, email, enum     VARCHAR
    timestamp, date           TIMESTAMP, TIMESTAMPTZ or DATE as the source has it, else VARCHAR
    amount, number            DECIMAL where the source has an exact scale, else VARCHAR (nothing is rounded, NaN stays)
    integer                   BIGINT, else VARCHAR
    boolean                   BOOLEAN, else VARCHAR

Belongs here: which type becomes which, and which cannot. Values are converted, and judged one by one, in staging.
"""

from ajprivacy_pipeline.policy import ColumnType as Canonical
from ajprivacy_pipeline.warehouse.source import ColumnType, Kind

_TEXT: tuple[Kind, ...] = ("text", "integer", "decimal", "number", "boolean", "date", "timestamp", "timestamptz",
                           "other")
_TIME: tuple[Kind, ...] = ("text", "date", "timestamp", "timestamptz")
_NUMBER: tuple[Kind, ...] = ("text", "integer", "decimal", "number", "float")
_FIT: dict[Canonical, tuple[Kind, ...]] = {
    "id": _TEXT, "enum": _TEXT, "email": _TEXT, "text": (*_TEXT, "float", "json", "array"),
    "timestamp": _TIME, "date": _TIME, "amount": _NUMBER, "number": _NUMBER, "integer": _NUMBER,
    "boolean": ("text", "integer", "boolean"),
}
_MENDS: dict[Canonical, str] = {
    "id": "an expression that yields text", "enum": "an expression that yields text",
    "email": "an expression that yields text", "text": "an expression that yields text",
    "timestamp": "an expression that yields a timestamp", "date": "an expression that yields a date",
    "amount": "an expression that yields an exact number", "number": "an expression that yields a number",
    "integer": "an expression that yields a whole number", "boolean": "an expression that yields true or false",
}


def unfit(canonical: Canonical, type_: ColumnType, dialect: str) -> str | None:
    """Returns why a column of this type cannot feed one of that type, with the remedy; None if it can."""
    if type_.kind == "unknown" or type_.kind in _FIT[canonical]:
        return None
    if dialect == "sqlite" and type_.kind in ("number", "other"):
        return None  # SQLite's declared types bind nobody: its DATETIME and NUMERIC hold what was put into them
    return (f"the source's type {type_.name} cannot be converted to {canonical}; feed it from "
            f'{{ sql = "..." }} with {_MENDS[canonical]}')


def raw_type(canonical: Canonical, type_: ColumnType, dialect: str) -> str:
    """Returns the DuckDB type of a column in schema `raw`."""
    if dialect == "sqlite" or canonical in ("id", "text", "email", "enum"):
        return "VARCHAR"  # SQLite converts nothing reliably: '' aborts a typed scan, DECIMAL arrives as a double
    if canonical in ("timestamp", "date"):
        return {"date": "DATE", "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPTZ"}.get(type_.kind, "VARCHAR")
    if canonical in ("amount", "number") and type_.kind == "decimal":
        return f"DECIMAL({type_.precision},{type_.scale})"
    if canonical in ("amount", "number") and type_.kind == "integer":
        return "DECIMAL(19,0)"
    if canonical == "integer" and type_.kind == "integer":
        return "BIGINT"
    if canonical == "boolean" and type_.kind == "boolean":
        return "BOOLEAN"
    return "VARCHAR"
