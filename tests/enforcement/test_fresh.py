"""An apply decides what it looks at, and on a second day what another day may move: as if it decided everything."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.enforcement import fresh
from ajprivacy_pipeline.enforcement.plans import Plan, find_plan
from ajprivacy_pipeline.retention.bind import catalogue_of
from ajprivacy_pipeline.run.month import MonthRun
from ajprivacy_pipeline.run.progress import ignore
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.keystore import KeyStore
from tests.enforcement.enforcement_world import World
from tests.enforcement.kept import Kept

# What works in the zone of a month, or of a request, in which everything is decided.
ELSEWHERE = {"make", "narrow", "requested", "judged", "left_out"}
Decided = dict[str, list[tuple[Any, ...]]]


def test_each_table_of_decisions_that_an_apply_names_is_decided_for_it(keyed: Kept) -> None:
    models = catalogue_of(keyed.made().policy)
    package = Path(fresh.__file__).parent
    files = [path for path in package.glob("*.py") if path.stem not in ELSEWHERE]
    text = "\n".join(path.read_text() for path in (*files, package.parent / "release" / "carried_facts.py"))
    named = {name for name in re.findall(r"\bretention\.[a-z_]+", text) if name in models}
    assert named == set(fresh.READ)


@pytest.mark.soak
def test_it_is_decided_as_everything_is_on_another_day(keyed: Kept) -> None:
    world = keyed.approved()
    plan, day = find_plan(world.control, keyed.plan), date(2031, 1, 1)
    pruned = decided(world, plan, day)
    assert pruned == decided_in_full(world, plan, day)
    assert pruned != decided(world, plan, plan.as_of)


def decided(world: World, plan: Plan, day: date) -> Decided:
    keys = KeyStore(world.settings.keys, world.settings.root_key)
    with fresh.fresh_zone(world.settings, keys, plan) as con:
        fresh.decide(con, world.settings, world.policy, world.control, keys, plan, day)
        return tables(con)


def decided_in_full(world: World, plan: Plan, day: date) -> Decided:
    keys = KeyStore(world.settings.keys, world.settings.root_key)
    with fresh.fresh_zone(world.settings, keys, plan) as con:
        run = MonthRun(world.settings, world.policy, world.control, keys, con, plan.month, "full", ignore)
        run.judge_on(plan.as_of)
        run_decisions(run)
        con.execute("CREATE TABLE lapsed AS SELECT entity, record_id, part FROM retention.due")
        run.judge_on(day)
        run_decisions(run)
        con.execute("CREATE TABLE seen_due AS FROM lapsed SEMI JOIN retention.due USING (entity, record_id, part)")
        return tables(con)


def tables(con: zones.Connection) -> Decided:
    return {name: sorted(con.execute(f"FROM {name}").fetchall(), key=repr) for name in (*fresh.READ, "seen_due")}
