"""Who stays for want of evidence stays when their subscription goes: it was no evidence, and nobody has looked."""

from pathlib import Path

import pytest

from tests.enforcement.enforcement_world import World, shop_of
from tests.enforcement.keyed_shop import MAPPING, TABLES

LETTERS = """
CREATE TABLE brev (nr integer PRIMARY KEY, kunde integer, epost varchar(80), fra varchar(20), til varchar(20));
INSERT INTO kunde VALUES (5, 'consumer', 'Eva Lie', 'eva@example.no', 'e', NULL, NULL);
INSERT INTO brev VALUES (1, 5, 'eva@example.no', '2018-01-01', '2019-01-01'),
    (2, 4, 'per@example.no', '2018-01-01', '2019-01-01')
"""
READ = """
[tables.newsletter_subscriptions]
table = "brev"
[tables.newsletter_subscriptions.columns]
subscription_id = "nr"
customer_id = "kunde"
email = "epost"
subscribed_at = "fra"
unsubscribed_at = "til"
"""


def _eva(world: World) -> dict[str, tuple[str, object]]:
    return {part: decision for (_, key, part), decision in world.decide().items()
            if key == "customer:5" and decision[0] != "absent"}


@pytest.mark.parametrize("killed_at", [None, "committed"])
def test_an_ended_subscription_that_goes_does_not_make_the_rest_due(killed_at: str | None, tmp_path: Path) -> None:
    """Nor where the apply is ended in the middle, and the next one records what stands."""
    world = shop_of(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", TABLES + LETTERS, MAPPING + READ)
    before = _eva(world)
    assert {part: decision for part, (decision, _) in before.items()} == {
        "name": "hold", "email": "hold", "username": "hold"}
    plan = world.approved()

    def ends(now: str) -> None:
        if now == killed_at:
            raise KeyboardInterrupt

    if killed_at is not None:
        with pytest.raises(KeyboardInterrupt):
            world.apply(plan, ends)
    assert world.apply(plan)["verified"]
    with world.connection() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM brev").scalar() == 0
        assert connection.exec_driver_sql("SELECT navn FROM kunde WHERE nr = 5").scalar() == "Eva Lie"
    assert _eva(world) == before
    assert world.plan()["plan"] is None
