"""A rectification from request to answer: one value, through the one door, and nothing else; refused in a sentence."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.enforcement.carry import apply_plan
from ajprivacy_pipeline.enforcement.ledger import Ledger, open_ledger
from ajprivacy_pipeline.enforcement.said import PREFIX
from ajprivacy_pipeline.rights.daily import tidy
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.storage import sealed
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from tests.rights.conftest import SHOP, Say
from tests.rights.shop import POLICY, TODAY, Desk, Killed, write_shop

WISH = ("--table", "customers", "--column", "email", "--old", "kari@example.no", "--new", "kari.ny@example.no")


def cells(desk: Desk) -> dict[tuple[str, str, str], Any]:
    """Every cell of every table of the contract."""
    engine = sa.create_engine(desk.env["AJPRIVACY_WAREHOUSE"])
    with engine.connect() as connection:
        found = {(table, str(row[spec.key[0]]), column): value for table, spec in POLICY.sources.tables.items()
                 for row in connection.exec_driver_sql(f"SELECT * FROM {table}").mappings()
                 for column, value in row.items()}
    engine.dispose()
    return found


def changed(before: dict[Any, Any], after: dict[Any, Any]) -> dict[Any, Any]:
    return {cell: after.get(cell) for cell in before | after if before.get(cell) != after.get(cell)}


def asked(say: Say, *wish: str) -> str:
    code, out, err = say("request", "add", "--kind", "rectification", "--customer", "1", "--received", "2026-11-20",
                         *wish)
    assert code == 0, err
    return out.strip()


def planned(desk: Desk, say: Say, *wish: str) -> tuple[str, str]:
    """A request and its approved plan."""
    request = asked(say, *(wish or WISH))
    assert say("request", "verify-identity", request)[1].endswith(f"next: ajprivacy plan make --request {request}\n")
    code, out, err = say("plan", "make", "--request", request, "--json")
    assert code == 0, err
    plan = json.loads(out)["plan"]
    approve(desk.settings, plan, "Ada")
    return request, plan


def whole(desk: Desk, say: Say, tmp_path: Path) -> None:
    """From request to answer, in the next month too."""
    before = cells(desk)
    request, plan = planned(desk, say)
    assert changed(before, cells(desk)) == {}
    result = json.loads(say("plan", "apply", plan, "--json")[1])
    assert (result["planned"], result["applied"], result["verified"], result["batches"]) == (1, 1, True, 1)
    assert changed(before, cells(desk)) == {("customers", "1", "email"): "kari.ny@example.no"}
    again = json.loads(say("plan", "apply", plan, "--json")[1])
    assert (again["applied"], again["already"], again["verified"]) == (0, 1, True)
    code, _, err = say("request", "answer", request, "--out", str(tmp_path / "answer"))
    assert code == 0, err
    package = json.loads((tmp_path / "answer" / "package.json").read_text(encoding="utf-8"))
    assert [(part["state"], part["table"], part["part"], part["clauses"]) for part in package["parts"]] == [
        ("gone", "customers", "email", ["RGT-2"]), ("stays", "newsletter_subscriptions", "email", ["RGT-2"])]
    assert package["answer"][0].startswith("Vi rettet ")
    assert "transportører" in package["answer"][-1]
    for value in ("kari@example.no", "kari.ny@example.no"):
        assert value not in (tmp_path / "answer" / "package.html").read_text(encoding="utf-8")
    with open_month(desk.settings, "2026-10", "again") as run:  # every zone is made of the raw one
        run_decisions(run)
        assert run.con.execute("SELECT email FROM staged.customers WHERE customer_id = '1'").fetchall() == [
            ("kari.ny@example.no",)]
        run.finish()


@pytest.mark.soak
def test_an_answer_names_every_other_place_of_the_old_value_and_nobody_elses(
        desk: Desk, say: Say, tmp_path: Path) -> None:
    rows = [("orders", {"order_id": "o2", "customer_id": "1", "delivery_email": "KARI@example.no"}),
            ("orders", {"order_id": "o3", "customer_id": "1", "delivery_email": '"K" <kari@example.no>'}),
            ("orders", {"order_id": "o4", "customer_id": "1", "delivery_note": "mail to kari@example.no first"}),
            ("orders", {"order_id": "o5", "delivery_email": "kari@example.no"}),  # as a guest
            ("orders", {"order_id": "o6", "customer_id": "1", "delivery_email": "other.kari@example.com"}),
            ("orders", {"order_id": "o7", "customer_id": "2", "delivery_note": "kari@example.no wants a ring"})]
    for table, row in rows:
        desk.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(map(repr, row.values()))})")
    request, plan = planned(desk, say)
    answers = []
    for step in ("before", "after", "shared"):
        if step == "after":
            apply_plan(desk.settings, plan)
        if step == "shared":  # somebody else's own address by now: what it alone leads to may be theirs
            desk.execute("UPDATE customers SET email = 'kari@example.no' WHERE customer_id = '2'")
        assert say("request", "answer", request, "--out", str(tmp_path / step))[0] == 0
        answers.append(json.loads((tmp_path / step / "package.json").read_text(encoding="utf-8")))
    told = [{(part["table"], part["part"]): part["rows"] for part in answer["parts"] if part["state"] == "stays"}
            for answer in answers]
    places = {("orders", "delivery_email"): 3, ("orders", "delivery_note"): 1,
              ("newsletter_subscriptions", "email"): 1}
    assert told == [{}, places, {("orders", "delivery_email"): 2, ("orders", "delivery_note"): 1}]
    assert [any("Vi retter bare det du har bedt om" in text for text in answer["answer"]) for answer in answers] == [
        False, True, True]
    page = (tmp_path / "after" / "package.html").read_text(encoding="utf-8")
    for text in ("Ordrer: E-post ved levering", "<h3>Hvor den gamle verdien fortsatt står</h3>"):
        assert text in page


def test_from_request_to_answer(desk: Desk, say: Say, tmp_path: Path) -> None:
    whole(desk, say, tmp_path)
    keys = KeyStore(desk.settings.keys, desk.settings.root_key)
    control = ControlStore.in_folder(desk.settings.control)
    ledger = Ledger(control, keys, desk.settings.keys)
    assert ledger.verify().faults == ()
    assert ledger.find("customer:1").found == ()  # nothing was taken from anybody
    for path in desk.settings.control.rglob("*"):
        assert path.is_dir() or b"kari" not in path.read_bytes()
    assert sealed.names(desk.settings, PREFIX) != set()
    tidy(desk.settings, POLICY, TODAY, [])
    assert sealed.names(desk.settings, PREFIX) == set()


@pytest.mark.soak
def test_the_same_on_other_databases(server_desk: Desk, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    whole(server_desk, lambda *arguments: server_desk.run(capsys, *arguments), tmp_path)


POINTS = ("batch", "read", "write", "written", "mark", "commit", "committed", "recorded")


@pytest.mark.soak
@pytest.mark.parametrize("points", [("written", "committed"), POINTS])
def test_killed_anywhere_and_started_again_it_ends_the_same(desk: Desk, say: Say, points: tuple[str, ...]) -> None:
    for number, point in enumerate(points):
        old = f"kari{number}@example.no"
        desk.execute(f"UPDATE customers SET email = '{old}' WHERE customer_id = '1'")
        before = cells(desk)
        _, plan = planned(desk, say, "--table", "customers", "--column", "email", "--old", old,
                          "--new", "new@example.no")

        def kill(at: str, point: str = point) -> None:
            if at == point:
                raise Killed

        with pytest.raises(Killed):
            apply_plan(desk.settings, plan, checkpoint=kill)
        result = apply_plan(desk.settings, plan)
        assert (result["applied"] + result["already"], result["verified"]) == (1, True), point
        assert changed(before, cells(desk)) == {("customers", "1", "email"): "new@example.no"}, point
    entries = Ledger(ControlStore.in_folder(desk.settings.control),
                     KeyStore(desk.settings.keys, desk.settings.root_key), desk.settings.keys).entries()
    assert sum(entry.kind == "rectified" for entry in entries) == len(points)


@pytest.mark.soak
def test_what_a_killed_apply_corrected_is_recorded_when_its_plan_is_withdrawn(desk: Desk, say: Say) -> None:
    _, plan = planned(desk, say)

    def kill(at: str) -> None:
        if at == "committed":
            raise Killed

    with pytest.raises(Killed):
        apply_plan(desk.settings, plan, checkpoint=kill)
    assert say("plan", "withdraw", plan, "--by", "Ada")[0] == 0
    ledger = open_ledger(desk.settings)
    ledger.check()
    assert [entry.kind for entry in ledger.entries() if entry.body["plan"] == plan][-2:] == ["rectified", "withdrawn"]


@pytest.mark.soak
def test_what_changed_since_is_left_and_so_is_what_is_held(desk: Desk, say: Say) -> None:
    _, plan = planned(desk, say)
    desk.execute("UPDATE customers SET email = 'else@example.no' WHERE customer_id = '1'")
    before = cells(desk)
    result = apply_plan(desk.settings, plan)
    assert (result["applied"], result["dropped"], result["verified"]) == (
        0, [{"reason": "value_changed", "rows": 1}], True)
    _, plan = planned(desk, say, "--table", "customers", "--column", "name", "--old", "Kari Nordmann",
                      "--new", "Kari N")
    code, _, err = say("hold", "place", "customer:1", "--owner", "Ada", "--ground", next(iter(POLICY.review.grounds)),
                       "--expires", "2027-06-01")
    assert code == 0, err
    result = apply_plan(desk.settings, plan)
    assert result["dropped"] == [{"reason": "legal_hold", "rows": 1}]
    assert changed(before, cells(desk)) == {}


@pytest.mark.soak
def test_a_copy_that_is_not_written_by_us_is_named_until_it_is_confirmed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    write_shop(url, SHOP)
    (tmp_path / "mapping.toml").write_text(
        "".join(f'[[copies]]\ntable = "{table}"\nby = {{ column = "customer_id", entity = "customers" }}\n'
                'erase = ["mail"]\nwith = "customers.email"\n' for table in ("grid", "cart")), encoding="utf-8")
    desk = Desk(tmp_path / "home", url, monkeypatch, AJPRIVACY_MAPPING=str(tmp_path / "mapping.toml"))
    for table, mail in (("grid", "KARI@example.no "), ("cart", "else@example.no")):
        desk.execute(f"CREATE TABLE {table} (customer_id varchar(20) PRIMARY KEY, mail text)")
        desk.execute(f"INSERT INTO {table} VALUES ('1', '{mail}')")

    def say(*arguments: str) -> tuple[int, str, str]:
        return desk.run(capsys, *arguments)

    request, plan = planned(desk, say)
    assert json.loads(say("plan", "show", plan, "--json")[1])["beside"] == ["grid"]
    assert "is not written by us: grid" in say("plan", "show", plan)[1]
    assert apply_plan(desk.settings, plan)["applied"] == 1
    (notice,) = [row for row in json.loads(say("outbox", "list", "--json")[1]) if row["addressee"] == "copy grid"]
    assert say("request", "answer", request, "--out", str(tmp_path / "one"))[0] == 0
    assert "Kopi i «grid»" in (tmp_path / "one" / "package.html").read_text(encoding="utf-8")
    say("outbox", "acknowledge", str(notice["notice"]), "--by", "Ada")
    assert say("request", "answer", request, "--out", str(tmp_path / "two"))[0] == 0
    assert "grid" not in (tmp_path / "two" / "package.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(("wish", "said"), [
    ({"--old": "other@example.no"}, "--old is not what stands in customers.email"),
    ({"--new": "kari@example.no"}, "--new is what stands there already"),
    ({"--new": "kari at example"}, "--new is no email that customers.email may hold"),
    ({"--new": ""}, "--new is no email"),
    ({"--column": "phone", "--old": "", "--new": "12345"}, "--new is no phone"),
    ({"--column": "postal_code", "--old": "", "--new": "0150 Oslo"}, "--new is no postal code"),
    ({"--column": "birth_date", "--old": "", "--new": "1985-02-30"}, "--new is no date"),
    ({"--column": "birth_date", "--old": "", "--new": "2999-01-01"}, "--new is no date"),
    ({"--column": "name", "--old": "Kari Nordmann", "--new": "Kari\nN"}, "--new is no text"),
    ({"--column": "customer_id", "--old": "1", "--new": "2"}, "name nothing that is corrected"),
    ({"--table": "pets"}, "name nothing that is corrected"),
    ({"--row": "2"}, "no such row of customers is the person's own"),
    ({"--table": "orders", "--column": "delivery_name", "--row": "x"}, "no such row of orders")])
def test_a_wish_that_will_not_do_is_refused(desk: Desk, say: Say, wish: dict[str, str], said: str) -> None:
    given = {**dict(zip(WISH[::2], WISH[1::2], strict=True)), **wish}
    arguments = [part for pair in given.items() for part in pair]
    code, out, err = say("request", "add", "--kind", "rectification", "--customer", "1", "--received", "2026-11-20",
                         *arguments)
    assert (code, out, said in err, err.count("\n")) == (2, "", True, 1), err
    assert "kari" not in err
    assert json.loads(say("request", "list", "--all", "--json")[1]) == []
    assert sealed.names(desk.settings, PREFIX) == set()


@pytest.mark.parametrize(("country", "code", "will_do"), [
    ("Norge", "0150", True), ("Norge", "123 45", False), ("SE", "123 45", True), ("", "123 45", False)])
def test_a_postal_code_is_one_of_its_country(desk: Desk, say: Say, country: str, code: str, will_do: bool) -> None:
    """However the warehouse writes the home country."""
    desk.execute(f"UPDATE customers SET country = '{country}' WHERE customer_id = '1'")
    ended, _, err = say("request", "add", "--kind", "rectification", "--customer", "1", "--received", "2026-11-20",
                        "--table", "customers", "--column", "postal_code", "--old", "", "--new", code)
    assert (ended == 0) == will_do, err


def test_the_steps_have_an_order(desk: Desk, say: Say) -> None:
    request = asked(say)
    before = cells(desk)
    assert "before the person is identified" in say("plan", "make", "--request", request)[2]
    say("request", "verify-identity", request)
    assert "does not say what is to be corrected" in say("plan", "make", "--request", request)[2]
    assert say("request", "correct", request, *WISH)[0] == 0
    plan = json.loads(say("plan", "make", "--request", request, "--json")[1])["plan"]
    approve(desk.settings, plan, "Ada")
    say("request", "correct", request, *WISH[:-1], "kari.annen@example.no")
    assert "was said anew or forgotten" in say("plan", "apply", plan)[2]
    say("request", "close", request)
    assert "it is done already" in say("request", "correct", request, *WISH)[2]
    assert "it is done already" in say("plan", "make", "--request", request)[2]
    other = say("request", "add", "--kind", "access", "--customer", "1", "--received", "2026-11-20")[1].strip()
    assert "is about access" in say("request", "correct", other, *WISH)[2]
    assert changed(before, cells(desk)) == {}
