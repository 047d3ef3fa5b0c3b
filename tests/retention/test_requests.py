"""Whom requests reach: guests by their address, nobody at all, newsletter rows; twins on the newsletter.

Cases of one kind stand side by side in one shop, each with an address and numbers of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.oracle import casekit as kit
from tests.oracle.model import Row, Shop

from .months import Decided, Months

MONTH = "2026-10"  # as_of = 2026-11-01
KINDS = ("access", "rectification", "erasure", "restriction", "portability", "objection")


def decided(tmp_path: Path, shop: Shop) -> Decided:
    """One month over a shop."""
    return Months(tmp_path).run(MONTH, {"customers": [], "orders": [], **shop})


def guest(on: str, number: str, **columns: object) -> Row:
    """A guest's order, with an address of its own."""
    return {**kit.order(on, number), "customer_id": None, "delivery_email": f"{number}@x.no", **columns}


def asked(kind: str, received: str, number: str, **columns: object) -> Row:
    """A request that names the address of the guest with this number."""
    return kit.request(kind, received, request_id=number, **{"email": f"{number}@x.no", **columns})


def test_an_erasure_reaches_guest_orders_placed_by_its_day(tmp_path: Path) -> None:
    """However many subjects have the address; one placed later keeps its contract."""
    cases = {"2026-09-02": "2026-09-03", "2026-09-03": "2026-09-03", "2026-09-04": "2027-09-04"}
    result = decided(tmp_path, {
        "customers": [kit.consumer("1", email="gast@x.no"), kit.consumer("2", email="GAST@x.no")],
        "orders": [guest(on, on, delivery_email="Gast@x.no") for on in cases],
        "rights_requests": [asked("erasure", "2026-09-01", "gast", identity_verified_at="2026-09-03")]})
    assert {on: result.record("orders", on, "delivery")[1] for on in cases} == cases


def test_an_erasure_without_effect_leaves_guests_alone(tmp_path: Path) -> None:
    """Not verified by as_of, refused, withdrawn, of a look-alike, of somebody with a number."""
    verified = {"identity_verified_at": "2026-09-03"}
    cases: dict[str, tuple[Row, str]] = {
        "plain": (verified, "2026-09-03"), "in-time": ({"identity_verified_at": "2026-11-01"}, "2026-11-01"),
        "late": ({"identity_verified_at": "2026-11-02"}, "2027-08-01"), "never": ({}, "2027-08-01"),
        "refused": ({**verified, "outcome": "refused"}, "2027-08-01"),
        "withdrawn": ({**verified, "outcome": "withdrawn"}, "2027-08-01"),
        "like": ({**verified, "email": "li\u212ae@x.no"}, "2027-08-01"),
        "number": ({**verified, "customer_id": "1"}, "2027-08-01")}
    result = decided(tmp_path, {
        "customers": [kit.consumer("1", email="number@x.no")], "orders": [guest("2026-08-01", name) for name in cases],
        "rights_requests": [asked("erasure", "2026-09-01", name, **row) for name, (row, _) in cases.items()]})
    assert {name: result.record("orders", name, "delivery")[1] for name in cases} == {
        name: day for name, (_, day) in cases.items()}


def test_guests_are_frozen_like_anybody(tmp_path: Path) -> None:
    """By the same boundaries: received by as_of, not closed by then, three months unverified."""
    days = {"old": ("2026-08-01", None, False), "young": ("2026-08-02", None, True), "now": ("2026-11-01", None, True),
            "later": ("2026-11-02", None, False), "closed": ("2026-09-01", "2026-11-01", False),
            "open": ("2026-09-01", "2026-11-02", True)}
    freezes = {"restriction": "restriction", "access": "access_pending", "portability": "access_pending"}
    cases = {f"{kind}-{name}": (kind, *days[name]) for kind in freezes for name in days}
    result = decided(tmp_path, {
        "orders": [guest("2015-03-02", name) for name in cases],
        "invoices": [kit.invoice("2015-03-02", paid="100.00", invoice_id=name, customer_id=None, order_id=name,
                                 billing_email=f"{name.upper()}@X.no") for name in cases],
        "rights_requests": [asked(kind, received, name, closed_at=closed)
                            for name, (kind, received, closed, _) in cases.items()]})
    for name, (kind, _, _, holds) in cases.items():
        for entity, part in (("orders", "delivery"), ("invoices", "billing")):
            decision, _, held_by = result.record(entity, name, part)
            assert (decision, held_by) == (("hold", [freezes[kind]]) if holds else ("due", [])), name


def test_who_reaches_nobody_is_listed_until_closed(tmp_path: Path) -> None:
    """A request of any kind, received by as_of."""
    days = {"before": ("2026-10-31", None, True), "on": ("2026-11-01", None, True),
            "after": ("2026-11-02", None, False), "closed": ("2026-10-01", "2026-11-01", False),
            "open": ("2026-10-01", "2026-11-02", True)}
    requests = [asked(kind, received, f"{kind}-{name}", closed_at=closed)
                for kind in KINDS for name, (received, closed, _) in days.items()]
    assert decided(tmp_path, {"rights_requests": requests}).listed() == sorted(
        ("unmatched_request", f"{kind}-{name}", received)
        for kind in KINDS for name, (received, _, is_listed) in days.items() if is_listed)


def unmatched(result: Decided) -> set[str]:
    """The requests that reach nobody."""
    return {number for reason, number, _ in result.listed() if reason == "unmatched_request"}


def test_unknown_ids_and_addresses_reach_nobody(tmp_path: Path) -> None:
    """A contact goes before a customer, and an address that only looks like another is another."""
    nobodys: dict[str, Row] = {
        "customer": {"customer_id": "404"}, "contact": {"contact_id": "404", "customer_id": "1"},
        "text": {"email": "no address"}, "nothing": {"email": None}, "look-alike": {"email": "mi\u212ae@x.no"},
        "number beside a guest's address": {"customer_id": "404", "email": "guest@x.no"},
        "number beside a reader's address": {"customer_id": "404", "email": "reader@x.no"}}
    somebodys: dict[str, Row] = {
        "known customer": {"customer_id": "1", "email": "other@x.no"}, "subject": {"email": "MIKE@x.no"},
        "guest": {"email": " Guest@x.no"}, "invoice": {"email": "payer@x.no"},
        "reader": {"email": "mailto:reader@x.no"}}
    result = decided(tmp_path, {
        "customers": [kit.consumer("1", email="mike@x.no")], "orders": [guest("2026-01-01", "guest")],
        "invoices": [kit.invoice("2026-01-01", customer_id=None, billing_email="Payer@x.no")],
        "newsletter_subscriptions": [kit.subscription(email="Reader@x.no")],
        "rights_requests": [asked("access", "2026-10-01", name, **row) for name, row in (nobodys | somebodys).items()]})
    assert unmatched(result) == set(nobodys)


def test_what_ends_a_subscription_by_its_address_has_reached_somebody(tmp_path: Path) -> None:
    """An objection or erasure with an unknown number stops the newsletter to the address that it names."""
    result = decided(tmp_path, {
        "newsletter_subscriptions": [kit.subscription(email="reader@x.no")],
        "rights_requests": [asked(kind, "2026-10-01", kind, customer_id="404", email="reader@x.no") for kind in KINDS]})
    assert unmatched(result) == set(KINDS) - {"erasure", "objection"}
    assert result.newsletter("n") == ("due", "2026-10-01")


def test_two_subjects_stay_ambiguous_for_an_erasure_alone(tmp_path: Path) -> None:
    """An objection reaches both; only what an erasure erases needs to know which."""
    two = [kit.consumer("1", email="two@x.no"), kit.consumer("2", email="two@x.no")]
    requests = [asked(kind, "2026-10-01", kind, email="two@x.no") for kind in KINDS]
    assert decided(tmp_path, {"customers": two, "rights_requests": requests}).listed() == [
        ("ambiguous_request", "erasure", "2026-10-01")]


def test_a_restriction_by_address_holds_the_newsletter(tmp_path: Path) -> None:
    """Every row with that key, whoever it belongs to; access does not, nor a restriction of somebody with a number."""
    cases: dict[str, tuple[Row, Iterable[str]]] = {
        "plain": (asked("restriction", "2026-10-01", "plain"), ("nobodys", "1")),
        "number": (asked("restriction", "2026-10-01", "number", customer_id="2"), ()),
        "access": (asked("access", "2026-10-01", "access"), ()),
        "closed": (asked("restriction", "2026-10-01", "closed", closed_at="2026-11-01"), ())}
    rows = [kit.subscription(subscription_id=f"{name}/{number}", email=f"{name.upper()}@x.no",
                             unsubscribed_at="2026-05-01", customer_id=None if number == "nobodys" else number)
            for name in cases for number in ("nobodys", "1")]
    like = kit.subscription(subscription_id="like", email="p\u217cain@x.no", unsubscribed_at="2026-05-01")
    result = decided(tmp_path, {
        "customers": [kit.consumer("1"), kit.consumer("2")], "newsletter_subscriptions": [*rows, like],
        "rights_requests": [request for request, _ in cases.values()]})
    held = {row["subscription_id"] for row in (*rows, like)
            if result.record("newsletter_subscriptions", row["subscription_id"], "email")[0] == "hold"}
    assert held == {f"{name}/{number}" for name, (_, numbers) in cases.items() for number in numbers}


def test_twins_end_together(tmp_path: Path) -> None:
    """The first unsubscription of any row with the address, on or after the day this row was subscribed."""
    cases = {"2026-04-30": ("due", "2026-05-01"), "2026-05-01": ("due", "2026-05-01"), None: ("due", "2026-05-01"),
             "2026-05-02": ("due", "2026-07-01"), "2026-07-01": ("due", "2026-07-01"), "2026-07-02": ("retain", None)}
    twins = [kit.subscription(subscription_id=f"of {day}", email="TWIN@x.no", subscribed_at=day) for day in cases]
    others = [
        kit.subscription(subscription_id="a", email="twin@x.no", subscribed_at="2020-01-01",
                         unsubscribed_at="2026-05-01"),
        kit.subscription(subscription_id="c", email="twin@x.no", unsubscribed_at="2026-07-01"),
        # before it was subscribed: does not count, for nobody
        kit.subscription(subscription_id="d", email="twin@x.no", subscribed_at="2026-07-05",
                         unsubscribed_at="2026-07-04"),
        kit.subscription(subscription_id="look-alike", email="tw\u0130n@x.no", subscribed_at="2020-01-01"),
        kit.subscription(subscription_id="no key", email="twin", subscribed_at="2020-01-01"),
        kit.subscription(subscription_id="no key either", email="twin", unsubscribed_at="2026-05-01")]
    result = decided(tmp_path, {"newsletter_subscriptions": [*twins, *others]})
    assert {day: result.newsletter(f"of {day}") for day in cases} == cases
    assert {name: result.newsletter(name)[0] for name in ("d", "look-alike", "no key", "no key either")} == {
        "d": "retain", "look-alike": "retain", "no key": "retain", "no key either": "due"}
