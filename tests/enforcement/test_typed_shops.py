"""The same shops in columns of real types are decided alike, and carried out as exactly as in columns of text."""

import zlib
from collections.abc import Callable
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.sources import SourceColumn
from ajprivacy_pipeline.settings import NOTICE
from tests.enforcement.enforcement_world import empty_database
from tests.enforcement.expected import TOMBSTONES
from tests.enforcement.test_random_shops import Merged, carried_out, shops, world_of
from tests.oracle.batch import IDS
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


class _Numbered:
    """Ids as numbers, uuids, bytes or texts of a fixed width, and the shops' own ids of them."""

    def __init__(self, make: Callable[[int], object], say: Callable[[object], str]) -> None:
        """Make an id of a number, and say it as it is found in the contract and in a row."""
        self._make, self._say = make, say
        self._known: dict[str, object] = {}
        self._own: dict[str, str] = {}

    def of(self, value: object) -> object:
        """The id of one of the shops' own; of blanks, none."""
        if (text := trimmed(value)) is None:
            return None
        if text not in self._known:
            self._known[text] = self._make(1000 + len(self._known))
            self._own[self._say(self._known[text])] = text
        return self._known[text]

    def shops_own(self, text: str) -> str:
        """The shops' own id of one that was read."""
        return self._own.get(text.strip(), text)

    def tombstones(self) -> str:
        """The mapping's section of them."""
        return "[tombstones]\n" + "".join(f"{kind} = {self._say(self.of(own))!r}\n" for kind, own in TOMBSTONES.items())


def _uuid(number: int) -> UUID:
    return uuid5(UUID(int=0), str(number))


IDENTIFIED: dict[tuple[str, str], tuple[Any, Callable[[int], object], Callable[[object], str]]] = {
    ("sqlite", "integer"): (sa.BigInteger(), int, str),
    ("postgresql", "bigint"): (sa.BigInteger(), int, str),
    ("postgresql", "uuid"): (postgresql.UUID(), _uuid, str),
    ("postgresql", "numeric"): (sa.Numeric(20, 0), Decimal, str),
    ("postgresql", "char"): (sa.CHAR(12), "K{}".format, str),
    ("mariadb", "bigint"): (mysql.BIGINT(unsigned=True), int, str),
    ("mariadb", "decimal"): (sa.Numeric(20, 0), Decimal, str),
    ("mariadb", "uuid"): (sa.Uuid(as_uuid=False), lambda number: str(_uuid(number)), str),
    ("mariadb", "char"): (sa.CHAR(12), "K{}".format, str),
}


def _with_ids(numbered: _Numbered, merged: Merged) -> Merged:
    return {name: [{column: numbered.of(value) if column in IDS and column != "visitor_id" else value
                    for column, value in row.items()} for row in rows] for name, rows in merged.items()}


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "ids"), [*((kind, "text") for kind in MOMENTS), *IDENTIFIED])
def test_types_change_nothing(kind: str, ids: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    drawn = shops(range(200), faults=False)
    url = empty_database(kind, request, tmp_path, "typed")
    (tmp_path / "text").mkdir()
    (tmp_path / "typed").mkdir()
    text = world_of(tmp_path / "text", f"sqlite:///{tmp_path / 'text.db'}", drawn)
    typed, identified = _typed(kind, drawn), IDENTIFIED.get((kind, ids))
    numbered = _Numbered(*identified[1:]) if identified else None

    def type_of(name: str, column: str, spec: SourceColumn) -> Any:
        return identified[0] if identified and column in IDS and column != "visitor_id" else _type(
            kind, (name, column), spec)

    world = world_of(tmp_path / "typed", url, _with_ids(numbered, typed) if numbered else typed, type_of,
                     numbered.tombstones() if numbered else None)
    assert carried_out(world, numbered.shops_own if numbered else str) == text.decide()
