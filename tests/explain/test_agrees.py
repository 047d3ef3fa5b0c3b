"""Explanations against decisions, over whole generated shops: for everybody, date for date and name for name."""

import re
from datetime import datetime
from typing import Any

import pytest

from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.explain import Explanation, explain_each
from ajprivacy_pipeline.explain.build import Decided
from ajprivacy_pipeline.explain.report import as_json, page
from ajprivacy_pipeline.explain.terms import end_of, ends
from ajprivacy_pipeline.explain.words import Words, templates
from ajprivacy_pipeline.storage import zones
from tests.explain.kit import together
from tests.oracle import sql
from tests.oracle.shops import random_shop

MONTH = "2026-10"
LANGUAGES = ("nb", "en")


def _rows(con: zones.Connection, query: str, *values: object) -> list[tuple[Any, ...]]:
    return con.execute(query, list(values)).fetchall()


@pytest.mark.parametrize(("first", "month"), [(0, MONTH), (1000, "2024-02"), (2000, "2025-12")])
def test_every_explanation_says_what_was_decided(first: int, month: str) -> None:
    """Orders, faults, requests and freezes of every kind, several shops at a time."""
    _explain_everybody(first, 8, month)


def _explain_everybody(first: int, shops: int, month: str) -> None:
    shop, options, _ = together({str(seed): random_shop(seed, month) for seed in range(first, first + shops)})
    sql.decide(shop, month, options)
    con, policy = sql._parts()[0], sql._policy(options)
    subjects = [row[0] for row in _rows(con, "SELECT subject_id FROM retention.subjects ORDER BY 1")]
    assert len(subjects) > 20
    for explanation in explain_each(con, policy, subjects, month):
        lapses = dict(_rows(con, "SELECT purpose, lapses_on FROM retention.purpose_status WHERE subject_id = ?",
                            explanation.subject_id))
        assert ends(explanation.purposes) == lapses
        _hold_against(explanation, con)
        for language in LANGUAGES:
            assert page(explanation, language)
            assert as_json(explanation, language)["policy_version"] == policy.version


def _hold_against(explanation: Explanation, con: zones.Connection) -> None:
    """Every decision row is explained once, by a deciding term of its date, and every name of it is spoken of."""
    subject = explanation.subject_id
    attributes = {("customers", None, row[0]): row[1:] for row in _rows(
        con, "SELECT attribute, decision, due_on, retained_by, held_by FROM retention.attribute_decisions "
             "WHERE subject_id = ?", subject)}
    records = {row[:3]: row[3:] for row in _rows(
        con, "SELECT entity, record_id, part, decision, due_on, retained_by, held_by FROM retention.record_decisions "
             "WHERE subject_id = ?", subject)}
    explained = {("customers", None, item.part): item for item in explanation.attributes}
    explained |= {(item.entity, item.record_id, item.part): item for item in explanation.records}
    assert explained.keys() == {*attributes, *records}
    for key, row in (attributes | records).items():
        item = explained[key]
        assert (item.decision, item.due_on, list(item.retained_by), [hold.freeze for hold in item.holds]) == row
        if item.decision != "absent":
            assert (end_of(item.terms) if item.terms else explanation.as_of) == item.due_on
            _is_spoken_of(item, explanation)


def _is_spoken_of(item: Decided, explanation: Explanation) -> None:
    for language in LANGUAGES:
        sentence = Words(explanation, language).sentence(item)
        for ground in item.retained_by:
            assert templates(language)["purposes"][ground] in sentence
        for day in re.findall(r"\d+ [A-Z][a-z]+ \d{4}", sentence.partition("also needed for")[2]):
            assert datetime.strptime(day, "%d %B %Y").date() > explanation.as_of  # noqa: DTZ007 (a day has no zone)
        for hold in item.holds:
            assert _names(templates(language)["freezes"][hold.freeze]).search(sentence)
            assert hold.clause in sentence
        leaves = [leaf for term in item.terms if term.decides for leaf in term.leaves]
        assert all(clause in sentence for leaf in leaves for clause in leaf.clauses)


def _names(texts: dict[str, str]) -> re.Pattern[str]:
    """A freeze by its name, or with what it rests on."""
    return re.compile("|".join(re.escape(texts[name]).replace(r"\{refs\}", ".+") for name in ("name", "one", "many")))


def test_decisions_that_do_not_follow_are_not_explained_away() -> None:
    """A policy of other periods than the one that decided is refused."""
    shop, options = random_shop(3)
    sql.decide(shop, MONTH, options)
    con, policy = sql._parts()[0], sql._policy(options)
    periods = {name: period.model_copy(update={"value": period.value + 7})
               for name, period in policy.retention.periods.items()}
    other = policy.model_copy(update={"retention": policy.retention.model_copy(update={"periods": periods})})
    subjects = [row[0] for row in _rows(con, "SELECT DISTINCT subject_id FROM retention.purpose_status "
                                             "WHERE lapses_on IS NOT NULL")]
    with pytest.raises(ControlError, match="do not follow from the facts"):
        list(explain_each(con, other, subjects, MONTH))


@pytest.mark.soak
@pytest.mark.parametrize("first", range(30_000, 31_000, 20))
def test_many_more_explanations_say_what_was_decided(first: int) -> None:
    """A thousand shops more."""
    _explain_everybody(first, 20, MONTH)
