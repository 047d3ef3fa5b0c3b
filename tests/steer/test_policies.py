"""Policies are compared key by key, stored once, and shown whole."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import PolicyError, PrivacyError
from ajprivacy_pipeline.policy import NOT_YET, load_policy, parse_decision_policy, read_texts
from ajprivacy_pipeline.policy.clauses import clause_rows, state_counts
from ajprivacy_pipeline.policy.diff import diff
from ajprivacy_pipeline.policy.matrix import layout
from ajprivacy_pipeline.policy.ropa import ropa, write_ropa
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.settings import NOTICE, Settings, load_settings, prepare_home
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.control_tables import policies
from ajprivacy_pipeline.storage.policy_versions import (
    find_texts,
    history,
    policy_of,
    record_policy,
    start_policy,
    stored_versions,
)
from tests.steer.conftest import MONTH

Changed = Callable[..., Path]
POLICY = load_policy(NOTICE)
DECIDING = parse_decision_policy(read_texts(NOTICE))


def test_a_change_is_shown_by_its_key(changed: Changed) -> None:
    folder = changed("purposes.toml", ("log_months = { value = 13", "log_months = { value = 14"),
                     ("valid_from = 2018-05-25", "valid_from = 2027-01-01"))
    found = diff(read_texts(NOTICE), read_texts(folder))

    assert [(row["file"], row["key"], row["was"], row["now"]) for row in found["changes"]] == [
        ("purposes.toml", "periods.log_months.value", "13", "14"),
        ("purposes.toml", "valid_from", "2018-05-25", "2027-01-01")]
    assert found["old"]["version"] == POLICY.version != found["new"]["version"]
    assert found["new"]["valid_from"] == "2027-01-01"


def test_a_key_that_comes_or_goes_is_said_to(changed: Changed) -> None:
    mark = 'channels = ["search engines"'
    folder = changed("recipients.toml", (mark, f"agreement_on = 2026-01-01\n{mark}"))

    assert [(row["kind"], row["now"]) for row in diff(read_texts(NOTICE), read_texts(folder))["changes"]] == [
        ("added", "2026-01-01")]
    assert [(row["kind"], row["now"]) for row in diff(read_texts(folder), read_texts(NOTICE))["changes"]] == [
        ("removed", None)]


def test_a_policy_is_stored_once_and_found_again(changed: Changed) -> None:
    control = ControlStore("sqlite://")
    older = changed("purposes.toml", ("log_months = { value = 13", "log_months = { value = 14"))
    versions = [record_policy(control, folder, "somebody") for folder in (older, NOTICE, older)]

    assert stored_versions(control) == versions[:2]
    assert policy_of(control, versions[0]).periods["log_months"] == 14
    assert policy_of(control, versions[1]) == DECIDING
    with pytest.raises(PolicyError, match="no policy of this version"):
        policy_of(control, "0" * 16)


def test_a_policy_decides_no_month_that_ended_before_it(
    settings: Settings, changed: Changed,
) -> None:
    """The day itself counts; what is refused is not even stored."""
    before = stored_versions(ControlStore.in_folder(settings.control))
    for valid_from, refused in (("2026-11-02", True), ("2026-11-01", False)):
        folder = changed("purposes.toml", ("valid_from = 2018-05-25", f"valid_from = {valid_from}"))
        with pytest.raises(PolicyError, match="valid_from is") if refused else nullcontext(), \
                open_month(replace(settings, notice=folder), MONTH, "r3"):
            pass
        assert (stored_versions(ControlStore.in_folder(settings.control)) == before) == refused
        shutil.rmtree(folder)


def test_stored_policies_are_listed_with_who_and_what_changed(tmp_path: Path, changed: Changed) -> None:
    """Oldest first; one that was stored before anybody noted who, has nobody; a broken one is compared with none."""
    settings = load_settings({"AJPRIVACY_HOME": str(tmp_path / "home")})
    assert history(settings) == []
    prepare_home(settings)
    control = ControlStore.in_folder(settings.control)
    first = record_policy(control, NOTICE, "kari")
    longer = changed("purposes.toml", ("log_months = { value = 13", "log_months = { value = 14"))
    second = record_policy(control, longer, "ola")
    assert record_policy(control, NOTICE, "ola") == first
    control.insert(policies, [{"version": "0" * 16, "stored_at": utc_now(), "content": "no texts"}])
    for month, run, version in (("2026-09", "r1", first), ("2026-10", "r2", first), ("2026-10", "r3", second)):
        control.record_month(month, run, version, [])
    found = history(settings)

    assert [(row["version"], row["stored_by"], row["months"]) for row in found] == [
        (first, "kari", ["2026-09"]), (second, "ola", ["2026-10"]), ("0" * 16, None, [])]
    moved = {"file": "purposes.toml", "key": "periods.log_months.value", "kind": "changed", "was": "13", "now": "14"}
    assert [row["changes"] for row in found] == [None, [moved], None]


def test_a_default_notice_is_written_into_an_empty_folder_alone(tmp_path: Path) -> None:
    folder = tmp_path / "own" / "notice"
    assert set(start_policy(folder)) == {path.name for path in folder.iterdir()}
    assert load_policy(folder) == load_policy(NOTICE)
    (folder / "purposes.toml").write_text("mine")
    for taken in (folder, folder / "purposes.toml"):
        with pytest.raises(PolicyError, match="is not an empty folder"):
            start_policy(taken)
    assert (folder / "purposes.toml").read_text() == "mine"


def test_an_old_month_knows_the_policy_of_its_day(settings: Settings) -> None:
    version = next(entry["version"] for entry in history(settings) if MONTH in entry["months"])

    assert policy_of(ControlStore.in_folder(settings.control), version) == DECIDING
    assert find_texts(settings, POLICY.version) == read_texts(NOTICE)


@pytest.mark.parametrize("name", ["nowhere", "0" * 16, "../x"])
def test_an_unknown_policy_is_refused(name: str, settings: Settings) -> None:
    with pytest.raises(PolicyError, match="stored"):
        find_texts(settings, name)


def test_every_fault_of_a_policy_is_listed(changed: Changed) -> None:
    folder = changed("purposes.toml", ("plausible_years = [1980, 2199]", "plausible_years = [1980]"),
                     ("shrink_tolerance = 0.2", "shrink_tolerance = 2"))
    (folder / "actions.toml").unlink()
    with pytest.raises(PolicyError) as error:
        diff(read_texts(NOTICE), read_texts(folder))

    assert "actions.toml: missing" in error.value.faults
    for key in ("plausible_years", "choices.shrink_tolerance"):
        assert any(fault.startswith(f"purposes.toml: {key}") for fault in error.value.faults), key


def test_clauses_are_listed_with_their_proof() -> None:
    rows = clause_rows(POLICY)

    assert len(rows) == len(POLICY.clauses) == sum(state_counts(POLICY).values())
    assert all((row["state"] in ("executed", NOT_YET)) == bool(row["test"]) for row in rows)
    assert all((row["state"] == NOT_YET) == bool(row["pending"]) for row in rows), "nothing is executed and to come"


def test_the_matrix_is_the_policy() -> None:
    found = layout(POLICY)
    cells = {(kind, row["attribute"]): row for kind, rows in found["matrix"].items() for row in rows}

    assert cells["sole_proprietor", "national_identity_number"]["purposes"] == ["identification"]
    assert cells["consumer", "national_identity_number"]["misplaced"]
    assert cells["consumer", "national_identity_number"]["purposes"] == []
    assert {row["period"] for row in found["periods"] if row["choice"]} >= {"cookie_months", "limitation_months"}
    assert json.loads(json.dumps(found)) == found


class _Page(HTMLParser):
    """Tags that are open, and everything the page would fetch."""

    VOID = ("meta", "br", "link", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an open tag."""
        if tag not in self.VOID:
            self.open.append(tag)
        self.fetched += [str(value) for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        """It closes the newest."""
        assert self.open.pop() == tag


def test_the_record_of_processing_is_whole(tmp_path: Path) -> None:
    """Every purpose, recipient, period and clause; what is missing is said; the page stands alone."""
    html, data = write_ropa(ropa(POLICY), tmp_path / "out")
    record, text = json.loads(data.read_text()), html.read_text()
    page = _Page()
    page.feed(text)

    assert record == json.loads(json.dumps(ropa(POLICY), default=str))
    assert not page.open
    assert not page.fetched
    assert "width=device-width" in text
    assert "@media print" in text
    assert {row["purpose"] for row in record["purposes"]} == set(POLICY.retention.purposes)
    assert all(row["records"] or row["attributes"] for row in record["purposes"])
    assert "recipient transport: agreement_on is missing" in record["warnings"]
    assert "purpose contract: assessment_ref is missing" in record["warnings"]
    assert text.count('class="missing"') >= len(record["warnings"])
    assert all(clause in text for clause in POLICY.clauses)
    said = re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL)
    assert re.findall(r"\w+_\w+", said) == []  # nothing is called as the policy's files call it
    assert "the day of its assessment is missing" in said
    assert "individual offers" in said
    assert "until the person ends it" not in said  # the sentence says it


def test_every_period_ends_some_purpose() -> None:
    """A period that no purpose names would be missing in the record."""
    named = {period for purpose in POLICY.retention.purposes.values() for period in purpose.periods}
    assert named == set(POLICY.retention.periods)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(PrivacyError, match="cannot be written"):
        write_ropa(ropa(POLICY), tmp_path / "file")
def test_every_purpose_says_in_a_sentence_how_long(tmp_path: Path) -> None:
    """In both languages, with each of its periods; the notice's words of a warranty stand there."""
    record = ropa(POLICY)
    for purpose in record["purposes"]:
        assert set(purpose["kept_for"]) == {"en", "nb"}, purpose["purpose"]
        for sentence in purpose["kept_for"].values():
            missing = [period["period"] for period in purpose["periods"]
                       if not re.search(rf"(?<!\d){period['value']}(?!\d)", sentence)]
            assert missing == [], sentence
    (contract,) = [one["kept_for"] for one in record["purposes"] if one["purpose"] == "contract"]
    assert contract["en"].startswith("a warranty of 3 to 30 years and 12 months after")
    assert contract["nb"].startswith("garantitiden på 3 til 30 år og 12 måneder etter den")


def test_a_control_that_is_too_long_ago_is_missing() -> None:
    entry = POLICY.recipients["transport"].model_copy(update={"controlled_on": date(2024, 11, 28)})
    policy = POLICY.model_copy(update={"recipients": {"transport": entry}})
    said = "recipient transport: last controlled on 2024-11-28, longer than 24 months ago"
    assert said not in ropa(policy, date(2026, 11, 28))["warnings"]
    assert said in ropa(policy, date(2026, 11, 29))["warnings"]
    assert "newsletter: evidence is missing" in ropa(policy)["warnings"]


