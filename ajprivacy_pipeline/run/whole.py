"""Whether a table has what it must have of those that it is made of: nobody lost on the way, nothing counted twice.

Belongs here: the questions (`whole.toml`; for what is published: its dimensions), and asking them. Does not belong
here: what a table is (`sql/`), how an answer looks in Dagster (`assets.quality`), the gates of a release.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.zones import Connection, quote

_DIMENSION = "dimension"


@dataclass(frozen=True)
class Question:
    """What must hold of a table, in words, and the statement that counts what breaks it."""

    says: str
    wrong: str


def questions(policy: Policy) -> Mapping[str, Question]:
    """Returns what is asked of which table, as `schema.table`: those of the list, and each published one."""
    return {**_listed(), **{
        f"published.{name}": Question("Every cell stands once.", _twice(f"published.{quote(name)}", dimensions))
        for name, table in policy.release.tables.items()
        if table.months and (dimensions := [c for c, column in table.columns.items() if column.role == _DIMENSION])}}


@cache
def _listed() -> Mapping[str, Question]:
    read = tomllib.loads(Path(__file__).with_name("whole.toml").read_text(encoding="utf-8"))
    return {name: Question(said["says"], said["wrong"].strip()) for name, said in read.items()}


def _twice(table: str, columns: list[str]) -> str:
    return f"SELECT count(*) - count(DISTINCT row({', '.join(map(quote, columns))})) FROM {table}"


def wrong(con: Connection, table: str, question: Question) -> int:
    """Returns how many rows or people break what must hold of a table; 0 is right."""
    with boundary(f"look at {table}"):
        return int(con.execute(question.wrong).fetchall()[0][0] or 0)
