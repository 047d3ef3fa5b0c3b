"""Reviews and legal holds: what is decided counts, what is refused changes nothing, nothing is ever edited."""

import functools
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from ajprivacy_pipeline.assets import review as review_asset
from ajprivacy_pipeline.assets.resources import MONTH as RESOURCE

from ajprivacy_pipeline.errors import ControlError, PrivacyError
from ajprivacy_pipeline.oversight.holds import lift_hold, list_holds, place_hold, renew_hold
from ajprivacy_pipeline.oversight.reviews import decide, open_reviews, review_figures
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_file
from tests.explain.world import MONTH, home
from tests.oracle.sqlshop import decide as decide_shop
from tests.oracle.sqlshop import decide_again
from tests.review_world import everything, shop

TODAY = date(2026, 11, 3)
NEXT = "2026-11"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a month in which 1 owes, 2 has nothing, 3 owes since lately, and a company owes."""
    return home(tmp_path_factory.mktemp("home"), shop())


@pytest.fixture
def settings(made: Settings, tmp_path: Path) -> Settings:
    """A copy of it of the test's own."""
    shutil.copytree(made.home, tmp_path / "home")
    return replace(made, home=tmp_path / "home")


@functools.cache
def _decided() -> zones.Connection:
    """The shop in the next month, decided with nothing recorded."""
    return decide_shop(shop(), NEXT, Path(), control=ControlStore("sqlite://"))


def _held(settings: Settings, subject: str) -> dict[str, list[str]]:
    """held_by per attribute when the next month is decided with what people have recorded."""
    con = _decided()
    decide_again(con, NEXT, ControlStore.in_folder(settings.control))
    return dict(con.execute("SELECT attribute, held_by FROM retention.attribute_decisions WHERE subject_id = ? "
                            "AND decision <> 'absent'", [subject]).fetchall())


def _decide(settings: Settings, subject: str, decision: str, reason: str, kind: str | None = None,
            by: str = "Ada", month: str | None = None) -> dict[str, Any]:
    return decide(settings, subject, decision, by, reason, kind=kind, month=month, today=TODAY)


@pytest.mark.soak
def test_release_of_an_open_balance_lifts_the_freeze(settings: Settings) -> None:
    """The decision and its invoices, as they are, stand together; the next run sees both."""
    assert _held(settings, "customer:1")["name"] == ["no_evidence", "open_balance"]
    made = _decide(settings, "customer:1", "release", "written_off", "open_balance")
    _, decisions, invoices = everything(settings)

    assert made["invoices"] == 2
    assert [(row["kind"], row["decision"], row["decided_by"], row["decided_on"]) for row in decisions] == [
        ("open_balance", "release", "Ada", TODAY)]
    assert [row["invoice_id"] for row in invoices] == ["a", "b"]
    assert all(re.fullmatch("[0-9a-f]{64}", row["facts_sha256"]) for row in invoices)
    assert _held(settings, "customer:1")["name"] == ["no_evidence"]
    _decide(settings, "customer:1", "release", "no_ground_found", "no_evidence")
    assert _held(settings, "customer:1")["name"] == []


def test_keep_is_recorded_and_changes_no_decision(settings: Settings) -> None:
    """It answers the month's case and lifts nothing."""
    _decide(settings, "customer:2", "keep", "evidence_sought")
    answered = next(row for row in open_reviews(settings, MONTH) if row["subject_id"] == "customer:2")

    assert answered["decision"] == "keep"
    assert _held(settings, "customer:2")["name"] == ["no_evidence"]


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "other", "released", "kept"), [
    ("open_balance", "no_evidence", "written_off", "collection"),
    ("no_evidence", "open_balance", "no_ground_found", "evidence_sought"),
])
def test_a_keep_ends_an_earlier_release_and_a_later_release_counts_again(
    settings: Settings, kind: str, other: str, released: str, kept: str,
) -> None:
    """Of several on one day, too, the newest counts; what is decided about the other kind is its own."""
    _decide(settings, "customer:1", "release", released, kind)
    assert _held(settings, "customer:1")["name"] == [other]
    _decide(settings, "customer:1", "keep", kept, kind)
    assert _held(settings, "customer:1")["name"] == ["no_evidence", "open_balance"]
    _decide(settings, "customer:1", "release", released, kind)
    assert _held(settings, "customer:1")["name"] == [other]
    _decide(settings, "customer:1", "keep", kept, other)
    assert _held(settings, "customer:1")["name"] == [other]


def test_a_contact_is_released_from_the_invoices_that_freeze_it(settings: Settings) -> None:
    """One whom the order names, and the company's where nobody is named; a colleague from the latter alone."""
    assert _decide(settings, "contact:41", "release", "statute_barred", "open_balance")["invoices"] == 2
    assert _decide(settings, "contact:42", "release", "statute_barred", "open_balance")["invoices"] == 1
    assert [row["invoice_id"] for row in everything(settings)[2]] == ["d", "e", "e"]
    assert _held(settings, "contact:41")["name"] == _held(settings, "contact:42")["name"] == []


def test_list_and_figures(settings: Settings) -> None:
    """Oldest first, with ages; the figures name nobody, and Dagster shows them as an asset."""
    found = open_reviews(settings, None)
    balances = [row["subject_id"] for row in found if row["reason"] == "open_balance_review"]
    assert balances[0] == "customer:1"
    assert set(balances) == {"customer:1", "customer:4", "contact:41", "contact:42"}
    assert found[0]["age_days"] == (date(2026, 11, 1) - found[0]["since"]).days
    _decide(settings, "customer:1", "keep", "collection", "open_balance")
    with zones.open_zone(settings, KeyStore(settings.keys), month_file(settings, MONTH), read_only=True) as con:
        figures = review_figures(con, ControlStore.in_folder(settings.control))
        context = dg.build_asset_context(resources={RESOURCE: SimpleNamespace(
            con=con, control=ControlStore.in_folder(settings.control), policy=SimpleNamespace(version="v"))},
            partition_key=f"{MONTH}-01")
        shown = review_asset.review()(context).metadata

    assert shown == {"policy_version": "v", **figures}
    assert figures["counts"]["open_balance_review"] == 4
    assert figures["undecided"]["open_balance_review"] == 3
    assert figures["oldest_undecided_days"] == (date(2026, 11, 1) - date(2015, 2, 15)).days
    assert not re.search(r"customer|contact:", str(figures))


@pytest.mark.soak
def test_a_message_of_nobodys_is_reviewed_and_comes_back_after_the_months(settings: Settings) -> None:
    """The list counts from the review, which changes no decision: before, on and after the day it comes back."""
    def listed(month: str) -> list[date]:
        con = decide_shop(shop(), month, settings.home, control=ControlStore.in_folder(settings.control))
        found = con.execute("SELECT decision, retained_by FROM retention.record_decisions WHERE record_id = 'old'")
        assert found.fetchall() == [("retain", ["until_further_notice"])]
        found = con.execute("SELECT since FROM retention.review_list WHERE record_id = 'old'")
        return [row[0] for row in found.fetchall()]

    first_of = date(2026, 12, 1)
    made = decide(settings, "communications:old", "keep", "Ada", "still_needed", kind=None, month=None, today=first_of)
    assert (made["kind"], made["invoices"]) == ("until_further_notice", 0)
    assert [(row["subject_id"], row["kind"], row["decision"], row["reason"]) for row in everything(settings)[1]] == [
        ("communications:old", "until_further_notice", "keep", "still_needed")]

    assert listed("2026-10") == [date(2024, 5, 6)]  # as_of is 1 November, before the review
    assert listed("2026-11") == []
    assert listed("2027-10") == []
    assert listed("2027-11") == [first_of]
    assert listed("2027-12") == [first_of]
    again = date(2027, 12, 2)
    decide(settings, "communications:old", "keep", "Bo", "still_needed", kind="until_further_notice", month=None,
           today=again)
    assert listed("2028-11") == []  # as_of is 1 December 2028, a day too early
    assert listed("2028-12") == [again]
    assert len(everything(settings)[1]) == 2


def test_a_reviewed_message_counts_as_decided(settings: Settings) -> None:
    """It stays in the month's list with its answer; what is undecided, and how old that is, is told without it."""
    def figures() -> dict[str, Any]:
        with zones.open_zone(settings, KeyStore(settings.keys), month_file(settings, MONTH), read_only=True) as con:
            return review_figures(con, ControlStore.in_folder(settings.control))

    for subject in ("customer:1", "customer:4", "contact:41", "contact:42"):
        _decide(settings, subject, "keep", "collection", "open_balance")
    before = figures()
    assert before["undecided"]["until_further_notice"] == before["counts"]["until_further_notice"] == 1
    assert before["oldest_undecided_days"] == (date(2026, 11, 1) - date(2024, 5, 6)).days
    _decide(settings, "communications:old", "keep", "still_needed")
    after = figures()

    assert after["counts"] == before["counts"]
    assert "until_further_notice" not in after["undecided"]
    assert after["oldest_undecided_days"] == 0  # people without evidence, since nobody knows when


@pytest.mark.parametrize(("arguments", "words"), [
    (("communications:old", "release", "no_ground_found"), "no end of its own (PRO-3)"),
    (("communications:old", "keep", "because"), "choose one of"),
    (("communications:old", "keep", "still_needed", "no_evidence"), "not under review in 2026-10 for no_evidence"),
    (("communications:old", "keep", "still_needed", None, " "), "--by must name somebody"),
    (("communications:old", "keep", "still_needed", None, "Ada", "2026-08"), "recompute from today's facts"),
    (("communications:new", "keep", "still_needed"), "communications:new is not under review in 2026-10"),
    (("communications:hers", "keep", "still_needed"), "communications:hers is not under review"),
    (("communications:99", "keep", "still_needed"), "communications:99 is not under review"),
    (("communications:", "keep", "still_needed"), "customer:ID or contact:ID"),
    (("products:1", "keep", "still_needed"), "products:1 is not under review"),
    (("customer:2", "keep", "still_needed", "until_further_notice"), "not under review in 2026-10 for until_further"),
    (("customer:99", "release", "written_off"), "not in the month's data"),
    (("99", "release", "written_off"), "customer:ID or contact:ID"),
    (("customer:1", "forget", "written_off"), "choose release or keep"),
    (("customer:1", "release", "because"), "choose one of written_off"),
    (("customer:1", "release", "collection"), "choose one of written_off"),
    (("customer:1", "release", "written_off"), "name one with --kind"),
    (("customer:1", "release", "written_off", "legal_hold"), "choose open_balance, no_evidence, until_further"),
    (("customer:3", "release", "written_off"), "not under review"),
    (("customer:3", "release", "written_off", "open_balance"), "not under review"),
    (("customer:2", "release", "written_off", "open_balance"), "not under review"),
    (("customer:2", "keep", "evidence_sought", None, "  "), "--by must name somebody"),
    (("customer:2", "keep", "evidence_sought", None, "Ada", "2026-08"), "recompute from today's facts"),
    (("customer:anonymised-business", "keep", "evidence_sought"), "tombstone"),
])
def test_refused_decisions_change_nothing(settings: Settings, arguments: tuple[Any, ...], words: str) -> None:
    """A clear error, and the store as it was."""
    before = everything(settings)
    with pytest.raises(PrivacyError, match=re.escape(words)):
        _decide(settings, *arguments)
    assert everything(settings) == before


def test_a_hold_is_placed_renewed_and_lifted_by_further_rows(settings: Settings) -> None:
    """What stood once stands for ever; the state is what the rows come to."""
    number = place_hold(settings, "customer:2", "Legal", "litigation", date(2027, 3, 1), today=TODAY, by="ada")
    assert _held(settings, "customer:2")["name"] == ["legal_hold", "no_evidence"]
    placed = everything(settings)[0]
    renew_hold(settings, number, date(2027, 9, 1), today=TODAY, by="ada")
    assert [hold["expires_on"] for hold in list_holds(settings, today=TODAY)] == [date(2027, 9, 1)]
    assert list_holds(settings, today=date(2027, 9, 1))[0]["state"] == "expired, renew or lift it"
    lift_hold(settings, number, "bo", today=TODAY)
    events = everything(settings)[0]

    assert events[:1] == placed
    assert [(row["event"], row["hold_id"], row["recorded_by"]) for row in events] == [
        ("placed", None, "ada"), ("renewed", number, "ada"), ("lifted", number, "bo")]
    assert list_holds(settings, today=TODAY)[0]["state"] == "lifted"
    assert _held(settings, "customer:2")["name"] == ["no_evidence"]


LONGEST = date(2028, 11, 3)  # two years from TODAY


def test_a_hold_runs_for_the_longest_term_at_most_and_is_renewed_for_as_long(settings: Settings) -> None:
    """The day before the longest term's end and the day itself; a renewal counts from its own day."""
    first = place_hold(settings, "customer:2", "Legal", "audit", LONGEST - timedelta(1), today=TODAY, by="ada")
    second = place_hold(settings, "app_logs", "Legal", "audit", LONGEST, today=TODAY, by="ada")
    renew_hold(settings, first, LONGEST, today=TODAY, by="ada")
    later = date(2028, 2, 29)
    renew_hold(settings, second, date(2030, 2, 28), today=later, by="ada")

    assert [hold["expires_on"] for hold in list_holds(settings, today=later)] == [LONGEST, date(2030, 2, 28)]


def test_a_hold_of_before_the_longest_term_stands_and_is_replaced(settings: Settings) -> None:
    """What was placed without end holds on; to renew it is refused with the way out, which works."""
    control = ControlStore.in_folder(settings.control)
    old = control.append_hold_event({"event": "placed", "subject_id": "customer:2", "owner": "Legal", "ground": "audit",
                                     "expires_on": date.max, "happened_on": TODAY, "recorded_by": "ada"})
    with pytest.raises(ControlError, match="place another, then lift this one"):
        renew_hold(settings, old, LONGEST, today=TODAY, by="ada")
    assert "legal_hold" in _held(settings, "customer:2")["name"]
    place_hold(settings, "customer:2", "Legal", "audit", LONGEST, today=TODAY, by="ada")
    lift_hold(settings, old, "ada", today=TODAY)
    assert "legal_hold" in _held(settings, "customer:2")["name"]


def test_a_hold_on_a_whole_table(settings: Settings) -> None:
    """Nobody needs to be named."""
    place_hold(settings, "customers", "Legal", "authority_order", date(2027, 3, 1), today=TODAY, by="ada")
    assert "legal_hold" in _held(settings, "customer:2")["name"]


def _place(subject: str = "customer:2", owner: str = "Legal", ground: str = "litigation",
           expires: date = date(2027, 1, 1)) -> Callable[[Settings], object]:
    return lambda settings: place_hold(settings, subject, owner, ground, expires, today=TODAY, by="ada")


@pytest.mark.parametrize(("attempt", "words"), [
    (_place(ground=""), "not a ground code"),
    (_place(ground="just in case"), "choose one of litigation"),
    (_place(expires=TODAY), "not in the future"),
    (_place(expires=date(2020, 1, 1)), "not in the future"),
    (_place(expires=LONGEST + timedelta(1)), "name 2028-11-03 or an earlier day"),
    (_place(expires=date.max), "name 2028-11-03 or an earlier day"),
    (_place(subject="app_logs", expires=LONGEST + timedelta(1)), "name 2028-11-03 or an earlier day"),
    (_place(owner=" "), "--owner must name somebody"),
    (_place(subject="customer:77"), "not in the month's data"),
    (_place(subject="products"), "neither customer:ID"),
    (_place(subject="order:1"), "customer:ID or contact:ID"),
    (lambda settings: renew_hold(settings, 5, date(2027, 1, 1), today=TODAY, by="ada"), "no hold 5"),
    (lambda settings: lift_hold(settings, 5, "ada", today=TODAY), "no hold 5"),
    (lambda settings: renew_hold(settings, 1, date(2026, 12, 1), today=TODAY, by="ada"), "name a later day"),
    (lambda settings: renew_hold(settings, 1, date(2026, 1, 1), today=TODAY, by="ada"), "not in the future"),
    (lambda settings: renew_hold(settings, 1, LONGEST + timedelta(1), today=TODAY, by="ada"), "too far ahead"),
    (lambda settings: lift_hold(settings, 1, "", today=TODAY), "--by must name somebody"),
    (lambda settings: renew_hold(settings, 2, date(2028, 1, 1), today=TODAY, by="ada"), "was lifted"),
    (lambda settings: lift_hold(settings, 2, "ada", today=TODAY), "was lifted"),
])
def test_refused_holds_change_nothing(settings: Settings, attempt: Callable[[Settings], object], words: str) -> None:
    """A clear error, and the store as it was: hold 1 stands, hold 2 is lifted."""
    for _ in range(2):
        place_hold(settings, "customer:1", "Legal", "audit", date(2027, 6, 1), today=TODAY, by="ada")
    lift_hold(settings, 2, "ada", today=TODAY)
    before = everything(settings)
    with pytest.raises(ControlError, match=re.escape(words)):
        attempt(settings)
    assert everything(settings) == before
