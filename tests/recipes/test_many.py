"""Three hundred people of each shop: decided like the same facts under canonical names, and carried out to the end."""

from collections import Counter, defaultdict
from pathlib import Path
from types import ModuleType

import pytest

from ajprivacy_pipeline.enforcement.approve import approve
from tests.enforcement.enforcement_world import Decision
from tests.recipes.conftest import SHOPS, mapped
from tests.recipes.facts import Facts, canonical_world, facts, personal, texts
from tests.recipes.many import many

_KEYS = {"orders": "order_id", "invoices": "invoice_id", "cases": "case_id",
         "newsletter_subscriptions": "subscription_id"}


@pytest.mark.soak
@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.NAME)
def test_three_hundred_people(shop: ModuleType, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Of whom nothing is due nothing changes; of whom everything is due nothing stands anywhere."""
    held = shop.held(facts(many(300, 7)))
    world = mapped(request, shop, tmp_path, facts(many(300, 7))).world
    decided = world.decide()
    assert decided == canonical_world(tmp_path / "canonical", held).decide()
    before = Counter(texts(world))
    plan = world.plan()
    assert plan["refused"] == []
    assert {f"{row['entity']}.{row['column']}" for row in plan["not_carried_out"]} == shop.NOT_CARRIED_OUT
    approve(world.settings, plan["plan"] or "", "Ada", release_brake=True)
    assert world.apply(plan["plan"] or "")["verified"]
    after = Counter(texts(world))
    told = _told(held, decided)
    theirs = {row["customer_id"]: {text.lower() for text in personal(row)} for row in held["customers"]
              if row["customer_type"] == "consumer"}
    stay = {who for who in theirs if "due" not in told[who]}
    cancelled = {order["customer_id"] for order in held["orders"] if order.get("cancelled_at")}  # docs/recipes.md
    go = {who for who in theirs if told[who] <= {"due", "absent"} and "due" in told[who]} - cancelled
    assert len(stay) > 20
    assert len(go) > 20
    for people, is_left in ((stay, True), (go, False)):
        of = set[str]().union(*(theirs[who] for who in people))
        assert _cells(of, after) == (_cells(of, before) if is_left else Counter())
    again = world.apply(plan["plan"] or "")
    assert (again["applied"], again["batches"], Counter(texts(world))) == (0, 0, after)


def _told(held: Facts, decided: dict[tuple[str, str, str], Decision]) -> dict[int, set[str]]:
    """What was decided of each customer and of the records of each."""
    by_email = {row["email"]: row["customer_id"] for row in held["customers"]}
    owners = {(table, str(row[key])): row.get("customer_id") or by_email.get(row.get("email"))
              for table, key in _KEYS.items() for row in held.get(table, ())}
    found = defaultdict(set)
    for (entity, key, _), (decision, _) in decided.items():
        who = int(key.rpartition(":")[2]) if key.startswith("customer:") else owners.get((entity, key))
        if who is not None:
            found[who].add(decision)
    return found


def _cells(of: set[str], cells: Counter[tuple[str, str, str]]) -> Counter[tuple[str, str, str]]:
    """The cells that are one of some texts, in any case."""
    return Counter({cell: number for cell, number in cells.items() if cell[2].lower() in of})
