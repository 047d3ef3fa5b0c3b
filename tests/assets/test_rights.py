"""The daily job counts open requests and says what is overdue; nothing of it names anybody."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from ajprivacy_pipeline.assets.definitions import defs
from ajprivacy_pipeline.assets.rights import DAILY, REQUESTS

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.rights.daily import open_figures
from ajprivacy_pipeline.rights.requests import Request
from ajprivacy_pipeline.rights.steps import add_request, asker_of, verify_identity
from ajprivacy_pipeline.settings import NOTICE
from tests.rights.shop import Desk, write_shop

RIGHTS = load_policy(NOTICE).rights
SHOP = {"customers": [{"customer_id": "canary-1", "customer_type": "consumer", "name": "Kari Nordmann"}]}


def request(received: str, kind: str = "access", state: str = "awaiting identity", **more: date) -> Request:
    return Request("r", kind, "recorded", date.fromisoformat(received), None, state, **more)


@pytest.mark.parametrize(("today", "overdue", "soon", "long"), [
    ("2026-12-12", 0, 0, 0), ("2026-12-13", 0, 1, 0), ("2026-12-20", 0, 1, 0), ("2026-12-21", 1, 0, 1)])
def test_open_requests_are_counted_by_their_deadline(today: str, overdue: int, soon: int, long: int) -> None:
    found = open_figures([request("2026-11-20"), request("2020-01-01", state="done")], RIGHTS,
                         date.fromisoformat(today))
    assert (found["open"], found["overdue"], found["soon"], found["waiting_long"]) == (1, overdue, soon, long)
    assert found["counts"] == [
        {"kind": "access", "state": "awaiting identity", "deadline": "2026-12-20", "requests": 1}]


def test_who_is_identified_or_needs_not_be_does_not_wait() -> None:
    verified = request("2026-01-01", state="ready", verified_on=date(2026, 1, 2))
    found = open_figures([verified, request("2026-01-01", "objection", "new")], RIGHTS, date(2026, 11, 28))
    assert (found["waiting"], found["waiting_long"], found["overdue"]) == (0, 0, 2)


def test_what_is_answered_is_not_overdue() -> None:
    found = open_figures([request("2026-01-01", "restriction", "ready", answered_on=date(2026, 1, 20),
                                  verified_on=date(2026, 1, 2))], RIGHTS, date(2026, 11, 28))
    assert (found["open"], found["overdue"]) == (1, 0)


def test_the_daily_job_says_what_is_overdue_and_of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    write_shop(url, SHOP)
    desk, day = Desk(tmp_path / "home", url, monkeypatch), date(2026, 11, 28)
    for received in (date(2026, 9, 1), date(2026, 11, 2)):
        made = add_request(desk.settings, "access", received, asker_of("canary-1"), today=day, by="Ada")
    verify_identity(desk.settings, made, today=day, by="Ada")
    monkeypatch.setattr("ajprivacy_pipeline.assets.rights.today", lambda _zone: day)
    result = defs.resolve_job_def(DAILY).execute_in_process()
    assert result.success
    checks = {check.check_name: (check.passed, check.severity) for check in result.get_asset_check_evaluations()}
    assert checks == {"none_overdue": (False, dg.AssetCheckSeverity.ERROR),
                      "notices_acknowledged": (True, dg.AssetCheckSeverity.ERROR),
                      "registers_complete": (False, dg.AssetCheckSeverity.WARN),
                      "none_due_soon": (False, dg.AssetCheckSeverity.WARN),
                      "none_waits_long": (False, dg.AssetCheckSeverity.WARN)}
    (event,) = result.get_asset_materialization_events()
    told = {name: value.value for name, value in event.materialization.metadata.items()}
    assert (event.asset_key, told["open"], told["overdue"], told["due_soon"], told["waiting_for_identity"]) == (
        REQUESTS, 2, 1, 1, 1)
    assert "canary" not in str(told)
    assert "Kari" not in str(told)
