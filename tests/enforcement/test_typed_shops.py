"""The same shops in columns of real types are decided alike, and carried out as exactly as in columns of text."""

import zlib
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.sources import SourceColumn
from ajprivacy_pipeline.settings import NOTICE
from tests.enforcement.enforcement_world import empty_database
from tests.enforcement.test_random_shops import Merged, carried_out, shops, world_of
from tests.oracle.times import OSLO, read_time, trimmed

Column = tuple[str, str]  # table and column
TIMES = (time(0), time(0, 30), time(12), time(23, 30), time(23, 59, 59))
MOMENTS: dict[str, tuple[Any, ...]] = {
    "sqlite": (sa.DateTime(), sa.Date()),
    "postgresql": (postgresql.TIMESTAMP(timezone=True), postgresql.TIMESTAMP(), sa.Date()),
    "mariadb": (mysql.DATETIME(fsp=3), mysql.TIMESTAMP(), sa.Date()),
}
SOURCES = load_policy(NOTICE).sources


def _number(column: Column) -> int:
    """The same for a column in every run."""
    return zlib.crc32(".".join(column).encode())


def _type(kind: str, column: Column, spec: SourceColumn) -> Any:
    """Moments are kept in each of a database's types, booleans and amounts in its own."""
    if spec.type == "timestamp":
        return MOMENTS[kind][_number(column) % len(MOMENTS[kind])]
    known = {"date": sa.Date(), "amount": sa.Numeric(18, 3), "boolean": sa.Boolean(create_constraint=False),
             "integer": sa.BigInteger()}
    return known.get(spec.type, sa.String(200))


def _value(kind: str, column: Column, spec: SourceColumn, value: object) -> object:
    """A text as the column's own type takes it; of a moment its day in Oslo is what counts."""
    text = trimmed(value)
    if spec.type not in ("timestamp", "date", "amount", "boolean", "integer"):
        return value
    if text is None:
        return None
    if spec.type in ("timestamp", "date"):
        return _moment(_type(kind, column, spec), read_time(text).local, TIMES[_number((*column, text)) % len(TIMES)])
    return {"amount": Decimal, "boolean": lambda said: said.lower() in ("true", "1"), "integer": int}[spec.type](text)


def _moment(type_: Any, day: Any, clock: time) -> object:
    if isinstance(type_, sa.Date):
        return day
    local = datetime.combine(day, clock)
    if isinstance(type_, mysql.TIMESTAMP):  # the session that writes says UTC
        return local.replace(tzinfo=OSLO).astimezone(UTC).replace(tzinfo=None)
    return local.replace(tzinfo=OSLO) if getattr(type_, "timezone", False) else local


def _typed(kind: str, text: Merged) -> Merged:
    return {name: [{column: _value(kind, (name, column), SOURCES.tables[name].columns[column], value)
                    for column, value in row.items()} for row in rows] for name, rows in text.items()}


@pytest.mark.soak
@pytest.mark.parametrize("kind", MOMENTS)
def test_types_change_nothing(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    drawn = shops(range(200), faults=False)
    url = empty_database(kind, request, tmp_path, "typed")
    (tmp_path / "text").mkdir()
    (tmp_path / "typed").mkdir()
    text = world_of(tmp_path / "text", f"sqlite:///{tmp_path / 'text.db'}", drawn)
    typed = world_of(tmp_path / "typed", url, _typed(kind, drawn),
                     lambda name, column, spec: _type(kind, (name, column), spec))
    decided = text.decide()
    assert carried_out(typed) == decided
