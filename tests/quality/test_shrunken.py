"""A source that lost rows makes nobody due, month after month, until it is fixed or somebody accepts it by name."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.cli import people
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.sample import generate
from ajprivacy_pipeline.settings import Settings, load_settings, prepare_home
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage.control import ControlStore, row_measures

Call = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def august(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a small shop and the month of August, in which invoices were evidence; left alone."""
    made = load_settings({"AJPRIVACY_HOME": str(tmp_path_factory.mktemp("home")), "AJPRIVACY_THREADS": "1"})
    prepare_home(made)
    (made.home / "sample").mkdir()
    generate(made.warehouse_url, 100, 1, date(2026, 10, 31), lambda _: None)
    assert due(made, "2026-08") > 0
    return made.home


@pytest.fixture
def settings(august: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A copy of it of the test's own, in which the commands work."""
    shutil.copytree(august, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("AJPRIVACY_HOME", str(tmp_path))
    monkeypatch.setenv("AJPRIVACY_THREADS", "1")
    monkeypatch.setattr(people, "today", lambda: date(2026, 11, 3))
    return load_settings()


def due(settings: Settings, month: str) -> int:
    """Run a month's decisions to their recorded end; how many attributes and records are due."""
    with open_month(settings, month, f"run of {month}") as run:
        run_decisions(run)
        found = sum(run.tally(f"retention.{table}", "decision").get("due", 0)
                    for table in ("attribute_decisions", "record_decisions"))
        run.finish()
    return found


def warehouse(settings: Settings, *statements: str) -> None:
    """Change the warehouse behind the product's back."""
    with sqlite3.connect(settings.warehouse_url.removeprefix("sqlite:///")) as con:
        for statement in statements:
            con.execute(statement)
    con.close()


def evidence_of(call: Call, table: str) -> dict[str, object]:
    """What `evidence list --json` says of a table in the newest month."""
    code, said = call("evidence", "list", "--json")
    assert code == 0
    return next(row for row in json.loads(said) if (row["guard"], row["table"]) == ("rows", table))


@pytest.mark.soak
@pytest.mark.parametrize("loss", ["DELETE FROM invoices", "DELETE FROM invoices WHERE rowid % 3 = 0"])
def test_what_was_lost_is_not_forgotten_the_month_after(settings: Settings, call: Call, loss: str) -> None:
    """The counts of a month that lacked evidence are no measure for the next; once fixed, the table is one again."""
    warehouse(settings, "CREATE TABLE kept AS SELECT * FROM invoices", loss)
    assert [due(settings, month) for month in ("2026-09", "2026-10")] == [0, 0]
    found = evidence_of(call, "invoices")
    assert (found["since"], found["tripped"]) == ("2026-08", True)
    assert evidence_of(call, "orders")["since"] == "2026-09"
    warehouse(settings, "DELETE FROM invoices", "INSERT INTO invoices SELECT * FROM kept")
    assert due(settings, "2026-11") > 0
    assert evidence_of(call, "invoices")["tripped"] is False


@pytest.mark.soak
def test_somebody_may_accept_it_by_name(settings: Settings, call: Call) -> None:
    warehouse(settings, "DELETE FROM invoices")
    assert due(settings, "2026-09") == 0
    assert "invoices" in call("evidence", "list")[1]
    code, said = call("evidence", "accept", "invoices", "--by", "Ada", "--reason", "moved")
    assert (code, "invoices is accepted as 2026-09 found it" in said) == (0, True)
    assert due(settings, "2026-09") > 0, "the same month again"
    assert due(settings, "2026-10") > 0, "and the next"
    warehouse(settings, "DELETE FROM cases")
    assert due(settings, "2026-11") == 0, "an acceptance is for one table"


@pytest.mark.soak
def test_a_column_is_accepted_for_that_drop_alone(settings: Settings, call: Call) -> None:
    """Requests that say they were closed before August's end, though they were open then: accepted, they were."""
    warehouse(settings, "UPDATE rights_requests SET closed_at = '2026-07-01' "
                        "WHERE coalesce(closed_at, '9') > '2026-09'")
    assert due(settings, "2026-09") == 0
    listed = json.loads(call("evidence", "list", "--json")[1])
    (found,) = (row for row in listed if row["tripped"])
    assert (found["guard"], found["table"], found["column"], found["since"]) == (
        "closings", "rights_requests", "closed_at", "2026-08")
    assert found["now"]["part"] >= 5
    assert "ajprivacy evidence accept rights_requests.closed_at" in found["to_do"]
    code, said = call("evidence", "accept", "rights_requests.closed_at", "--by", "Ada", "--reason", "filled_by_rule")
    assert code == 0, said
    assert due(settings, "2026-09") > 0
    warehouse(settings, "UPDATE customers SET last_login_at = '2019-01-01' WHERE last_login_at IS NOT NULL")
    assert due(settings, "2026-10") == 0, "an acceptance is for one column"
    code, said = call("evidence", "list")
    assert "customers.last_login_at" in said
    assert "tripped: nobody is due; fix the source" in said


def test_what_is_refused_changes_nothing(settings: Settings, call: Call) -> None:
    warehouse(settings, "DELETE FROM invoices")
    assert due(settings, "2026-09") == 0
    for table, by, reason, words in (
            ("orders", "Ada", "moved", "orders: no guard has tripped there in 2026-09: those that have are invoices"),
            ("nothing", "Ada", "moved", "nothing: no guard has tripped there"),
            ("invoices", " ", "moved", "--by must name somebody"),
            ("invoices", "Ada", "because", "'because' is not a reason code for accept; choose one of moved")):
        code, said = call("evidence", "accept", table, "--by", by, "--reason", reason)
        assert (code, words in said) == (2, True), said
    code, said = call("evidence", "accept", "invoices", "--by", "Ada", "--reason", "moved", "--month", "2026-08")
    assert (code, "2026-08" in said) == (2, True), said
    accepted = sa.select(store.month_measures).where(store.month_measures.c.accepted_by.is_not(None))
    assert ControlStore.in_folder(settings.control).rows(accepted) == []


def test_each_table_is_compared_with_the_run_in_which_it_last_was_evidence(tmp_path: Path) -> None:
    control = ControlStore(f"sqlite:///{tmp_path / 'control.db'}")

    def record(month: str, run: str, rows: dict[str, int], lost: tuple[str, ...] = ()) -> None:
        control.record_month(month, run, "p", row_measures(
            {"table_name": name, "present": True, "rows": count, "stands": name not in lost}
            for name, count in rows.items()))

    def before(month: str) -> dict[tuple[str, bool], tuple[str, int]]:
        return {(row["table_name"], row["is_first"]): (row["month"], row["part"])
                for row in control.previous_measures(month)}

    assert before("2026-06") == {}
    record("2026-06", "a", {"cases": 10, "orders": 20})
    record("2026-07", "b", {"cases": 1, "orders": 21}, ("cases",))
    record("2026-07", "c", {"cases": 2, "orders": 22}, ("cases",))
    assert before("2026-08") == {("cases", False): ("2026-06", 10), ("orders", False): ("2026-07", 22)}
    assert before("2026-07") == {("cases", False): ("2026-06", 10), ("orders", False): ("2026-07", 22),
                                 ("orders", True): ("2026-07", 21)}, "run again: its own first success, too"
    assert before("2026-05")["orders", False] == ("2026-07", 22), "of whatever month"
    (accepted,) = row_measures([{"table_name": "cases", "present": True, "rows": 3}])
    control.record_acceptance([{**accepted, "month": "2026-08", "run_id": "x", "accepted_by": "Ada", "reason": "moved",
                                "accepted_on": date(2026, 9, 1)}], [])
    assert before("2026-08")["cases", True] == ("2026-08", 3)
    record("2026-08", "d", {"cases": 4, "orders": 23})
    assert before("2026-09") == {("cases", False): ("2026-08", 4), ("orders", False): ("2026-08", 23)}
    assert before("2026-06") == {("cases", False): ("2026-08", 4), ("orders", False): ("2026-08", 23),
                                 ("orders", True): ("2026-06", 20)}, "what was accepted makes the earlier forgotten"


def test_a_store_of_an_earlier_version_is_read_on(tmp_path: Path) -> None:
    """Its row counts are taken over once, with what was no evidence and what somebody accepted."""
    path = tmp_path / "control.db"
    with sqlite3.connect(path) as con:
        con.executescript("""
            CREATE TABLE source_counts (id INTEGER PRIMARY KEY, month TEXT, run_id TEXT, table_name TEXT,
                present BOOLEAN, rows BIGINT);
            INSERT INTO source_counts VALUES (1, '2026-06', 'a', 'cases', 1, 10), (2, '2026-06', 'a', 'orders', 1, 20),
                (3, '2026-07', 'b', 'cases', 1, 2), (4, '2026-07', 'b', 'orders', 1, 21),
                (5, '2026-07', 'b', 'invoices', 0, 0);
            CREATE TABLE shrunken_sources (id INTEGER PRIMARY KEY, month TEXT, run_id TEXT, table_name TEXT);
            INSERT INTO shrunken_sources VALUES (1, '2026-07', 'b', 'cases');
            CREATE TABLE accepted_counts (id INTEGER PRIMARY KEY, month TEXT, table_name TEXT, present BOOLEAN,
                rows BIGINT, accepted_by TEXT, reason TEXT, accepted_on DATE);
            INSERT INTO accepted_counts VALUES (1, '2026-07', 'orders', 1, 5, 'Ada', 'moved', '2026-08-02');
        """)
    con.close()
    for _ in range(2):
        found = ControlStore(f"sqlite:///{path}").previous_measures("2026-08")
        assert {row["table_name"]: (row["month"], row["part"]) for row in found} == {
            "cases": ("2026-06", 10), "orders": ("2026-07", 21), "invoices": ("2026-07", None)}
