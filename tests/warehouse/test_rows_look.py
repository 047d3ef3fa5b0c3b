"""`mapping check --rows` shows what rows look like: who is read, orphans, zeros, hours, masked shapes, and no value."""

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ajprivacy_pipeline.cli.main import app
from ajprivacy_pipeline.run.rows_look import moved_hours
from tests.warehouse.shopkit import canonical_sqlite

HOURS = [0, 0, 0, 0, 0, 1, 3, 6, 9, 10, 11, 12, 12, 11, 10, 9, 9, 10, 11, 10, 6, 3, 1, 0]  # of a shop's day, locally


def times(by: int) -> list[str]:
    """Times of a shop by hour, in January, and in July so many hours later."""
    return [f"2024-{month}-15 {(hour + moved) % 24:02}:{minute:02}:00" for month, moved in (("01", 0), ("07", by))
            for hour, count in enumerate(HOURS) for minute in range(3 * count)]


def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: dict[str, list[dict[str, Any]]],
         mapping: str = "") -> list[str]:
    url = canonical_sqlite(tmp_path / "shop.db", rows)
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.executescript("CREATE TABLE carts (id, email, Vorname, name, zip, total);"
                           "CREATE TABLE states (id, name, email_template)")
    (tmp_path / "mapping.toml").write_text(mapping, encoding="utf-8")
    monkeypatch.setenv("AJPRIVACY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AJPRIVACY_WAREHOUSE", url)
    monkeypatch.setenv("AJPRIVACY_MAPPING", str(tmp_path / "mapping.toml"))
    found = CliRunner().invoke(app, ["mapping", "check", "--rows"])
    assert found.exit_code == 0, found.output
    return [re.sub(r"^(\w+) +", r"\1 ", line) for line in found.stdout.splitlines()]


def shop(ordered: list[str]) -> dict[str, list[dict[str, Any]]]:
    return {"customers": [
                {"customer_id": "1", "customer_type": "consumer", "name": "Kåre Nordmann", "email": "Kari@x.example"},
                {"customer_id": "2", "customer_type": "consumer", "name": "Ola Hansen", "phone": "+47 22 12 34 56"},
                {"customer_id": "3", "customer_type": "business"}],
            "orders": [{"order_id": str(at), "customer_id": ("1", "2", "9", None)[at % 4], "ordered_at": text,
                        "delivered_at": "00000000" if len(ordered) < 20 else None} for at, text in enumerate(ordered)],
            "order_lines": [{"order_id": "0", "line_number": 1, "product_id": None}]}


def test_the_mappings_own_ids_of_nobody_lead_nowhere_and_are_no_orphans(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a plan unlinked, as the database demands it, is not a column that holds other ids."""
    rows = shop(["2024-01-01 10:00:00"] * 8)
    rows["orders"][0]["customer_id"], rows["orders"][1]["customer_id"] = "-1", "-3"
    said = look(tmp_path, monkeypatch, rows, "[tombstones]\nconsumer = -1\nbusiness = -2\nsole_proprietor = -3")
    assert next(line for line in said if "ids are none of customers" in line).startswith(
        "dangerous orders.customer_id: 2 of 6 ids")


def test_what_is_read_for_whom_and_what_points_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = look(tmp_path, monkeypatch, shop(["2024-01-01 10:00:00"] * 8))
    for start, rest in (
            ("harmless customers: 3 rows", ": 2 consumer, 1 business"),
            ("harmless orders: 8 rows", ", of 3 customers, of 0 contacts; 2 of nobody who is named"),
            ("harmless customers.name: 33 % empty", "; looks like Aaa Aaaaaa, Aaaa Aaaaaaaa"),
            ("harmless customers.phone: 66 % empty", "; looks like +99 99 99 99 99"),
            ("dangerous orders.customer_id: 2 of 6 ids are none of customers", (": does the column hold other ids, or "
             "does the mapping leave rows out? What they belong to is kept")),
            ("dangerous orders.delivered_at: 8 dates of zeros", (": say with tables.orders.columns.delivered_at = "
             '{ column = "...", empty = ["0000-00-00"] } that they mean no date')),
            ("dangerous carts: email, Vorname, name, zip", (": look personal, and nothing reads them, so they are kept "
             "for ever; map them, or declare them as [[copies]], or as [[known_copies]] with a reason"))):
        assert start + rest in said, "\n".join(said)
    assert not [line for line in said if "states" in line]
    levels = [line.split()[0] for line in said[:-1]]
    assert levels == sorted(levels, key=["evidence", "dangerous", "missing", "harmless"].index)
    for value in ("Nordmann", "Hansen", "x.example", "22 12"):
        assert value not in "\n".join(said)


def test_what_the_mapping_declares_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = look(tmp_path, monkeypatch, shop(["2024-01-01"]), """
        [[copies]]
        table = "carts"
        by = { column = "email", email = true }
        erase = ["email", "Vorname", "name"]
        with = ["customers.email"]
        [[known_copies]]
        table = "carts"
        column = "zip"
        reason = "no more than a district"
        """)
    assert not [line for line in said if "look personal" in line]


@pytest.mark.parametrize(("by", "zone", "says"), [
    (0, "Europe/Oslo", None), (-1, "Europe/Oslo", "times that are in UTC were read in a zone with summer time"),
    (-1, "UTC", None), (0, "UTC", "times that are local were read in UTC")])
def test_hours_that_move_with_the_clock_are_told(by: int, zone: str, says: str | None, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop's day is the same in summer and in winter; one in UTC seems to begin an hour earlier in summer."""
    said = look(tmp_path, monkeypatch, shop(times(by)), f'source_timezone = "{zone}"')
    assert [line for line in said if "orders.ordered_at: hours of the day" in line] != []
    warned = [line for line in said if line.startswith("dangerous orders.ordered_at")]
    assert [says in line for line in warned] == ([True] if says else [])


@pytest.mark.parametrize(("summer", "winter", "moved"), [
    ([1] * 24, [1] * 24, 0), ([50] * 24, [60] * 24, 0), ([0] * 9 + [300] + [0] * 14, [0] * 10 + [300] + [0] * 13, -1),
    ([0] * 9 + [90] + [0] * 14, [0] * 10 + [300] + [0] * 13, 0), ([300, *[0] * 23], [*[0] * 23, 300], 1)])
def test_hours_are_believed_where_they_are_clear(summer: list[int], winter: list[int], moved: int) -> None:
    assert moved_hours(summer, winter) == moved
