"""Each kind from request to answer, with what it changes in the next run; an answer killed at every step."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_decisions
from tests.rights.conftest import SHOP, Say, decide
from tests.rights.shop import Desk, Killed, write_shop

# Another process that has a month open for writing, under the month's lock, as a run has; it waits to be killed.
_RUNS = """
import os, sys, time
from ajprivacy_pipeline.settings import load_settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_file, month_lock
settings, month = load_settings(os.environ), sys.argv[1]
keys = KeyStore(settings.keys, settings.root_key)
with month_lock(settings, month), zones.open_zone(settings, keys, month_file(settings, month)):
    print("running", flush=True)
    time.sleep(600)
"""


def asked(say: Say, kind: str, customer: str, *, verified: bool = True) -> str:
    code, out, err = say("request", "add", "--kind", kind, "--customer", customer, "--received", "2026-10-20")
    assert code == 0, err
    if verified:
        assert say("request", "verify-identity", out.strip())[0] == 0
    return out.strip()


def decided(desk: Desk, run_id: str) -> tuple[dict[tuple[str, str], str], set[str]]:
    """What the month says of every attribute, and who is kept out of pseudonymised and published data."""
    with open_month(desk.settings, "2026-10", run_id) as run:
        run_decisions(run)
        rows = run.con.execute("SELECT subject_id, attribute, decision FROM retention.attribute_decisions").fetchall()
        out = run.con.execute("SELECT subject_id FROM retention.kept_out WHERE subject_id IS NOT NULL").fetchall()
        run.finish()
    return {(subject, attribute): decision for subject, attribute, decision in rows}, {row[0] for row in out}


def carried_out(desk: Desk, say: Say, request: str, tmp_path: Path) -> dict[str, Any]:
    """Plan, approve, apply, answer, close; returns the answer."""
    plan = json.loads(say("plan", "make", "--request", request, "--json")[1])["plan"]
    approve(desk.settings, plan, "Ada")
    assert json.loads(say("plan", "apply", plan, "--json")[1])["verified"]
    assert say("request", "answer", request, "--out", str(tmp_path / request))[0] == 0
    assert say("request", "close", request)[0] == 0
    found: dict[str, Any] = json.loads((tmp_path / request / "package.json").read_text(encoding="utf-8"))
    return found


def check_all(desk: Desk, say: Say, tmp_path: Path) -> None:
    desk.on(date(2026, 10, 30))
    restriction = asked(say, "restriction", "1")
    found, kept_out = decided(desk, "one")
    assert kept_out == {"customer:1"}
    assert found["customer:1", "gender"] == "retain"
    code, _, err = say("request", "close", restriction)
    assert (code, "told first" in err) == (2, True)
    assert say("request", "close", restriction, "--told", "2026-10-30")[0] == 0

    objection = asked(say, "objection", "2", verified=False)
    answer = carried_out(desk, say, objection, tmp_path)
    assert {(part["state"], part["table"], part["part"]) for part in answer["parts"]} == {
        ("gone", "customers", "gender")}
    erasure = asked(say, "erasure", "1")
    answer = carried_out(desk, say, erasure, tmp_path)
    states = {(part["table"], part["part"]): part["state"] for part in answer["parts"]}
    assert (states["customers", "gender"], states["customers", "email"]) == ("gone", "stays")
    found, kept_out = decided(desk, "two")
    assert found["customer:1", "gender"] == found["customer:2", "gender"] == "absent"
    assert found["customer:1", "email"] == "retain"
    assert kept_out == set()
    engine = sa.create_engine(desk.env["AJPRIVACY_WAREHOUSE"])
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT customer_id, name, gender, preferences FROM customers ORDER BY customer_id").fetchall()
    engine.dispose()
    assert [tuple(row) for row in rows] == [("1", "Kari Nordmann", None, None), ("2", "Ola Ved", None, None)]


def test_restriction_objection_and_erasure_from_request_to_answer(desk: Desk, say: Say, tmp_path: Path) -> None:
    check_all(desk, say, tmp_path)


@pytest.mark.soak
def test_the_same_on_other_databases(server_desk: Desk, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    check_all(server_desk, lambda *arguments: server_desk.run(capsys, *arguments), tmp_path)


@pytest.mark.soak
def _of_a_guest(order: str, email: str, **more: str) -> dict[str, str]:
    return {"order_id": order, "ordered_at": "2026-02-01", "delivered_at": "2026-02-05", "paid_at": "2026-02-01",
            "total_amount": "10", "delivery_name": "Gjest", "delivery_email": email,
            "delivery_phone": "90000001"} | more


@pytest.mark.soak  # its quick sister is the case of retention.guest_requests
def test_a_guest_is_erased_by_the_address_of_the_orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                       capsys: pytest.CaptureFixture[str]) -> None:
    """However it is spelt there; what the law keeps is answered with its day, and a look-alike's order stays.

    So does what another customer sent there: it goes with that customer's order, and is told without anything of it.
    """
    shop = {**SHOP, "products": [{"product_id": "p", "warranty_years": "0"}],
            "orders": [_of_a_guest("g", "Gjest <GJEST@example.no>"), _of_a_guest("other", "gjest@example.no.org"),
                       _of_a_guest("named", "gjest@example.no", customer_id="2")],
            "order_lines": [{"order_id": key, "line_number": "1", "product_id": "p", "quantity": "1"}
                            for key in ("g", "other", "named")],
            "invoices": [{"invoice_id": "i", "order_id": "g", "issued_at": "2026-02-05", "amount": "10",
                          "paid_amount": "10", "billing_name": "Gjest", "billing_email": "gjest@example.no"}]}
    desk = decide(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", monkeypatch, shop)

    def say(*arguments: str) -> tuple[int, str, str]:
        return desk.run(capsys, *arguments)

    request = say("request", "add", "--kind", "erasure", "--email", "gjest@example.no", "--received", "2026-10-20")[1]
    assert say("request", "verify-identity", request.strip())[0] == 0
    answer = carried_out(desk, say, request.strip(), tmp_path)
    parts = {(part["state"], part["table"], part["part"]): (part["rows"], part["until"]) for part in answer["parts"]}
    assert parts == {("gone", "orders", "delivery"): (1, None), ("stays", "invoices", "billing"): (1, "2032-01-01"),
                     ("stays", "orders", "delivery"): (1, None)}
    (others,) = [part for part in answer["parts"] if (part["state"], part["table"]) == ("stays", "orders")]
    assert others["title"] == "Ordrer hos andre, der du er oppgitt som mottaker: leveringsopplysninger"
    assert others["text"].startswith("Beholdes like lenge som ordren eller fakturaen det står i. Deretter slettes det")
    engine = sa.create_engine(desk.env["AJPRIVACY_WAREHOUSE"])
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT order_id, delivery_name, delivery_email, delivery_phone FROM orders "
                                          "ORDER BY order_id").fetchall()
    engine.dispose()
    assert [tuple(row) for row in rows] == [
        ("g", None, None, None), ("named", "Gjest", "gjest@example.no", "90000001"),
        ("other", "Gjest", "gjest@example.no.org", "90000001")]


@pytest.mark.parametrize("kind", ["access", "portability", "erasure", "objection", "restriction", "rectification"])
def test_an_answer_killed_at_any_step_ends_the_same_when_it_is_begun_again(
        kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    write_shop(url, SHOP)
    desk = Desk(tmp_path / "home", url, monkeypatch)

    def say(*arguments: str) -> tuple[int, str, str]:
        return desk.run(capsys, *arguments)

    request, out = asked(say, kind, "1"), tmp_path / "out"
    assert say("request", "answer", request, "--out", str(tmp_path / "whole"))[0] == 0
    whole = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    for step in ("keep_copy", "write_folder", "record_step"):
        with monkeypatch.context() as patch:
            patch.setattr(f"ajprivacy_pipeline.rights.answer.{step}", _kill)
            with pytest.raises(Killed):
                say("request", "answer", request, "--out", str(out))
        assert out.exists() == (step == "record_step")
    assert say("request", "answer", request, "--out", str(out))[0] == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == whole
    steps = [step["step"] for step in json.loads(say("request", "show", request, "--json")[1])["steps"]]
    assert steps == ["added", "verify_identity", "answer", "answer"]
    close = ("--told", "2026-11-28") if kind == "restriction" else ()
    assert say("request", "close", request, *close)[0] == 0
    code, _, err = say("request", "close", request, *close)
    assert (code, "it is done already" in err, err.count("\n")) == (2, True, 1)


def _kill(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.parametrize("month", [pytest.param("2026-10", marks=pytest.mark.soak), "2026-11"])
def test_nothing_is_answered_from_a_month_that_is_being_run(desk: Desk, say: Say, tmp_path: Path, month: str) -> None:
    """The newest month again, and a new one of which nothing is decided: refused in one sentence, then answered."""
    _, request, _ = say("request", "add", "--kind", "access", "--customer", "1", "--received", "2026-11-20")
    request = request.strip()
    assert say("request", "verify-identity", request, "--by", "Ada")[0] == 0
    before = say("request", "show", request, "--json")
    running = subprocess.Popen([sys.executable, "-c", _RUNS, month], env={**os.environ, **desk.env},
                               stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == "running\n"
        code, out, err = say("request", "answer", request, "--out", str(tmp_path / "out"))
        assert (code, out) == (2, "")
        assert f"{month} is being run, and nothing is told of a month that is not finished" in err
        assert not (tmp_path / "out").exists()
        assert say("request", "add", "--kind", "access", "--customer", "2", "--received", "2026-11-21")[0] == 0
    finally:
        running.kill()
        running.communicate()
    assert say("request", "show", request, "--json") == before
    assert say("request", "answer", request, "--out", str(tmp_path / "out"))[0] == 0


@pytest.mark.parametrize(("customer", "listed", "receives"), [
    ("1", {"contract", "profile", "individualisation", "newsletter", "improvement", "rights"}, True),
    ("2", {"profile", "individualisation", "rights"}, False)])
def test_a_package_lists_the_purposes_of_its_person_alone(
        desk: Desk, say: Say, tmp_path: Path, customer: str, listed: set[str], receives: bool) -> None:
    """Neither the other purposes nor who receives data for those alone; the rest stands in the notice."""
    request = asked(say, "access", customer)
    assert say("request", "answer", request, "--out", str(tmp_path / "out"))[0] == 0
    found = json.loads((tmp_path / "out" / "package.json").read_text(encoding="utf-8"))
    assert {one["name"] for one in found["purposes"]} == listed
    assert {name for table in found["held"] for field in table["fields"] for name in field["purposes"]} <= listed
    assert {name for one in found["recipients"] for name in one["purposes"]} <= listed
    clauses = {clause for one in found["held"] if one["table"] == "customers"
               for field in one["fields"] for clause in field["clauses"]}
    assert ("CON-4" in clauses) == ("contract" in listed)  # no contract's clause where no contract is a purpose
    assert ("Transportører" in {one["title"] for one in found["recipients"]}) == receives
    text = (tmp_path / "out" / "package.html").read_text(encoding="utf-8")
    assert "Alle formålene våre går fram av personvernerklæringen." in text
    assert "slik det ble vurdert 1. november 2026" in text
    assert ("enkeltpersonforetaket" in text, "klikkhistorikk" in text) == (False, False)


_MANY = 60  # more than a command has points
_WISH = ("--table", "customers", "--column", "name", "--old", "Kari Nordmann", "--new", "Kari Normann")


class Points:
    """Counts what changes anything for good, a commit of a database and a file that takes its place; dies at the n-th.

    Before it happens, as with a process that is killed there: nothing of it is written.
    """

    def __init__(self) -> None:
        """Count nothing yet."""
        self.left = 0
        sys.addaudithook(lambda event, _: self.reached() if event == "os.rename" else None)
        sa.event.listen(sa.Engine, "commit", self.reached)

    def reached(self, *_: object) -> None:
        """Another one is about to happen."""
        self.left -= 1
        if self.left == 0:
            raise Killed


@pytest.fixture(scope="module")
def points() -> Iterator[Points]:
    """One for all tests, since what listens to the interpreter cannot be taken away; it sleeps in between."""
    made = Points()
    yield made
    sa.event.remove(sa.Engine, "commit", made.reached)


def _steps(kind: str, request: str, out: Path) -> list[tuple[str, ...]]:
    close = ("--told", "2026-11-28") if kind == "restriction" else ()
    return [*([("verify-identity", request)] if kind != "objection" else []),
            ("answer", request, "--out", str(out)), ("close", request, *close)]


def _walked(desk: Desk, capsys: pytest.CaptureFixture[str], kind: str, out: Path,
            points: Points | None) -> tuple[object, ...]:
    """From request to answer, each command killed at every point of it first; what is left in the end, without ids."""
    wish = _WISH if kind == "rectification" else ()
    add = ("request", "add", "--kind", kind, "--customer", "1", "--received", "2026-11-20", *wish)
    for at in range(1, _MANY) if points is not None else ():
        points.left = at
        try:
            desk.run(capsys, *add)
        except Killed:
            if not json.loads(desk.run(capsys, "request", "list", "--json")[1]):
                continue
        points.left = 0
        break
    if not json.loads(desk.run(capsys, "request", "list", "--json")[1]):
        assert desk.run(capsys, *add)[0] == 0
    (row,) = json.loads(desk.run(capsys, "request", "list", "--json")[1])
    request, kills = row["request"], 0
    if wish and "corrected" not in {step["step"] for step in desk.shown(capsys, request)["steps"]}:
        assert desk.run(capsys, "request", "correct", request, *wish)[0] == 0  # killed before it was noted
    for step in _steps(kind, request, out):
        for at in range(1, _MANY) if points is not None else ():
            points.left = at
            try:
                code, _, err = desk.run(capsys, "request", *step)
            except Killed:
                kills += 1
                continue
            finally:
                points.left = 0
            assert code == 0 or "may not be taken while it is" in err or "already" in err, err
            break
        else:
            assert points is None
            assert desk.run(capsys, "request", *step)[0] == 0
    assert points is None or kills >= len(_steps(kind, request, out))
    shown = desk.shown(capsys, request)
    files = {path.name: path.read_text(encoding="utf-8").replace(request, "ID") for path in out.iterdir()}
    return shown["state"], list(dict.fromkeys(step["step"] for step in shown["steps"])), files


@pytest.mark.parametrize("kind", ["portability", *(pytest.param(kind, marks=pytest.mark.soak) for kind in (
    "access", "restriction", "rectification", "objection", "erasure"))])
def test_each_kind_killed_at_every_point_of_every_command_ends_as_if_nothing_had_been(
        kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
        points: Points) -> None:
    """Begun again after each kill; the plans of kinds that have one are killed in other tests."""
    ends = []
    for name, some in (("straight", None), ("killed", points)):
        url = f"sqlite:///{tmp_path / name}.db"
        write_shop(url, SHOP)
        ends.append(_walked(Desk(tmp_path / name, url, monkeypatch), capsys, kind, tmp_path / f"{name}-answer", some))
    assert ends[0] == ends[1]
    assert ends[0][0] == "done"
