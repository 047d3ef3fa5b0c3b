"""What is recorded here decides as what stands in the warehouse: the same holds, the same ends, in month and apply."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.enforcement.carry import apply_plan
from ajprivacy_pipeline.enforcement.make import make_plan
from ajprivacy_pipeline.rights import steps
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.settings import Settings, load_settings, prepare_home
from tests.rights.shop import write_shop

MONTH, RECEIVED, TODAY = "2026-10", date(2026, 10, 20), date(2026, 10, 30)
CUSTOMER: Mapping[str, Any] = {
    "customer_id": "1", "customer_type": "consumer", "name": "Kari Nordmann", "email": "kari@example.no",
    "gender": "f", "preferences": "desks", "profile_created_at": "2015-01-01", "last_login_at": "2015-02-01"}
OLD = {"customers": [CUSTOMER], "products": [{"product_id": "p", "warranty_years": "1"}],
       "orders": [{"order_id": "o", "customer_id": "1", "ordered_at": "2015-02-01", "delivered_at": "2015-02-02",
                   "paid_at": "2015-02-02", "total_amount": "10", "delivery_name": "Kari Nordmann"}],
       "order_lines": [{"order_id": "o", "line_number": "1", "product_id": "p"}]}
ACTIVE = {**OLD, "customers": [{**CUSTOMER, "last_login_at": "2026-10-01"}]}
Shop = Mapping[str, Sequence[Mapping[str, Any]]]
Decided = dict[str, tuple[str, date | None, list[str]]]


def home(tmp_path: Path, shop: Shop) -> Settings:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    write_shop(url, shop)
    settings = load_settings({"AJPRIVACY_HOME": str(tmp_path / "home"), "AJPRIVACY_WAREHOUSE": url,
                              "AJPRIVACY_THREADS": "1"})
    prepare_home(settings)
    return settings


def decide(settings: Settings, month: str = MONTH) -> Decided:
    with open_month(settings, month, "test") as run:
        run_decisions(run)
        run.finish()
        rows = run.con.execute(
            "SELECT attribute, decision, due_on, held_by FROM retention.attribute_decisions WHERE subject_id = "
            "'customer:1' UNION ALL SELECT entity || '.' || part || ' ' || record_id, decision, due_on, held_by "
            "FROM retention.record_decisions").fetchall()
    return {name: (decision, due_on, held) for name, decision, due_on, held in rows}


def add(settings: Settings, kind: str, **whose: str) -> str:
    return steps.add_request(settings, kind, RECEIVED, steps.asker_of(**(whose or {"customer_id": "1"})), today=TODAY,
                             by="Ada")


def verify(settings: Settings, request: str) -> None:
    steps.verify_identity(settings, request, today=TODAY, by="Ada")


@pytest.mark.soak
@pytest.mark.parametrize("whose", [{"customer_id": "1"}, {"email": "KARI@example.no"}])
def test_a_restriction_holds_everything_until_it_is_closed(tmp_path: Path, whose: dict[str, str]) -> None:
    settings = home(tmp_path, OLD)
    assert decide(settings)["name"][0] == "due"
    request = add(settings, "restriction", **whose)
    held = decide(settings)
    assert held["name"][::2] == ("hold", ["restriction"])
    assert held["orders.delivery o"][::2] == ("hold", ["restriction"])
    steps.close(settings, request, outcome="granted", told_on=TODAY, today=TODAY, by="Ada")
    assert decide(settings)["name"][0] == "due"


@pytest.mark.soak
def test_a_pending_access_holds_all_but_marketing_until_it_is_refused(tmp_path: Path) -> None:
    settings = home(tmp_path, OLD)
    request = add(settings, "access")
    assert decide(settings)["name"][::2] == ("hold", ["access_pending"])
    steps.refuse(settings, request, "RGT-8", today=TODAY, by="Ada")
    assert decide(settings)["name"][0] == "due"


@pytest.mark.soak
def test_an_objection_ends_marketing_from_its_receipt(tmp_path: Path) -> None:
    settings = home(tmp_path, ACTIVE)
    assert decide(settings)["gender"][0] == "retain"
    request = add(settings, "objection")
    assert decide(settings)["gender"][:2] == ("due", RECEIVED)
    steps.close(settings, request, outcome="granted", today=TODAY, by="Ada")
    found = decide(settings)
    assert (found["gender"][:2], found["username"][0], found["email"][0]) == (("due", RECEIVED), "absent", "retain")


def test_an_erasure_erases_from_verification_on_and_not_before(tmp_path: Path) -> None:
    settings = home(tmp_path, ACTIVE)
    request = add(settings, "erasure")
    assert (decide(settings)["email"][0], decide(settings)["gender"][:2]) == ("retain", ("due", RECEIVED))
    verify(settings, request)
    assert decide(settings)["email"][:2] == ("due", TODAY)


@pytest.mark.soak
def test_a_withdrawn_request_has_no_effect(tmp_path: Path) -> None:
    settings = home(tmp_path, ACTIVE)
    before = decide(settings)
    request = add(settings, "erasure")
    verify(settings, request)
    steps.close(settings, request, outcome="withdrawn", today=TODAY, by="Ada")
    assert decide(settings) == before


@pytest.mark.soak
def test_the_same_as_a_row_of_the_warehouse(tmp_path: Path) -> None:
    row = {"request_id": "r", "kind": "erasure", "customer_id": "1", "received_at": "2026-10-20",
           "identity_verified_at": "2026-10-30"}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    theirs = decide(home(tmp_path / "a", {**ACTIVE, "rights_requests": [row]}))
    settings = home(tmp_path / "b", ACTIVE)
    verify(settings, add(settings, "erasure"))
    ours = decide(settings)
    assert {name: found for name, found in theirs.items() if "rights_requests" not in name} == ours


@pytest.mark.soak
def test_steps_count_for_requests_of_the_warehouse(tmp_path: Path) -> None:
    row = {"request_id": "r", "kind": "erasure", "customer_id": "1", "received_at": "2026-10-20"}
    settings = home(tmp_path, {**ACTIVE, "rights_requests": [row]})
    assert decide(settings)["email"][0] == "retain"
    verify(settings, "r")
    steps.close(settings, "r", outcome="granted", today=TODAY, by="Ada")
    found = decide(settings)
    assert found["email"][:2] == ("due", TODAY)
    assert found["rights_requests.content r"][:2] == ("retain", date(2029, 10, 30))


@pytest.mark.soak
def test_its_effect_outlives_the_request_itself(tmp_path: Path) -> None:
    """Whose an objection was is forgotten in time; what it ended stays ended."""
    from ajprivacy_pipeline.retention.recorded_requests import forget
    from ajprivacy_pipeline.storage.control import ControlStore
    settings = home(tmp_path, ACTIVE)
    request = add(settings, "objection")
    steps.close(settings, request, outcome="granted", today=TODAY, by="Ada")
    decide(settings)
    assert forget(ControlStore.in_folder(settings.control), date(2030, 1, 1), 36) == 1
    assert decide(settings)["gender"][:2] == ("due", RECEIVED)


@pytest.mark.soak
def test_an_apply_sees_what_was_recorded_after_the_plan(tmp_path: Path) -> None:
    settings = home(tmp_path, OLD)
    decide(settings)
    plan = make_plan(settings)["plan"]
    assert plan is not None
    approve(settings, plan, "Ada", release_brake=True)
    add(settings, "restriction")
    result = apply_plan(settings, plan, by="Ada")
    assert (result["applied"], [row["reason"] for row in result["dropped"]]) == (0, ["not_due"])
