"""The guarantees as data: whole, in order, in words; and each of them where people and machines look."""

import re

import pytest
from pydantic import ValidationError

from ajprivacy_pipeline.disclosure.guarantees import GUARANTEES, OF_MICRODATA, PROVING, parse_guarantees
from ajprivacy_pipeline.disclosure.texts.leakscan import own_words
from ajprivacy_pipeline.disclosure.verdict import Verdict, stored, verdict
from ajprivacy_pipeline.release.files import info_rows
from ajprivacy_pipeline.release.manifest import outcomes
from ajprivacy_pipeline.release.page import planned_words
from ajprivacy_pipeline.release.prove import GuaranteeError
from ajprivacy_pipeline.release.visible import EMPTY, NOTHING
from tests.release.release_world import small_policy

ONE_MORE = """
[G18]
title = "absence"
meaning = "Nothing is said about one person: at least {k} customers fit."
remedy = "no manual fix: please report it"
proof = "release"
"""


def test_they_stand_in_the_order_of_their_numbers_and_say_how_they_are_proven() -> None:
    assert list(GUARANTEES) == [f"G{number}" for number in range(1, len(GUARANTEES) + 1)]
    assert set(GUARANTEES) - set(PROVING) == {"G16"}
    assert OF_MICRODATA == ("G3", "G7", "G8", "G9")
    assert len({one.title for one in GUARANTEES.values()}) == len(GUARANTEES)


def test_one_more_is_a_block_of_data() -> None:
    policy = small_policy()
    raised = policy.model_copy(update={"release": policy.release.model_copy(
        update={"thresholds": policy.release.thresholds.model_copy(update={"k": 12})})})
    found = parse_guarantees(ONE_MORE.replace("G18", "G108") + ONE_MORE)
    assert list(found) == ["G18", "G108"], "by number, not by letters"
    assert found["G18"].check_name == "g18_absence"
    assert "at least 12 customers" in found["G18"].words(raised)


@pytest.mark.parametrize(("was", "becomes"), [
    ('"release"', '"hope"'), ('"absence"', '"Absence!"'), ("[G18]", "[P18]"), ("remedy", "cure"),
    ("[G18]", "[G018]")])
def test_data_that_does_not_fit_is_refused(was: str, becomes: str) -> None:
    with pytest.raises(ValidationError):
        parse_guarantees(ONE_MORE.replace(was, becomes))


@pytest.mark.parametrize("name", GUARANTEES)
def test_each_is_told_in_words_and_with_its_remedy(name: str) -> None:
    one, policy = GUARANTEES[name], small_policy()
    words = one.words(policy)
    assert words.endswith(".")
    assert not re.search(r"[{}]|\bk\b", words), "a manager reads it"
    assert one.remedy in str(GuaranteeError([verdict(name, "", ["something"])]))
    head = {"month": "2024-03", "policy_version": "x", "proven": True, "absent": {}, "guarantees": outcomes([])}
    (row,) = [row for row in info_rows(policy, head) if row[3] == name]
    assert (row[6], row[7]) == (one.title, words)


def test_a_remedy_of_two_failures_is_told_once() -> None:
    said = str(GuaranteeError([verdict("G14", "", ["one"]), verdict("G14", "", ["two"])]))
    assert said.count(GUARANTEES["G14"].remedy) == 1


def test_a_stored_verdict_is_what_it_was() -> None:
    assert stored("G2", {"verdict": "passed", "figure": "k = 10"}) == Verdict("G2", True, "k = 10")
    assert stored("G2", {"verdict": "failed", "figure": ""}).word == "failed"
    assert stored("G2", {"verdict": "not checked", "figure": ""}).word == "not checked"
    assert not stored("G2", {"verdict": "not checked", "figure": ""}).passed


def test_no_single_word_of_the_page_can_be_taken_for_a_user_name() -> None:
    """A user name that is a word of ours would stop the release (G10): every word it is made of is known as such."""
    policy = small_policy()
    shares = [{"measure": "orders", "percent": percent, "periods": 1, "of": 2} for percent in (None, 5)]
    levels = [{"dimensions": level, "cells": 2 - level, "suppressed": 0, "shares": shares} for level in (0, 1, 2)]
    tables = {"sales_monthly": "", "service_monthly": NOTHING, "web_activity_monthly": EMPTY}
    head = {"month": "2024-03", "history_from": "2024-01", "policy_version": "x", "proven": True, "absent": {},
            "guarantees": outcomes([]), "visible": [
                {"table": table, "nothing": nothing, "levels": [] if nothing else levels}
                for table, nothing in tables.items()]}
    texts = {text for row in info_rows(policy, head) for text in row if isinstance(text, str)}
    words = {word for text in texts | planned_words(policy, head) for word in re.findall(r"[^\W\d_]+", text.lower())}
    assert {word for word in words if len(word) >= policy.release.thresholds.leak_minimum_characters} <= own_words()
