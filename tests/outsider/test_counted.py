"""People counted beside what they did: what an outsider finds in releases made up by hand."""

import pandas as pd
import pytest

from tests.outsider import counted
from tests.outsider.published import ALL, Finding, Published, Shape, Thresholds

MONTH, TABLE = "2024-03-01", "web_activity_monthly"
Figures = dict[str, tuple[int | None, int | None]]


def released(figures: Figures) -> Published:
    """A page group's events and visitors by device; None is suppressed."""
    frame = pd.DataFrame([(MONTH, device, *values) for device, values in figures.items()],
                         columns=["month", "device_class", "events", "visitors"])
    frame = frame.astype({"events": "Int64", "visitors": "Int64"})
    shape = Shape(TABLE, "month", "events", ("device_class",), ("events", "visitors"), {"events": frozenset(
        {"device_class"}), "visitors": frozenset()}, {"events": "events", "visitors": "visitors"}, frozenset(),
        frozenset())
    return Published("made up", {TABLE: frame}, {TABLE: shape})


def found(figures: Figures, events: dict[str, list[str]]) -> list[Finding]:
    """What is told of events that these people have made, by device; who has no name has not consented."""
    facts = pd.DataFrame([{"period": MONTH, "who": who or counted.NOBODY, "device_class": device, "counted": bool(who)}
                          for device, people in events.items() for who in people])
    behind = {TABLE: facts, "communications_monthly": facts[:0]}
    return list(counted.attack(released(figures), behind, Thresholds()))


NINE = [f"V{i}" for i in range(9)]
MORE = [f"U{i}" for i in range(9)]
MADE = {"desktop": [*NINE, *NINE[:4]], "mobile": [*MORE, *MORE[:3]]}


@pytest.mark.parametrize(("total", "learnt"), [
    (18, ["visitors in 6.00 .. 13.00 of 9", "visitors in 5.00 .. 12.00 of 9"]), (None, [])])
def test_a_total_and_events_beside_tell_how_many_visitors_there_were(total: int | None, learnt: list[str]) -> None:
    figures = {ALL: (25, total), "desktop": (13, None), "mobile": (12, None)}
    assert [f.learnt for f in found(figures, MADE)] == learnt
    assert {f.attack for f in found(figures, MADE)} <= {"counted, interval"}


def test_what_is_left_of_the_events_bounds_who_made_it() -> None:
    """Nine events are left for two devices together, and so their visitors, too."""
    figures = {ALL: (34, 24), "desktop": (25, 15), "mobile": (None, None), "tablet": (None, None)}
    made = {"desktop": [f"V{i % 15}" for i in range(25)], "mobile": NINE[:5], "tablet": MORE[:4]}
    assert {f.learnt.split(" ")[0] for f in found(figures, made) if f.attack == "counted, interval"} == {
        "events", "visitors"}
    assert [f.learnt for f in found(figures, made) if f.attack == "remainder"] == [
        "events less ('device_class',): 9 contributors"]


def test_events_of_nobody_are_one_contributor_s() -> None:
    figures = {ALL: (45, 10), "desktop": (25, 10), "mobile": (None, 0)}
    made = {"desktop": [f"V{i % 10}" for i in range(25)], "mobile": [""] * 20}
    assert {(f.attack, f.learnt) for f in found(figures, made)} == {
        ("counted, exact", "events in 20.00 .. 20.00 of 1"),
        ("remainder", "events less ('device_class',): 1 contributors")}


@pytest.mark.parametrize(("beside", "learnt"), [(12, ["visitors in 10.00 .. 12.00 of 12"]), (25, [])])
def test_a_part_that_alone_hides_two_who_are_in_both(beside: int, learnt: list[str]) -> None:
    """28 visitors, 18 on one device; two of them are among the 12 on the other, whose number is hidden for them."""
    figures = {ALL: (beside + 18, 28), "desktop": (18, 18), "mobile": (beside, None)}
    both = [f"V{i}" for i in range(28)]
    made = {"desktop": both[:18], "mobile": [*both[16:], *both[16:]][:beside]}
    assert [f.learnt for f in found(figures, made)] == learnt
