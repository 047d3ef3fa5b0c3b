"""What closed periods are counted from is the same after an apply as before: computed anew, in a home of its own.

Orders, deliveries, cases and messages give the same cells but for who stands behind them, and so do the descriptions of
people. A click keeps its month and page; its device went with the person. Log lines and ended subscriptions are gone,
as the notice says: of them, and of devices, closed periods stay as they were published because they are copied.
"""

from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.run.month import MonthRun
from ajprivacy_pipeline.run.steps import decision_steps
from ajprivacy_pipeline.storage.catalogue import layer_models
from tests.enforcement.enforcement_world import World, sample_shop

FACTS = {
    "sales": "month, product_category, postal_region, customer_type",
    "demand": "month, product_id, product_name, product_category",
    "deliveries": "month, postal_region", "service": "month, kind, product_category",
    "communications": "month, channel, direction", "web": "month, page_group",
    "people_groups": "customer_type, postal_region, shown_type, shown_region"}
SUMS = {"sales": "sum(orders), sum(units), sum(revenue_nok)", "demand": "sum(orders), sum(units), sum(revenue_nok)",
        "deliveries": "sum(orders), sum(days), sum(partial_orders)", "service": "sum(opened), sum(closed)",
        "communications": "sum(messages)", "web": "sum(events)", "people_groups": "count(*)"}


def facts(home: Path, url: str) -> tuple[dict[str, list[Any]], int]:
    """The cells of a first release of 24 months by table, and how many contributors its orders have."""
    found: dict[str, list[Any]] = {}
    people: list[int] = []

    def steps(run: MonthRun) -> None:
        for step in decision_steps(run.catalogue):
            step.do(run)
        for model in layer_models(run.catalogue, ("anonymous",)):
            run.model(model.name)
        for table, keys in FACTS.items():
            found[table] = run.con.execute(f"SELECT {keys}, {SUMS[table]} FROM anonymous.{table} GROUP BY {keys} "
                                           "ORDER BY ALL").fetchall()
        run.finish()
        people.append(run.con.execute("SELECT count(DISTINCT token) FROM anonymous.sales").fetchall()[0][0])

    World(home, url).run("2026-10", steps)
    return found, people[0]


@pytest.mark.soak
def test_cells_of_closed_periods_are_the_same_but_for_their_people(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    sample_shop(url, 90, 5, tmp_path)
    before, people = facts(tmp_path / "home", url)
    world = World(tmp_path / "home", url)
    assert world.apply(world.approved())["applied"] > 0
    after, fewer = facts(tmp_path / "after", url)
    assert all(before.values())
    assert after == before
    assert fewer <= people
