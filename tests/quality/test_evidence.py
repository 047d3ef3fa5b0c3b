"""No facts, no decision: what makes nobody due, and what a single fault stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.retention.bind import catalogue_of, policy_parameters, prepare
from ajprivacy_pipeline.retention.quality import fault_counts, missing_evidence
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import run_model
from ajprivacy_pipeline.storage.control import ControlStore, row_measures
from tests.clauses.kit import MONTH, decided
from tests.oracle.casekit import consumer, order
from tests.oracle.sqlshop import decide

POLICY = load_policy(NOTICE)
BEFORE = "2026-09"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> zones.Connection:
    """A shop without rows, decided."""
    return decide({}, MONTH, tmp_path_factory.mktemp("empty"))


def evidence(con: zones.Connection, tmp_path: Path, now: dict[str, int | None], before: dict[str, int | None] | None,
             unmapped: tuple[str, str] | None = None) -> list[str]:
    """What is wrong with the facts; tables by their row counts, None for one that is absent."""
    control = ControlStore(f"sqlite:///{tmp_path / 'control.db'}")
    con.execute("UPDATE raw.extraction SET present = false, rows = 0, evidence_missing = []")
    for table, rows in now.items():
        con.execute("UPDATE raw.extraction SET present = ?, rows = ? WHERE table_name = ?",
                    [rows is not None, rows or 0, table])
    if unmapped:
        con.execute("UPDATE raw.extraction SET evidence_missing = [?] WHERE table_name = ?", [unmapped[1], unmapped[0]])
    if before is not None:
        control.record_month(BEFORE, "r", "p", row_measures(
            {"table_name": table, "present": rows is not None, "rows": rows or 0} for table, rows in before.items()))
    prepare(con, POLICY, control, MONTH)
    for name in ("measures", "guards", "evidence"):
        run_model(con, catalogue_of(POLICY)[f"retention.{name}"], policy_parameters(POLICY, MONTH))
    return list(con.execute("SELECT faults FROM retention.evidence").fetchall()[0][0])


@pytest.mark.parametrize(("now", "before", "reasons"), [
    ({"cases": None}, {"cases": 5}, ["cases: missing, was there"]),
    ({"cases": None}, {"cases": 0}, ["cases: missing, was there"]),
    ({"cases": 0}, {"cases": 5}, ["cases: empty, was not"]),
    ({"cases": 799}, {"cases": 1000}, ["cases: has shrunk beyond the tolerance"]),
    ({"cases": 800}, {"cases": 1000}, []),
    ({"cases": 801}, {"cases": 1000}, []),
    ({"cases": 2000}, {"cases": 1000}, []),
    ({"cases": 0}, {"cases": 0}, []),
    ({"cases": 0}, {"cases": None}, []),
    ({"cases": None}, {"cases": None}, []),
    ({"cases": 0}, None, []),
    ({"cases": None}, None, []),
    ({"cases": 0, "orders": 1}, {"cases": 5, "orders": 2},
     ["cases: empty, was not", "orders: has shrunk beyond the tolerance"]),
], ids=str)
def test_a_source_that_shrank_proves_nothing(
    now: dict[str, int | None], before: dict[str, int | None] | None, reasons: list[str], tmp_path: Path,
    empty: zones.Connection,
) -> None:
    """Below the tolerance, to the row; a table that was never filled is evidence."""
    assert evidence(empty, tmp_path, now, before) == reasons


@pytest.mark.parametrize("tolerance", [0.0, 0.07, 0.1, 0.3, 0.35, 0.57])
def test_the_limit_itself_is_within_every_tolerance(
    tolerance: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: zones.Connection,
) -> None:
    """Exact where a binary fraction is not: 100 rows may become 100 less the tolerance, and not one fewer."""
    choices = POLICY.retention.choices.model_copy(update={"shrink_tolerance": tolerance})
    policy = POLICY.model_copy(update={"retention": POLICY.retention.model_copy(update={"choices": choices})})
    monkeypatch.setattr(f"{__name__}.POLICY", policy)
    least = 100 - round(tolerance * 100)

    assert evidence(empty, tmp_path, {"cases": least}, {"cases": 100}) == []
    (tmp_path / "control.db").unlink()
    assert evidence(empty, tmp_path, {"cases": least - 1}, {"cases": 100}) == ["cases: has shrunk beyond the tolerance"]


@pytest.mark.parametrize(("table", "column", "reason"), [
    ("invoices", "*", "invoices: not mapped"), ("order_lines", "product_id", "order_lines.product_id: not mapped"),
])
def test_unmapped_evidence_is_named(table: str, column: str, reason: str, tmp_path: Path,
                                    empty: zones.Connection) -> None:
    """A table or a column that the mapping leaves out without a reason; with one the extraction notes nothing."""
    assert evidence(empty, tmp_path, {}, None, (table, column)) == [reason]
    assert evidence(empty, tmp_path, {}, None) == []


def test_missing_evidence_holds_everybody_and_everything(tmp_path: Path) -> None:
    """Attributes, records, clicks and their people: nothing is due."""
    control = ControlStore(f"sqlite:///{tmp_path / 'control.db'}")
    control.record_month(BEFORE, "r", "p", row_measures([{"table_name": "invoices", "present": True, "rows": 3}]))
    old = {"customers": [consumer()], "orders": [order("2010-05-05")], "invoices": []}
    found = decided({"one": old, "two": old}, tmp_path, control=control)

    rows = found.con.execute(
        "SELECT decision, held_by FROM retention.attribute_decisions WHERE decision <> 'absent' "
        "UNION SELECT decision, held_by FROM retention.record_decisions WHERE decision <> 'absent'").fetchall()
    assert rows == [("hold", ["evidence_missing"])]
    frozen = found.con.execute('SELECT DISTINCT "freeze", count(*) FROM retention.freezes GROUP BY ALL').fetchall()
    assert frozen == [("evidence_missing", 2)]
    (sentence,) = missing_evidence(found.con)
    assert sentence == ("invoices: empty, was not (0 rows, 3 in 2026-09); look at the source and the query or filter "
                        "that feeds the table, fix it and run the month again, or say that it is right: ajprivacy "
                        "evidence accept invoices --by NAME --reason CODE")


def test_a_fault_holds_only_whom_it_touches(tmp_path: Path) -> None:
    """One customer's order has a date that does not parse; the neighbour is due as ever."""
    fine = {"customers": [consumer()], "orders": [order("2010-05-05")]}
    faulty = {"customers": [consumer()], "orders": [order("2010-05-05"), order("soon", "x")]}
    orphaned = {"customers": [consumer()], "orders": [order("2010-05-05"), order("2010-05-05", "x", customer="999")]}
    found = decided({"fine": fine, "faulty": faulty, "orphaned": orphaned}, tmp_path)

    assert found.attribute("fine", "customer:1", "name")["decision"] == "due"
    assert found.attribute("faulty", "customer:1", "name")["decision"] in ("hold", "retain")
    assert found.record("faulty", "orders", "x", "delivery")["decision"] in ("hold", "retain")
    frozen = found.con.execute('SELECT "freeze" FROM retention.freezes WHERE subject_id = ?',
                               [found.subject("faulty", "customer:1")]).fetchall()
    assert ("data_quality",) in frozen
    assert found.attribute("orphaned", "customer:1", "name")["decision"] == "due"
    assert found.record("orphaned", "orders", "x", "delivery")["held_by"] == ["orphan"]
    assert ("orders", "customer_id", "orphan", 1) in fault_counts(found.con)
    assert all("soon" not in str(fault) for fault in fault_counts(found.con))
