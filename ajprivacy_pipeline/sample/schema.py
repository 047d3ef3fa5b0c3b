"""The sample shop's tables as statements: what the databases it is written to call the contract's types.

Belongs here: data definition and the sample's own mark. Does not belong here: connections.
"""

from ajprivacy_pipeline.sample.shop import contract, keys
from ajprivacy_pipeline.storage.zones import quote

MARK = "ajprivacy_sample"  # its presence says: this shop is ours to replace
OWN_PREFIX = "ajprivacy_"

_COMMON = {"id": "text", "text": "text", "email": "text", "enum": "text"}
# SQLite has no dates: ISO text says what it is, and no driver guesses a zone
SQLITE = {**_COMMON, "timestamp": "TEXT", "date": "TEXT", "amount": "DECIMAL(18,2)", "number": "INTEGER",
          "integer": "INTEGER", "boolean": "BOOLEAN"}
POSTGRESQL = {**_COMMON, "timestamp": "timestamptz", "date": "date", "amount": "numeric(18,2)", "number": "integer",
              "integer": "smallint", "boolean": "boolean"}
_NARROWER = {("postgresql", "warranty_years"): "smallint"}


def creations(dialect: str) -> list[str]:
    """CREATE TABLE of every table of the contract and of the mark, without keys."""
    kinds = SQLITE if dialect == "sqlite" else POSTGRESQL
    made = []
    for table, columns in contract().items():
        body = ", ".join(f"{quote(name)} {_NARROWER.get((dialect, name), kinds[kind])}"
                         for name, kind in columns.items())
        made.append(f"CREATE TABLE {quote(table)} ({body})")
    made.append(f"CREATE TABLE {quote(MARK)} (seed bigint, customers bigint, until text)")
    return made


def primary_keys() -> list[str]:
    """ALTER TABLE statements, to be run after the load."""
    return [f"ALTER TABLE {quote(table)} ADD PRIMARY KEY ({', '.join(map(quote, key))})"
            for table, key in keys().items()]


def unique_keys() -> list[str]:
    """CREATE UNIQUE INDEX statements, to be run after the load where a primary key cannot be added to a table."""
    return [f"CREATE UNIQUE INDEX {quote(f'{table}_key')} ON {quote(table)} ({', '.join(map(quote, key))})"
            for table, key in keys().items()]
