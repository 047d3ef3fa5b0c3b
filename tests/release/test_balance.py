"""G5 over time: a suppressed flow of the newsletter between two rounded stocks, a suppressed stock between flows."""

from datetime import date

import pytest

from ajprivacy_pipeline.disclosure.cells.stock_flow import _Month, _narrow, check_flows, suppress_flows
from ajprivacy_pipeline.release import GuaranteeError, gates, tables
from tests.release.release_world import World, add, all_but

FEBRUARY, MARCH, APRIL = date(2024, 2, 10), date(2024, 3, 10), date(2024, 4, 10)
ROWS = "SELECT subscribed, unsubscribed, active FROM newsletter_monthly ORDER BY month"


@pytest.fixture(scope="module")
def left_out() -> tuple[str, ...]:
    """The newsletter alone is looked at here."""
    return all_but("newsletter_monthly")


def join(world: World, people: int, on: date) -> None:
    add(world.con, "staged.newsletter_subscriptions", [
        {"subscription_id": f"N{on:%m}{i}", "email": f"ny{on:%m}{i}@example.no", "subscribed_on": on}
        for i in range(people)])


def leave(world: World, people: int, on: date) -> None:
    gone = [f"S{i}" for i in range(people)]
    world.con.execute("UPDATE staged.newsletter_subscriptions SET unsubscribed_on = $on WHERE subscription_id IN "
                      "(SELECT unnest($gone))", {"on": on, "gone": gone})


def test_two_flows_of_a_month_are_shown_both_or_neither(world: World) -> None:
    """Ten come and four go in February: 10 beside stocks of 30 and 40 (36) would leave 0 to 9 for those who went."""
    join(world, 10, FEBRUARY)
    leave(world, 4, FEBRUARY)
    world.compute()
    public = tables.make_public(world.con, world.policy)
    assert world.rows(ROWS) == [(30, 0, 30), (10, None, 40), (0, 0, 40)]
    before = check_flows(world.con, world.policy, public, {})
    assert len(before.violations) == 1
    assert before.violations[0].startswith(
        "newsletter_monthly.unsubscribed: 1 suppressed values can be told too closely")
    assert suppress_flows(world.con, world.policy, public, {}) == 1
    assert world.rows(ROWS) == [(30, 0, 30), (None, None, 40), (0, 0, 40)]
    marks = "SELECT suppressed_measures FROM newsletter_monthly ORDER BY month"
    assert world.rows(marks) == [([],), (["subscribed", "unsubscribed"],), ([],)]
    after = check_flows(world.con, world.policy, public, {})
    assert after.passed
    assert after.figures == {"suppressed_in_balances": 2}


def test_flows_shown_one_without_the_other_stop_the_release(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    join(world, 10, FEBRUARY)
    leave(world, 4, FEBRUARY)
    monkeypatch.setattr(gates, "suppress_flows", lambda *_: 0)
    with pytest.raises(GuaranteeError, match=r"G5: newsletter_monthly.unsubscribed: 1 suppressed values"):
        world.publish()
    assert not world.analytics.exists()


def test_long_rows_of_shown_flows_pin_the_stocks_between_them(world: World) -> None:
    """Two months would leave room; the roundings of those before and after take it."""
    join(world, 13, FEBRUARY)
    leave(world, 4, FEBRUARY)
    world.compute()
    public = tables.make_public(world.con, world.policy)
    assert check_flows(world.con, world.policy, public, {}).passed, "0 to 12 went"
    join(world, 16, MARCH)
    world.compute()
    public = tables.make_public(world.con, world.policy)
    assert not check_flows(world.con, world.policy, public, {}).passed, "a stock of 60 after 16 more: 0 to 8"


def few_then_many(world: World) -> None:
    """Eight subscribers up to March, which is published; twelve more in April."""
    world.con.execute("DELETE FROM staged.newsletter_subscriptions WHERE CAST(subscription_id[2:] AS INT) >= 8")
    assert world.publish("2024-03").proven
    join(world, 12, APRIL)


def test_a_suppressed_stock_of_a_closed_month_takes_the_next_months_flows_along(world: World) -> None:
    few_then_many(world)
    assert world.publish("2024-04").proven
    assert world.query(ROWS) == [(None, None, None)] * 3 + [(None, None, 20)]


def test_flows_that_tell_a_closed_months_stock_stop_the_release(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """12 who came and a stock of 20 leave 3 to 12 for the month before."""
    few_then_many(world)
    monkeypatch.setattr(gates, "suppress_flows", lambda *_: 0)
    with pytest.raises(GuaranteeError, match=r"G5: newsletter_monthly.active: 1 suppressed values"):
        world.publish("2024-04")


def test_a_subscription_that_went_otherwise_stops_no_later_release(world: World) -> None:
    """One of 55 is erased in April, when nobody came or went: 60 and 50 contradict that, and ever after."""
    join(world, 25, date(2024, 1, 9))
    assert world.publish("2024-03").proven
    world.con.execute("DELETE FROM staged.newsletter_subscriptions WHERE subscription_id = 'S7'")
    assert world.publish("2024-04").proven
    join(world, 3, date(2024, 5, 10))
    assert world.publish("2024-05").proven
    assert world.query(ROWS) == [(55, 0, 60), (0, 0, 60), (0, 0, 60), (0, 0, 50), (None, None, 60)]


def test_months_after_a_contradiction_still_tell_of_each_other() -> None:
    """Without the flow of April: 60, then 13 more and 4 less is 60 to 69; before, 50 cannot become 60 by 0."""
    months = [_Month(date(2024, m, 1), *figures, 10, m == 4)
              for m, figures in ((1, (50, 0, 0)), (2, (60, 0, 0)), (3, (60, 13, 11)), (4, (70, 16, None)))]
    assert _narrow(months, 10) == ({"stock": 0, "came": 0, "went": 0}, 1)
    assert _narrow([*months[:3], _Month(date(2024, 4, 1), 80, 16, None, 10, is_new=True)], 10)[0]["went"] == 1
