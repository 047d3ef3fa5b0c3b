"""What an objection, an erasure or an unsubscription has ended stays ended when its own row is gone or emptied."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import KeyStoreError, ModelError
from tests.oracle import casekit as kit
from tests.oracle.model import Row, Shop
from tests.oracle.sqlshop import decide

from .months import Months

FIRST, SECOND, THIRD, FOURTH = "2026-10", "2026-11", "2026-12", "2027-01"
R, V = date(2026, 9, 1), date(2026, 9, 10)
OBJECTION = kit.request("objection", "2026-09-01", closed_at="2026-09-01")
ERASURE = kit.request("erasure", "2026-09-01", identity_verified_at="2026-09-10")
EMPTIED = {"customer_id": None, "contact_id": None, "email": None, "details": None}
OPEN = date(2027, 8, 1)  # a year after the login, without a request


def shop(*requests: Row, **tables: list[Row]) -> Shop:
    """A customer with a profile and a login in August; 2 has a profile of their own."""
    return {"customers": [kit.consumer("1", profile_created_at="2024-01-01", last_login_at="2026-08-01"),
                          kit.consumer("2", profile_created_at="2024-01-01", last_login_at="2026-08-01")],
            "orders": [kit.order("2026-02-01")], "rights_requests": list(requests), **tables}


@pytest.mark.parametrize("left", [pytest.param([], marks=pytest.mark.soak), [{**OBJECTION, **EMPTIED}]])
def test_an_objection_outlives_its_row(tmp_path: Path, left: list[Row]) -> None:
    """Present; gone or emptied, twice; back but withdrawn: marketing resumes, for good."""
    months = Months(tmp_path)
    assert months.run(FIRST, shop(OBJECTION)).ends("customer:1") == R
    for month in (SECOND, THIRD):
        then = months.run(month, shop(*left))
        assert then.ends("customer:1") == R
        assert then.ends("customer:2") == OPEN
        assert then.ends("customer:1", "profile") == OPEN  # an objection ends marketing alone
        assert "former_request" in then.reasons("customer:1")
        assert then.listed() == []
    assert months.run(FOURTH, shop({**OBJECTION, "outcome": "withdrawn"})).ends("customer:1") == OPEN
    assert months.stored() == []
    assert months.run("2027-02", shop()).ends("customer:1") == OPEN


@pytest.mark.soak
def test_a_row_that_stands_decides_alone(tmp_path: Path) -> None:
    """Corrected to another customer and to another day; an objection cannot be refused, an erasure can."""
    months = Months(tmp_path)
    months.run(FIRST, shop(OBJECTION, {**ERASURE, "request_id": "e", "customer_id": "2"}))
    then = months.run(SECOND, shop({**OBJECTION, "customer_id": "2", "received_at": "2026-09-05"},
                                   {**ERASURE, "request_id": "e", "customer_id": "2", "outcome": "refused"}))
    assert (then.ends("customer:1"), then.ends("customer:2")) == (OPEN, date(2026, 9, 5))
    gone = months.run(THIRD, shop())
    assert (gone.ends("customer:1"), gone.ends("customer:2")) == (OPEN, date(2026, 9, 5))
    assert gone.ends("customer:2", "profile") == OPEN


def test_a_verified_erasure_outlives_its_row(tmp_path: Path) -> None:
    """Profile, marketing and the order's contract end as before; a later profile or order is new."""
    months = Months(tmp_path)
    first = months.run(FIRST, shop(ERASURE))
    then = months.run(SECOND, shop())
    for month in (first, then):
        assert (month.ends("customer:1"), month.ends("customer:1", "profile")) == (R, V)
        assert month.ends("customer:1", "contract") == V
    assert "former_request" in then.reasons("customer:1", "profile")
    late = shop(orders=[kit.order("2026-02-01"), kit.order("2026-09-11", "new")])
    assert months.run(THIRD, late).ends("customer:1", "contract") == date(2027, 9, 11)


@pytest.mark.soak
def test_an_unverified_erasure_stops_marketing_alone(tmp_path: Path) -> None:
    """Verified the day after the month: that had ended nothing yet."""
    months = Months(tmp_path)
    months.run(FIRST, shop({**ERASURE, "identity_verified_at": "2026-11-02"}))
    then = months.run(SECOND, shop())
    assert (then.ends("customer:1"), then.ends("customer:1", "profile")) == (R, OPEN)


@pytest.mark.soak
def test_it_ends_with_whom_it_met(tmp_path: Path) -> None:
    """The subject's row is gone: the store forgets, and who gets the number later is somebody else."""
    months = Months(tmp_path)
    months.run(FIRST, shop(OBJECTION))
    months.run(SECOND, shop())
    alone = shop()
    months.run(THIRD, {**alone, "customers": alone["customers"][1:], "orders": []})
    assert months.stored() == []
    assert months.run(FOURTH, shop()).ends("customer:1") == OPEN


@pytest.mark.soak
def test_an_address_on_the_newsletter_keeps_it(tmp_path: Path) -> None:
    """The subject is gone, a subscription with the address is there: it still ends; a later one is new."""
    months = Months(tmp_path)
    rows = [kit.subscription(subscription_id="old", email="C1@x.no", subscribed_at="2026-09-01"),
            kit.subscription(subscription_id="new", email="c1@x.no", subscribed_at="2026-09-02")]
    others = {"customers": shop()["customers"][1:], "orders": []}
    months.run(FIRST, shop(OBJECTION, newsletter_subscriptions=rows))
    for month in (SECOND, THIRD):
        then = months.run(month, {**others, "newsletter_subscriptions": rows})
        assert (then.newsletter("old"), then.newsletter("new")) == (("due", "2026-09-01"), ("retain", None))
    months.run(FOURTH, others)
    assert months.stored() == []


@pytest.mark.soak
def test_it_never_freezes(tmp_path: Path) -> None:
    """A restriction that is no longer there holds nobody."""
    months = Months(tmp_path)
    months.run(FIRST, shop(kit.request("restriction", "2026-10-01"),
                           kit.request("access", "2026-10-01", request_id="a")))
    then = months.run(SECOND, shop())
    assert then.con.execute("SELECT * FROM retention.freezes").fetchall() == []
    assert months.stored() == []


@pytest.mark.soak
def test_an_erasure_by_address(tmp_path: Path) -> None:
    """It stays with whom it erased, also when the address is gone; who has the address later loses marketing alone."""
    by_email = {**ERASURE, "customer_id": None, "email": "C1@x.no"}
    guest = {**kit.order("2026-09-05", "g"), "customer_id": None, "delivery_email": "c1@x.no"}
    months = Months(tmp_path)
    first = months.run(FIRST, shop(by_email, orders=[guest]))
    assert (first.ends("customer:1", "profile"), first.record("orders", "g", "delivery")[1]) == (V, "2026-09-10")
    later = shop(orders=[guest])
    later["customers"][0]["email"] = None
    later["customers"][1]["email"] = "c1@x.no"
    then = months.run(SECOND, later)
    assert (then.ends("customer:1"), then.ends("customer:1", "profile")) == (R, V)
    assert (then.ends("customer:2"), then.ends("customer:2", "profile")) == (R, OPEN)
    assert then.record("orders", "g", "delivery")[1] == "2026-09-10"


@pytest.mark.soak
def test_an_ambiguous_erasure_never_becomes_clear(tmp_path: Path) -> None:
    """Two had the address then: neither is erased when one is left, both lost marketing."""
    by_email = {**ERASURE, "customer_id": None, "email": "c1@x.no"}
    both = shop(by_email)
    both["customers"][1]["email"] = "c1@x.no"
    months = Months(tmp_path)
    months.run(FIRST, both)
    then = months.run(SECOND, shop())
    for subject in ("customer:1", "customer:2"):
        assert (then.ends(subject), then.ends(subject, "profile")) == (R, OPEN)
    assert then.listed() == []


@pytest.mark.soak
def test_an_unsubscription_is_an_effect_too(tmp_path: Path) -> None:
    """The row is deleted, its twin is imported later; subscribed again on the same row, it is new."""
    gone = kit.subscription(subscription_id="a", email="twin@x.no", subscribed_at="2020-01-01",
                            unsubscribed_at="2026-05-01")
    twins = [kit.subscription(subscription_id="b", email="Twin@x.no", subscribed_at="2026-05-01"),
             kit.subscription(subscription_id="c", email="twin@x.no", subscribed_at="2026-05-02"),
             kit.subscription(subscription_id="d", email="tw\u0130n@x.no")]
    months = Months(tmp_path)
    months.run(FIRST, shop(newsletter_subscriptions=[gone, twins[1]]))
    for month, rows in ((SECOND, twins), (THIRD, [*twins, {**gone, "email": None}])):
        then = months.run(month, shop(newsletter_subscriptions=rows))
        assert [then.newsletter(n) for n in ("b", "c", "d")] == [
            ("due", "2026-05-01"), ("retain", None), ("retain", None)]
    again = {**gone, "unsubscribed_at": None}
    assert months.run(FOURTH, shop(newsletter_subscriptions=[again, *twins])).newsletter("b") == ("retain", None)
    assert months.stored() == []


@pytest.mark.soak
def test_earlier_months_and_months_without_evidence_take_nothing(tmp_path: Path) -> None:
    """Run again late, or over a warehouse that lost its customers."""
    months = Months(tmp_path)
    months.run(SECOND, shop(OBJECTION))
    kept = months.stored()
    late = months.run(FIRST, shop({**OBJECTION, "outcome": "withdrawn"}))
    assert late.ends("customer:1") == OPEN  # the row stands: it decides
    months.run("2026-07", shop())
    months.run(SECOND, {"customers": [], "orders": []}, evidence_missing=True)
    assert months.stored() == kept
    assert months.run("2026-08", shop()).ends("customer:1") == R  # received by that month's end
    assert months.run("2026-07", shop()).ends("customer:1") == OPEN  # not yet
    assert months.run(SECOND, shop()).ends("customer:1") == R


@pytest.mark.soak
def test_a_month_that_runs_again_stores_nothing_twice(tmp_path: Path) -> None:
    """Nothing of a person stands there but tokens."""
    months = Months(tmp_path)
    subscription = kit.subscription(email="c1@x.no", unsubscribed_at="2026-05-01", customer_id="1")
    for _ in range(2):
        months.run(FIRST, shop(OBJECTION, {**ERASURE, "request_id": "e", "email": "c1@x.no"},
                               newsletter_subscriptions=[subscription]))
    found = sorted((row["kind"], row["what"], row["erases"]) for row in months.stored())
    assert found == [("erasure", "named", False), ("erasure", "subject", True),
                     ("objection", "address", False), ("objection", "subject", False),
                     ("unsubscription", "named", False), ("unsubscription", "subject", False)]
    assert all(len(row["token"]) == len(row["source"]) == 64 for row in months.stored())


@pytest.mark.soak
def test_another_key_is_refused(tmp_path: Path) -> None:
    """Tokens that nothing can be compared with would be forgotten in silence."""
    months = Months(tmp_path)
    months.run(FIRST, shop(OBJECTION))
    with pytest.raises(ModelError, match=r"retention\.former_effects"):
        decide(shop(), SECOND, tmp_path, control=months.control)
    months.keys.destroy("effects")
    with pytest.raises(KeyStoreError, match=r"restore keys/effects\.sealed"):
        months.run(SECOND, shop())
    months.keys.data_key("effects")
    with pytest.raises(KeyStoreError, match=r"restore keys/effects\.sealed"):
        months.run(SECOND, shop())


@pytest.mark.soak
def test_a_row_that_stands_reaches_whom_it_reached_before_the_address_was_erased(tmp_path: Path) -> None:
    """An erasure by e-mail keeps its subject, an objection by id the subject's former address, also a month later."""
    by_email = {**ERASURE, "request_id": "e", "customer_id": None, "email": "C1@x.no"}
    by_id = {**OBJECTION, "customer_id": "2"}
    twin = kit.subscription(subscription_id="n", email="c2@x.no", customer_id="1", subscribed_at="2026-09-01")
    before, carried = (shop(by_email, by_id, newsletter_subscriptions=[twin]) for _ in range(2))
    before["customers"][1]["email"] = "c2@x.no"
    carried["customers"][0]["email"] = carried["customers"][1]["email"] = None
    months = Months(tmp_path)
    months.run(FIRST, before)
    for month in (SECOND, THIRD):
        now = {**carried, "newsletter_subscriptions": [twin] if month == THIRD else []}
        then = months.run(month, now)
        assert [then.ends("customer:1", name) for name in ("individualisation", "profile", "contract")] == [R, V, V]
        assert then.ends("customer:2") == R
        assert then.listed() == []
    assert then.newsletter("n") == ("due", "2026-09-01")


@pytest.mark.soak
def test_another_address_in_the_row_or_for_the_subject_decides_alone(tmp_path: Path) -> None:
    """A corrected or withdrawn row, a subject with another address; a newcomer with the old one makes it ambiguous."""
    by_email = {**ERASURE, "customer_id": None, "email": "c1@x.no"}
    kept, elsewhere = shop(by_email), shop(by_email)
    kept["customers"][0]["email"] = None
    elsewhere["customers"][0]["email"] = "new@x.no"
    for number, (later, ends) in enumerate([
            ({**kept, "rights_requests": [{**by_email, "email": "typo@x.no"}]}, OPEN), (elsewhere, OPEN),
            ({**kept, "rights_requests": [{**by_email, "outcome": "withdrawn"}]}, OPEN), (kept, V)]):
        (tmp_path / str(number)).mkdir()
        months = Months(tmp_path / str(number))
        months.run(FIRST, shop(by_email))
        assert months.run(SECOND, later).ends("customer:1", "profile") == ends
    kept["customers"][1]["email"] = "c1@x.no"
    then = months.run(THIRD, kept)
    assert (then.ends("customer:1", "profile"), then.ends("customer:2", "profile")) == (V, OPEN)
    assert then.listed() == [("ambiguous_request", by_email["request_id"], "2026-09-01")]
