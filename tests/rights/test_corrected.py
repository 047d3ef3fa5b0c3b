"""A request that the warehouse makes somebody else's after the person was identified: that counts for nobody else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_decisions
from tests.rights.conftest import SHOP, Say, decide
from tests.rights.shop import Desk, Rows

ROWS: Rows = {**SHOP, "rights_requests": [
    {"request_id": kind, "kind": kind, "customer_id": "1", "email": "kari@example.no", "received_at": "2026-10-20"}
    for kind in ("access", "erasure", "rectification")]}
Again = Callable[[str], dict[str, str]]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return decide(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", monkeypatch, ROWS)


@pytest.fixture
def again(desk: Desk, say: Say) -> Again:
    """Identify who asked, change the warehouse's rows, run the month again; what is said of the requests then."""

    def changed(values: str) -> dict[str, str]:
        for request in ("access", "erasure"):
            assert say("request", "verify-identity", request)[0] == 0
        desk.execute(f"UPDATE rights_requests SET {values}")
        with open_month(desk.settings, "2026-11", "again") as run:
            run_decisions(run)
            found = run.con.execute("SELECT request_id, CASE WHEN verified_on IS NULL THEN 'not' ELSE 'verified' END "
                                    "FROM retention.requests WHERE kind <> 'rectification'").fetchall()
            run.finish()
        return dict(found)

    return changed


def test_nothing_is_handed_out_or_erased_of_somebody_who_was_not_identified(again: Again, desk: Desk, say: Say,
                                                                            tmp_path: Path) -> None:
    """Until that person is; the row is another's by its customer and its address."""
    assert again("customer_id = '2', email = 'ola@example.no'") == {"access": "not", "erasure": "not"}
    code, _, err = say("request", "answer", "access", "--out", str(tmp_path / "out"))
    assert (code, "before the person is identified" in err, (tmp_path / "out").exists()) == (2, True, False)
    assert say("request", "verify-identity", "access")[0] == 0
    assert say("request", "answer", "access", "--out", str(tmp_path / "out"))[0] == 0
    assert say("request", "verify-identity", "access")[0] == 2


def test_nothing_is_corrected_for_somebody_who_was_not_identified(desk: Desk, say: Say) -> None:
    """The plan was made while the request was hers."""
    wish = ("--table", "customers", "--column", "name", "--old", "Kari Nordmann", "--new", "Kari Normann")
    assert say("request", "correct", "rectification", *wish)[0] == 0
    assert say("request", "verify-identity", "rectification")[0] == 0
    plan = json.loads(say("plan", "make", "--request", "rectification", "--json")[1])["plan"]
    approve(desk.settings, plan, "Ada")
    engine = sa.create_engine(desk.env["AJPRIVACY_WAREHOUSE"])
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE rights_requests SET customer_id = '2', email = NULL")
    code, out, err = say("plan", "apply", plan, "--json")
    assert (code, out, "is not identified (RGT-8)" in err) == (2, "", True), err
    with engine.connect() as connection:
        name = connection.exec_driver_sql("SELECT name FROM customers WHERE customer_id = '1'").scalar()
    assert name == "Kari Nordmann"
    engine.dispose()


def test_whoever_was_identified_stays_so(again: Again) -> None:
    assert again("details = 'called', email = ' KARI@example.no'") == {"access": "verified", "erasure": "verified"}
