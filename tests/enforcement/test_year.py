"""A year of months in a row: what is due goes each month, nobody else's date moves, and no month trips over the last.

Both are for the soak: two months by their decisions alone, and twelve, each with its release.
"""

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.calendar import as_of, shift
from ajprivacy_pipeline.enforcement import carry
from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.enforcement.ledger import open_ledger
from ajprivacy_pipeline.oversight.evidence import compared
from ajprivacy_pipeline.oversight.holds import lift_hold, place_hold
from ajprivacy_pipeline.run.month import MonthRun
from ajprivacy_pipeline.run.steps import run_all, run_decisions
from tests.enforcement.enforcement_world import Decision, World, changed
from tests.enforcement.passing_shop import PassingShop

FIRST, LAST = "2025-11", "2026-10"
Decisions = dict[tuple[str, str, str], Decision]


class Year:
    """A shop and its home, month after month; whoever holds somebody's data back is part of it."""

    def __init__(self, folder: Path, customers: int, monkeypatch: pytest.MonkeyPatch,
                 steps: Callable[[MonthRun], None]) -> None:
        """Begin before the first month."""
        self.shop = PassingShop(folder, customers, 11, date(2026, 10, 31))
        self.world = World(folder / "home", self.shop.url)
        self.steps, self._patch = steps, monkeypatch
        self.before: Decisions = {}
        self.held: dict[str, int] = {}  # subject: number of the hold
        self.closed: dict[str, str] = {}  # file of a release: hash

    def month(self, month: str, *, holds: bool = False, lifts: bool = False) -> dict[str, Any]:
        """Live through a month, carry out what is due the day after it, and look at everything once more."""
        self._patch.setattr(carry, "today", lambda _: as_of(month))
        arrived = self.shop.live(month)
        for subject in list(self.held) if lifts else ():
            lift_hold(self.world.settings, self.held.pop(subject), "Ada", today=as_of(month))
        decided = self.world.run(month, self.steps)
        assert [row for row in compared(self.world.settings, None) if row["tripped"]] == []
        self._nobody_was_forgotten(month, decided)
        plan = self.world.plan()
        late = plan["plan"]
        assert late is not None
        approve(self.world.settings, late, "Ada", release_brake=any(row["tripped"] for row in plan["brake"]))
        if holds:
            self._hold(month, decided)
        result = self.world.apply(late)
        assert result["verified"]
        dropped = sum(row["rows"] for row in result["dropped"])
        assert result["planned"] == result["applied"] + dropped + result["not_carried_out"]
        assert {row["reason"] for row in result["dropped"]} <= ({"not_due", "waits"} if self.held else set())
        assert open_ledger(self.world.settings).verify().faults == ()
        self.before = self._nothing_due_is_left(month, decided)
        self._closed_periods_stand()
        return {"arrived": sum(arrived.values()), "applied": result["applied"], "dropped": dropped,
                "sweep": result["sweep"], "plan": late}

    def _hold(self, month: str, decided: Decisions) -> None:
        """Place a hold on somebody who is about to go."""
        somebody = min(key for (entity, key, _), (decision, _) in decided.items()
                       if entity == "subject" and decision == "due")
        self.held[somebody] = place_hold(self.world.settings, somebody, "Ada", "litigation",
                                         as_of(shift(month, 6)), today=as_of(month), by="Ada")

    def _nobody_was_forgotten(self, month: str, decided: Decisions) -> None:
        """What is due since more than a month was held after the last apply, waited for another, or was not there."""
        for key, (decision, due_on) in decided.items():
            if decision == "due" and due_on < as_of(shift(month, -1)) and key in self.before:
                assert self.before[key][0] in ("hold", "due"), (key, due_on, self.before[key])

    def _nothing_due_is_left(self, month: str, decided: Decisions) -> Decisions:
        """Decided anew, everything that was due is absent, but of whom it is held; nobody else's date has moved.

        What shares a cell with something that is kept waits for it, and keeps its date.
        """
        again = self.world.decide(month)
        nothing = self.world.plan()
        assert nothing["rows"] == 0
        waits = [key for key, (decision, _) in again.items() if decision == "due"]
        assert len(waits) == sum(row["rows"] for row in nothing["waiting"])
        assert all(again[key] == decided[key] for key in waits)
        assert [row for row in compared(self.world.settings, None) if row["tripped"]] == []
        assert set(again) <= set(decided)
        kept = {key for key, (decision, _) in again.items() if decision == "hold" and decided[key][0] == "due"}
        assert bool(kept) == bool(set(self.held) & {key for (_, key, _), (decision, _) in decided.items()
                                                    if decision == "due"})
        for key, (decision, due_on) in decided.items():
            if key in kept or key in waits or key not in again:
                assert decision == "due", key
            else:
                assert again[key] == (("absent", None) if decision == "due" else (decision, due_on)), key
        verified = [entry for entry in open_ledger(self.world.settings).entries() if entry.kind == "verified"][-1]
        since = verified.body["oldest_overdue_on"]
        assert since is None or kept or date.fromisoformat(since) >= as_of(shift(month, -1))
        return again

    def _closed_periods_stand(self) -> None:
        """Every file of a closed month is the one that was published."""
        found: dict[str, str] = {}
        for path in sorted((self.world.settings.published / "releases").glob("*/*/*.parquet")):
            name = f"{path.parent.name}/{path.name}"
            if path.stem != "all" and not path.parent.name.startswith("customers_microdata"):
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        assert {name: found[name] for name in self.closed} == self.closed
        self.closed = found


@pytest.mark.soak
def test_two_months_in_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    year = Year(tmp_path, 40, monkeypatch, run_decisions)
    first = year.month(FIRST, holds=True)
    assert first["dropped"] > 0
    second = year.month(shift(FIRST, 1), lifts=True)
    assert second["applied"] >= first["dropped"]


@pytest.mark.soak
def test_a_year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    year, month = Year(tmp_path, 300, monkeypatch, run_all), FIRST
    while month <= LAST:
        seen = year.month(month, holds=month[-1] in "15", lifts=month[-1] in "37")
        with capsys.disabled():
            print(month, {name: value for name, value in seen.items() if name != "plan"})  # noqa: T201 - the figures
        before = year.world.cells()
        again = year.world.apply(seen["plan"])
        assert (again["applied"], again["verified"]) == (0, True)
        assert changed(before, year.world.cells()) == {}
        month = shift(month, 1)
