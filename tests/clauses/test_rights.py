"""The promises about people's rights, each with the test that proves it."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.rights.shapes import read_package
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_decisions
from tests.rights.shop import Desk, write_shop

SHOP = {
    "customers": [{"customer_id": "1", "customer_type": "consumer", "name": "Kari Nordmann", "email": "kari@example.no",
                   "profile_created_at": "2020-01-01"},
                  {"customer_id": "2", "customer_type": "consumer", "name": "Ola Hansen", "email": "ola@example.no"}],
    "orders": [{"order_id": "o1", "customer_id": "1", "ordered_at": "2026-05-01", "delivery_name": "Kari Nordmann"},
               {"order_id": "o2", "customer_id": "2", "ordered_at": "2026-05-01", "delivery_name": "Ola Hansen"}],
}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    write_shop(url, SHOP)
    return Desk(tmp_path / "home", url, monkeypatch)


def answered(desk: Desk, capsys: pytest.CaptureFixture[str], out: Path, kind: str = "access", *,
             verified: bool = True) -> int:
    code, said, _ = desk.run(capsys, "request", "add", "--kind", kind, "--customer", "1", "--received", "2026-11-20")
    assert code == 0
    if verified:
        assert desk.run(capsys, "request", "verify-identity", said.strip())[0] == 0
    return desk.run(capsys, "request", "answer", said.strip(), "--out", str(out))[0]


def test_rgt_1_access_gives_an_extract_of_what_is_held(desk: Desk, capsys: pytest.CaptureFixture[str],
                                                       tmp_path: Path) -> None:
    assert answered(desk, capsys, tmp_path / "out") == 0
    found = read_package(tmp_path / "out" / "package.json")
    assert [row["name"] for row in found["customers"]] == ["Kari Nordmann"]
    assert [row["delivery_name"] for row in found["orders"]] == ["Kari Nordmann"]
    assert "Ola Hansen" not in (tmp_path / "out" / "package.json").read_text(encoding="utf-8")


def carried_out(desk: Desk, capsys: pytest.CaptureFixture[str], kind: str, *wish: str) -> list[tuple[str | None, ...]]:
    """Ask, plan, approve, apply; returns the customers' rows afterwards."""
    code, said, err = desk.run(capsys, "request", "add", "--kind", kind, "--customer", "1", "--received", "2026-11-20",
                               *wish)
    assert code == 0, err
    desk.run(capsys, "request", "verify-identity", said.strip())
    plan = json.loads(desk.run(capsys, "plan", "make", "--request", said.strip(), "--json")[1])["plan"]
    assert desk.run(capsys, "plan", "approve", plan, "--by", "Ada")[0] == 0
    assert desk.run(capsys, "plan", "apply", plan)[0] == 0
    engine = sa.create_engine(desk.env["AJPRIVACY_WAREHOUSE"])
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT customer_id, name, email FROM customers ORDER BY 1").fetchall()
    engine.dispose()
    return [tuple(row) for row in rows]


def test_rgt_2_what_is_wrong_is_corrected_where_it_stands(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert carried_out(desk, capsys, "rectification", "--table", "customers", "--column", "name", "--old",
                       "Kari Nordmann", "--new", "Kari Normann") == [
        ("1", "Kari Normann", "kari@example.no"), ("2", "Ola Hansen", "ola@example.no")]


def test_rgt_3_what_no_obligation_keeps_is_erased_on_request(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """The order was cancelled, and nothing else keeps the person; nobody else is touched."""
    with open_month(desk.settings, "2026-10", "test") as run:
        run_decisions(run)
        run.finish()
    engine = sa.create_engine(desk.env["AJPRIVACY_WAREHOUSE"])
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET cancelled_at = '2026-05-02'")
    engine.dispose()
    assert carried_out(desk, capsys, "erasure") == [("1", None, None), ("2", "Ola Hansen", "ola@example.no")]


def test_rgt_5_portability_gives_what_the_person_provided(desk: Desk, capsys: pytest.CaptureFixture[str],
                                                          tmp_path: Path) -> None:
    assert answered(desk, capsys, tmp_path / "out", "portability") == 0
    found = read_package(tmp_path / "out" / "package.json")
    assert found["customers"][0]["email"] == "kari@example.no"
    assert "profile_created_at" not in found["customers"][0]


def test_rgt_8_nothing_is_handed_out_before_the_person_is_identified(desk: Desk, capsys: pytest.CaptureFixture[str],
                                                                     tmp_path: Path) -> None:
    assert answered(desk, capsys, tmp_path / "out", verified=False) == 2
    assert not (tmp_path / "out").exists()
    assert answered(desk, capsys, tmp_path / "out") == 0


def test_rgt_9_the_person_is_told_what_why_how_long_and_who_receives_it(
        desk: Desk, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert answered(desk, capsys, tmp_path / "out") == 0
    found = json.loads((tmp_path / "out" / "package.json").read_text(encoding="utf-8"))
    customers = next(table for table in found["held"] if table["table"] == "customers")
    email = next(field for field in customers["fields"] if field["name"] == "email")
    assert email["purposes"]
    assert email["clauses"]
    assert any("email" in kept["fields"] and kept["text"] for kept in customers["rows"][0]["kept"])
    assert found["recipients"]
    assert found["complaint"]["authority"] == "Datatilsynet"
