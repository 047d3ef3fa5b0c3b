"""The production SQL against the reference evaluator: every row of every decision table, on every shop."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import groupby

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .batch import together
from .cases import CASES
from .model import Options, Shop
from .shops import HOLDABLE, options, random_shop, shops
from .sql import decide, differences

MONTH = "2026-10"
SEEDS = 240
HELD_BATCH = 20
TOGETHER = 10  # of the shops that hypothesis draws are decided at a time


def agree(drawn: list[tuple[Shop, Options]], month: str) -> None:
    """The SQL and the evaluator give the same rows for the shops, decided together and one by one."""
    merged, chosen, expected = together(drawn, month)
    assert differences(expected, decide(merged, month, chosen)) == []


def _policy_of(case_options: Options) -> str:
    entity_holds = [hold for hold in case_options.legal_holds if "entity" in hold]
    return repr((case_options.unknown_warranty, case_options.business_warranty_keeps_contact,
                 case_options.evidence_missing, case_options.cookie_months, case_options.log_months,
                 case_options.no_warranty_categories, case_options.neutral, case_options.tombstones, entity_holds))


GROUPS = [list(group) for _, group in groupby(sorted(CASES, key=lambda case: (case.month, _policy_of(case.options))),
                                              key=lambda case: (case.month, _policy_of(case.options)))]


@pytest.mark.parametrize("cases", GROUPS, ids=[group[0].name for group in GROUPS])
def test_hand_made_cases(cases: list) -> None:  # type: ignore[type-arg]
    """The evaluator's hand-computed cases come out of the SQL too."""
    agree([(case.shop, case.options) for case in cases], cases[0].month)


def test_random_shops() -> None:
    """Whole shops with every kind of fault, request, freeze and boundary date, at once: what costs is to plan."""
    agree([random_shop(seed) for seed in range(SEEDS)], MONTH)


# The hand-made cases hold each of the tables, one at a time.
@pytest.mark.parametrize("entity", [entity if entity == "orders" else
                                    pytest.param(entity, marks=pytest.mark.soak) for entity in HOLDABLE])
def test_holds_on_whole_tables(entity: str) -> None:
    """Random shops while all of a table is under a legal hold."""
    drawn = [random_shop(seed) for seed in range(2000, 2000 + HELD_BATCH)]
    base = replace(drawn[0][1], legal_holds=[{"entity": entity, "placed_on": date(2026, 1, 1), "lifted_on": None}])
    agree([(drawn[0][0], base), *drawn[1:]], MONTH)


@pytest.mark.parametrize("month", [
    pytest.param("2024-01", marks=pytest.mark.soak), "2024-02", pytest.param("2023-12", marks=pytest.mark.soak)])
def test_other_months(month: str) -> None:
    """The same around a leap day and a new year."""
    agree([random_shop(seed, month) for seed in range(1000, 1030)], month)


@pytest.mark.parametrize("examples", [3, pytest.param(100, marks=pytest.mark.soak)])
def test_generated_shops(examples: int) -> None:
    """The same with hypothesis, which finds the smallest shops that differ; thirty of them, or a thousand."""
    drawn = []

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(shops(MONTH), options(MONTH)), min_size=TOGETHER, max_size=TOGETHER))
    def decided_alike(some: list[tuple[Shop, Options]]) -> None:
        drawn.extend(some)
        agree(some, MONTH)

    decided_alike()
    assert len(drawn) >= examples * TOGETHER


@pytest.mark.soak
@pytest.mark.parametrize("first", range(10_000, 20_000, 200))
def test_many_random_shops(first: int) -> None:
    """Ten thousand more."""
    agree([random_shop(seed) for seed in range(first, first + 200)], MONTH)
