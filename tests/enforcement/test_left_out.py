"""What applies have to leave out month after month is on the review list, and nothing else is."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.run.month import MonthRun
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.storage.control_tables import dropped
from tests.enforcement.enforcement_world import MONTH, World
from tests.enforcement.keyed_shop import keyed_world

MONTHS = ("2026-06", "2026-07", "2026-08", "2026-09", MONTH)


@pytest.mark.soak
def test_what_is_left_out_three_months_in_a_row_is_reviewed(tmp_path: Path) -> None:
    """Kari's name is another one whenever her plan is carried out; of Per's rows the order changed twice."""
    world = keyed_world(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}")
    listed = {}
    for number, month in enumerate(MONTHS):
        listed[month] = _review(world, month)
        plan = world.approved()
        world.execute(f"UPDATE kunde SET navn = 'Kari {number}' WHERE nr = 1")
        if number < 2:
            world.execute(f"UPDATE ordre SET mottaker = 'Per {number}' WHERE nr = 104")
        result = world.apply(plan)
        assert result["verified"]
        assert {row["reason"] for row in result["dropped"]} == {"value_changed"}
    assert [listed[month] for month in MONTHS] == [[], [], [], ["customer:1"], ["customer:1"]]
    world.apply(plan)
    noted = [(row["month"], row["token"]) for row in world.control.rows(sa.select(dropped))]
    assert len(noted) == len(set(noted)) > 0, "an apply of the same plan again notes nothing twice"
    assert {month for month, _ in noted} == set(MONTHS[1:]), "what is older than three months is forgotten"
    world.execute("UPDATE kunde SET slag = 'business' WHERE nr = 1")  # her name is a company's, and not due any more
    assert _review(world, MONTH) == []


def _review(world: World, month: str) -> list[str]:
    found: list[str] = []

    def decide_and_look(run: MonthRun) -> None:
        run_decisions(run)
        found.extend(row[0] for row in run.con.execute(
            "SELECT coalesce(subject_id, entity || ':' || record_id) FROM retention.review_list "
            "WHERE reason = 'dropped_in_a_row' ORDER BY 1").fetchall())
        run.finish()

    world.run(month, decide_and_look)
    return found
