"""What holds somebody or something holds on when something else of them was carried out.

Who stays for want of evidence stays when their subscription goes: it was no evidence, and nobody has looked. A
subscription that a company's freeze holds stays with its links when its contact goes: without them nothing holds it.
"""

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


@pytest.mark.parametrize("killed_at", [pytest.param(None, marks=pytest.mark.soak), "committed"])
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


def test_a_held_subscription_keeps_the_links_by_which_it_is_held(tmp_path: Path) -> None:
    """Its contact is due and goes; the company's date is no day, which freezes what is the company's, too."""
    world = shop_of(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", TABLES + LETTERS + """;
        ALTER TABLE brev ADD COLUMN kontakt integer; UPDATE kunde SET opprettet = 'i fjor' WHERE nr = 3;
        INSERT INTO kontakt VALUES (33, 3, 'Siv', '2010-01-01');
        INSERT INTO brev VALUES (3, 3, 'siv@firma.example', '2018-01-01', '2019-01-01', 33)
        """, MAPPING + READ + 'contact_id = "kontakt"\n')
    before = world.decide()
    key = ("newsletter_subscriptions", "3", "email")
    assert before[key][0] == "hold"
    assert before["subject", "contact:33", "name"][0] == "due"
    assert world.apply(world.approved())["verified"]
    with world.connection() as connection:
        assert connection.exec_driver_sql("SELECT navn FROM kontakt WHERE nr = 33").scalar() is None
        assert connection.exec_driver_sql("SELECT kunde, kontakt FROM brev").fetchall() == [(3, 33)]
    assert world.decide()[key] == before[key]
