"""A fingerprint is the HMAC of exactly what a part of a row would lose, as slow and obvious code computes it."""

import hmac
from collections.abc import Iterator
from contextlib import closing

import pytest

from ajprivacy_pipeline.enforcement.marks import Marking
from ajprivacy_pipeline.enforcement.stages import stages_of
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import zones

KEYS = (b"one key of a plan" * 4, b"another")  # longer and shorter than a block of the hash
POLICY = load_policy(NOTICE)
STAGES = stages_of(POLICY)
OWN = {"customers": "business", "contacts": None, "orders": "business", "invoices": "consumer"}


def _obvious(key: bytes, entity: str, record_id: str, part: str, row: dict[str, str | None],
             customer_type: str | None) -> str:
    stage, told = STAGES[entity, part], [entity, record_id, part]
    for column in stage.columns:
        of_company = column in stage.company or (part == "link" and column == "customer_id")
        if of_company and customer_type in ("business", None):
            continue
        value = row[column]
        told += [column, "" if value is None else f"={value}"]
    text = "".join(f"{len(one)}:{one}\x1f" for one in told)
    return hmac.digest(key, text.encode(), "sha256").hex()[:32]


@pytest.fixture(scope="module")
def con() -> Iterator[zones.Connection]:
    with closing(zones.memory()) as engine:
        yield engine


def _marks(con: zones.Connection, entity: str, record_id: str, row: dict[str, str | None], customer_type: str | None,
           keys: tuple[bytes, ...] = KEYS) -> tuple[dict[str, str], ...]:
    """The fingerprints of a row all of whose parts are due, under each key."""
    parts = [part for table, part in STAGES if table == entity]
    marking = Marking(keys)
    listed = ", ".join(f"${name}::VARCHAR AS {zones.quote(name)}" for name in row)
    found = con.execute(f"SELECT {marking.select(STAGES, entity)}true FROM (SELECT {listed}) AS r, "
                        "(SELECT $its_id::VARCHAR AS record_id, $its_parts::VARCHAR[] AS parts) AS d, "
                        "(SELECT $its_type::VARCHAR AS customer_type) AS f",
                        {**row, "its_id": record_id, "its_parts": parts, "its_type": customer_type,
                         **marking.bound}).fetchall()[0]
    return tuple(dict(zip(parts, marks, strict=True)) for marks in found[:-1])


@pytest.mark.parametrize("entity", list(OWN))
def test_part_by_part_they_are_the_same(con: zones.Connection, entity: str) -> None:
    row = _row(entity, **{name: f"{name} é" for name in list(POLICY.sources.tables[entity].columns)[::2]})
    marking = Marking(KEYS[:1])
    listed = ", ".join(f"${name}::VARCHAR AS {zones.quote(name)}" for name in row)
    for part, mark in _marks(con, entity, "K1", row, OWN[entity], KEYS[:1])[0].items():
        assert con.execute(f"SELECT {marking.of_part(STAGES, entity)} FROM (SELECT {listed}) AS r, "
                           "(SELECT 'K1' AS record_id, $its_part AS part) AS d, "
                           "(SELECT $its_type::VARCHAR AS customer_type) AS f",
                           {**row, "its_part": part, "its_type": OWN[entity], **marking.bound}).fetchall() == [(mark,)]


def _row(entity: str, **given: str | None) -> dict[str, str | None]:
    row: dict[str, str | None] = dict.fromkeys(POLICY.sources.tables[entity].columns)
    return row | given


@pytest.mark.parametrize("entity", list(OWN))
@pytest.mark.parametrize("customer_type", ["business", "consumer", None])
def test_it_is_what_obvious_code_computes(con: zones.Connection, entity: str, customer_type: str | None) -> None:
    columns = POLICY.sources.tables[entity].columns
    row = _row(entity, **{name: f"Åse {i} 😀 12:" for i, name in enumerate(columns) if i % 3})

    for key, marks in zip(KEYS, _marks(con, entity, "Ø-1", row, customer_type), strict=True):
        assert marks == {part: _obvious(key, entity, "Ø-1", part, row, customer_type) for part in marks}


def test_what_goes_with_it_and_nothing_else_changes_it(con: zones.Connection) -> None:
    row = _row("orders", delivery_name="Kari", delivery_email="", delivered_at="2020-01-01")
    marks = _marks(con, "orders", "7", row, "consumer")[0]

    for change in ({"delivery_name": "Kari "}, {"delivery_email": None}, {"customer_id": "c1"}):
        changed = _marks(con, "orders", "7", row | change, "consumer")[0]
        gone = {part for part in marks if set(change) & set(STAGES["orders", part].columns)}
        assert gone
        assert {part for part in marks if changed[part] != marks[part]} == gone
    assert _marks(con, "orders", "7", row | {"delivered_at": None}, "consumer")[0] == marks


def test_no_two_texts_read_alike(con: zones.Connection) -> None:
    """Neither a separator nor a length inside a value moves what stands where."""
    part = next(part for (table, part), stage in STAGES.items() if table == "orders" and len(stage.columns) > 1
                and part != "link")
    one, two = list(STAGES["orders", part].columns)[:2]
    values = ("a", f"a\x1f{len(two)}:{two}\x1f2:=b", "", None)

    found = [_marks(con, "orders", "7", _row("orders", **{one: first, two: second}), "consumer", KEYS[:1])[0][part]
             for first in values for second in values]

    assert len(set(found)) == len(values) ** 2
