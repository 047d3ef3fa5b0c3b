"""Faults and dangling ids that hold something for a year, and lowered warranties: listed, decided, remembered."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.oversight.reviews import decide, open_reviews
from ajprivacy_pipeline.retention.bind import remember_faults, remember_warranties
from ajprivacy_pipeline.settings import Settings, load_settings
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_file
from tests.explain.world import home
from tests.oracle import casekit as kit
from tests.oracle.model import Shop
from tests.oracle.sqlshop import decide as decide_shop

FIRST, BEFORE, MONTH, NEXT = "2025-10", "2026-09", "2026-10", "2026-11"
TODAY = date(2026, 11, 3)
OLD = "2010-05-05"
YEAR = ("orphan_12_months", "quality_fault_12_months")


def shop(**faults: Any) -> Shop:
    """1 has a faulty log-in, 2 a faulty birth date, 3 an order at fault, 4 none; a contact and a case of nobody's."""
    return {
        "customers": [kit.consumer("1", last_login_at="soon"), kit.consumer("3"), kit.consumer("4"),
                      kit.consumer("2", birth_date="soon", name=None, email=None)],
        "contacts": [kit.contact("9", "gone")],
        "orders": [kit.order(OLD, "o3", "3", completed_at="soon", **faults), kit.order(OLD, "o4", "4")],
        "order_lines": [], "cases": [kit.case(OLD, OLD, case_id="s", customer_id="gone")],
    }


def store_in(folder: Path) -> ControlStore:
    """A control store in a home of its own: its number of changes lies beside it."""
    (folder / "control").mkdir()
    return ControlStore.in_folder(folder / "control")


def listed(con: zones.Connection) -> dict[str, tuple[str, date]]:
    found = con.execute("SELECT coalesce(entity || ':' || record_id, subject_id), reason, since "
                        "FROM retention.review_list WHERE reason IN ?", [list(YEAR)]).fetchall()
    return {who: (reason, since) for who, reason, since in found}


@pytest.mark.soak
def test_a_fault_is_listed_a_year_after_the_month_in_which_it_first_held_something(tmp_path: Path) -> None:
    """The month before, the month itself, the month after; no id stands in the control store."""
    control = store_in(tmp_path)
    for run_id in ("r1", "r2"):  # run again: each once
        remember_faults(decide_shop(shop(), FIRST, tmp_path, control=control), control, FIRST, run_id)
    rows = control.rows(sa.select(store.first_held))
    assert len({row["token"] for row in rows}) == len(rows) == 5
    assert all(re.fullmatch("[0-9a-f]{64}", row["token"]) for row in rows)

    assert listed(decide_shop(shop(), BEFORE, tmp_path, control=control)) == {}
    since = date(2025, 11, 1)
    everything = {"customer:1": (YEAR[1], since), "customer:2": (YEAR[1], since), "orders:o3": (YEAR[1], since),
                  "contact:9": (YEAR[0], since), "cases:s": (YEAR[0], since)}
    for month in (MONTH, NEXT):
        assert listed(decide_shop(shop(), month, tmp_path, control=control)) == everything


def test_a_fault_that_is_mended_or_holds_nothing_is_not_listed(tmp_path: Path) -> None:
    control = store_in(tmp_path)
    remember_faults(decide_shop(shop(), FIRST, tmp_path, control=control), control, FIRST, "r1")
    fixed = shop()
    fixed["customers"][0]["last_login_at"] = None
    fixed["customers"][3]["birth_date"] = None
    fixed["cases"][0]["closed_at"] = None  # open: retained, so that nothing is held
    fixed["orders"][0]["delivered_at"] = None
    assert listed(decide_shop(fixed, MONTH, tmp_path, control=control)).keys() == {"contact:9"}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in whose month everything has been at fault for a year, to be copied and left alone."""
    folder = tmp_path_factory.mktemp("faulty")
    made = home(folder, shop(), FIRST)
    keys, control = KeyStore(made.keys), ControlStore.in_folder(made.control)
    with zones.open_zone(made, keys, month_file(made, FIRST), read_only=True) as con:
        remember_faults(con, control, FIRST, "r1")
    home(folder, shop(), MONTH)
    return folder


@pytest.fixture
def settings(faulty: Path, tmp_path: Path) -> Settings:
    """A copy of that home, of the test's own."""
    shutil.copytree(faulty, tmp_path, dirs_exist_ok=True)
    return load_settings({"AJPRIVACY_HOME": str(tmp_path), "AJPRIVACY_THREADS": "1"})


@pytest.mark.soak
def test_a_release_lifts_that_freeze_until_another_fault_appears(settings: Settings) -> None:
    """Of the record and of everybody whom it froze; a keep ends it; a new fault of the record is held again."""
    control = ControlStore.in_folder(settings.control)

    def held(rows: Shop | None = None) -> dict[str, list[str]]:
        con = decide_shop(rows or shop(), NEXT, settings.home, control=control)
        return dict(con.execute(
            "SELECT subject_id || ' ' || attribute, held_by FROM retention.attribute_decisions WHERE decision = 'hold' "
            "UNION ALL SELECT entity || ' ' || record_id || ' ' || part, held_by FROM retention.record_decisions "
            "WHERE decision = 'hold'").fetchall())

    before = held()
    assert before["orders o3 delivery"] == before["orders o3 link"] == before["customer:3 name"] == ["data_quality"]
    assert before["cases s content"] == ["orphan"]
    for named, kind in (("customer:1", "data_quality"), ("customer:2", "data_quality"), ("contact:9", "orphan"),
                        ("orders:o3", None), ("cases:s", None)):
        decide(settings, named, "release", "Ada", "source_checked", kind=kind, month=MONTH, today=TODAY)
    after = held()
    assert not any({"orphan", "data_quality"} & set(why) for why in after.values())
    assert "orders o3 delivery" not in after
    assert held(shop(cancelled_at="later"))["orders o3 delivery"] == ["data_quality"]

    decide(settings, "orders:o3", "keep", "Ada", "being_mended", kind=None, month=MONTH, today=TODAY)
    assert held()["orders o3 delivery"] == ["data_quality"]
    answered = {row["record_id"]: row["decision"] for row in open_reviews(settings, MONTH) if row["entity"] == "orders"}
    assert answered == {"o3": "keep"}


@pytest.mark.parametrize(("named", "kind", "words"), [
    ("orders:o4", None, "orders:o4 is not under review in 2026-10"),
    ("orders:o3", "orphan", "orders:o3 is not under review in 2026-10 for orphan"),
    ("shops:1", None, "customer:ID or contact:ID"),
])
def test_what_is_not_listed_is_not_decided(settings: Settings, named: str, kind: str | None, words: str) -> None:
    with pytest.raises(ControlError, match=re.escape(words)):
        decide(settings, named, "release", "Ada", "source_checked", kind=kind, month=MONTH, today=TODAY)
    assert ControlStore.in_folder(settings.control).rows(sa.select(store.review_decisions)) == []


@pytest.mark.soak
def test_a_lowered_warranty_is_listed_the_month_after(tmp_path: Path) -> None:
    """Lower than at the last success; the same, higher, unknown and new ones are not. The list moves on with it."""
    control = store_in(tmp_path)

    def month(name: str, **years: str) -> list[str]:
        products = [kit.product(value, identifier) for identifier, value in years.items()]
        con = decide_shop({"customers": [], "products": products}, name, tmp_path, control=control)
        found = con.execute("SELECT record_id FROM retention.review_list WHERE reason = 'warranty_lowered' ORDER BY 1")
        lowered = [row[0] for row in found.fetchall()]
        remember_warranties(con, control, name, "r")
        return lowered

    assert month(BEFORE, low="10", same="10", high="10", unknown="10", back="") == []
    assert month(MONTH, low="9", same="10", high="11", unknown="x", back="1", new="0") == ["low"]
    assert month(MONTH, low="9", same="10", high="11", unknown="x", back="1", new="0") == ["low"]  # run again
    assert month(NEXT, low="9", same="9", high="11", unknown="5", back="1", new="0") == ["same"]
