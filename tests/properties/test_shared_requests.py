"""An erasure that names an address of two people erases neither, also once the address of one of them is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.retention.bind import remember_shared_requests
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.control import ControlStore
from tests.explain.world import home
from tests.oracle import casekit as kit
from tests.oracle.model import Shop
from tests.oracle.sqlshop import decide

MONTH, NEXT = "2026-10", "2026-11"


def two_people(first_email: str | None = "a@x.no", **request: Any) -> Shop:
    """1 left long ago, 2 is a customer whose profile lives on; both had one address, which an erasure names."""
    return {
        "customers": [kit.consumer("1", email=first_email, profile_created_at="2014-01-01"),
                      kit.consumer("2", email="a@x.no", profile_created_at="2026-01-01", username="two")],
        "orders": [kit.order("2015-03-02", "o1", "1"), kit.order("2026-02-01", "o2", "2")],
        "rights_requests": [kit.request("erasure", "2026-09-01", request_id="r", email="a@x.no",
                                        identity_verified_at="2026-09-03", **request)],
    }


def decided(con: zones.Connection, subject: str, attribute: str) -> str:
    """The decision about an attribute."""
    return str(con.execute("SELECT decision FROM retention.attribute_decisions WHERE subject_id = ? AND attribute = ?",
                           [subject, attribute]).fetchall()[0][0])


def listed(con: zones.Connection) -> bool:
    """Whether somebody is asked whom the request means."""
    return bool(con.execute("SELECT 1 FROM retention.review_list WHERE reason = 'ambiguous_request'").fetchall())


def test_what_one_person_lost_makes_the_other_no_clearer(tmp_path: Path) -> None:
    """The first month remembers that two had the address; the next one erases nobody and asks again."""
    control = ControlStore(f"sqlite:///{tmp_path / 'control.db'}")
    first = decide(two_people(), MONTH, tmp_path, control=control)
    assert decided(first, "customer:1", "email") == "due"
    assert decided(first, "customer:2", "username") == "retain"
    remember_shared_requests(first, control, MONTH, "r1")
    then = decide(two_people(first_email=None), NEXT, tmp_path, control=control)

    assert decided(then, "customer:2", "username") == "retain"
    assert listed(first)
    assert listed(then)


@pytest.mark.soak
def test_without_a_memory_the_source_decides_alone(tmp_path: Path) -> None:
    """The letter of the specification: exactly one subject has the address."""
    then = decide(two_people(first_email=None), NEXT, tmp_path)

    assert decided(then, "customer:2", "username") == "due"
    assert not listed(then)


def test_a_request_that_gets_an_id_is_clear_again(tmp_path: Path) -> None:
    """That is how the question is answered; the memory is of the address alone."""
    control = ControlStore(f"sqlite:///{tmp_path / 'control.db'}")
    remember_shared_requests(decide(two_people(), MONTH, tmp_path, control=control), control, MONTH, "r1")
    then = decide(two_people(first_email=None, customer_id="2"), NEXT, tmp_path, control=control)

    assert decided(then, "customer:2", "username") == "due"
    assert not listed(then)


@pytest.mark.soak
def test_a_month_that_runs_again_remembers_nothing_twice(tmp_path: Path) -> None:
    """A row for each request, and a new one where more people share the address."""
    control = ControlStore(f"sqlite:///{tmp_path / 'control.db'}")
    more = two_people()
    more["customers"].append(kit.consumer("3", email="a@x.no"))
    for shop in (two_people(), two_people(), more, two_people()):
        remember_shared_requests(decide(shop, MONTH, tmp_path, control=control), control, MONTH, "r1")

    assert [(row["request_id"], row["matches"]) for row in control.rows(sa.select(store.shared_requests))] == [
        ("r", 2), ("r", 3)]


def test_a_month_that_ends_well_remembers(tmp_path: Path) -> None:
    """The last step of a run writes it, with the month and the run."""
    settings = home(tmp_path, two_people(), MONTH)
    with open_month(settings, MONTH, "r1") as run:
        run.finish()

    remembered = ControlStore.in_folder(settings.control).rows(sa.select(store.shared_requests))
    assert [(row["request_id"], row["matches"], row["month"], row["run_id"]) for row in remembered] == [
        ("r", 2, MONTH, "r1")]
