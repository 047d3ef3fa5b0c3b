"""A case waits for the messages that have their subject from it: they would be kept until further notice without."""

from pathlib import Path

import pytest

from tests.enforcement.enforcement_world import World, shop_of
from tests.enforcement.keyed_shop import MAPPING, TABLES

CASES = """
CREATE TABLE sak (nr varchar(9) PRIMARY KEY, kunde integer, fra varchar(20), til varchar(20), tekst varchar(80));
CREATE TABLE melding (nr varchar(9) PRIMARY KEY, sak varchar(9), tid varchar(20), tekst varchar(80));
INSERT INTO kunde VALUES (5, 'consumer', 'Eva Lie', 'eva@example.no', 'e', NULL, NULL);
INSERT INTO sak VALUES ('later', 5, '2018-01-01', '2018-02-01', 'tekst'),
    ('same', 5, '2018-01-01', '2018-02-01', 'tekst'),
    ('new', 5, '2018-01-01', '2018-02-01', 'tekst'),
    ('edited', 5, '2018-01-01', '2018-02-01', 'tekst');
INSERT INTO melding VALUES ('m1', 'later', '2026-11-02', 'tekst'), ('m2', 'later', '2018-01-02', 'tekst'),
    ('m3', 'same', '2026-11-01', 'tekst'), ('m4', 'edited', '2018-01-02', 'tekst')
"""
READ = """
[tables.cases]
table = "sak"
[tables.cases.columns]
case_id = "nr"
customer_id = "kunde"
contact_id = { absent = "customers alone" }
opened_at = "fra"
closed_at = "til"
summary = "tekst"
[tables.communications]
table = "melding"
[tables.communications.columns]
communication_id = "nr"
case_id = "sak"
occurred_at = "tid"
channel = { constant = "email" }
direction = { constant = "in" }
body = "tekst"
"""


def _whose(world: World) -> dict[str, int]:
    with world.connection() as connection:
        return dict(connection.exec_driver_sql("SELECT nr, kunde FROM sak").fetchall())


def _shop(folder: Path) -> World:
    mapping = MAPPING.replace('[tables.cases]\nabsent = "none"\n', "") + READ
    return shop_of(folder, f"sqlite:///{folder / 'shop.db'}", TABLES + CASES, mapping)


def test_a_plan_says_what_waits(tmp_path: Path) -> None:
    """A message of the day after the month keeps its case, one of the last day does not."""
    world = _shop(tmp_path)
    before = world.decide()
    assert before["communications", "m1", "content"][0] == "retain"
    assert {case: before["cases", case, "content"][0] for case in _whose(world)} == dict.fromkeys(_whose(world), "due")
    assert [row for row in world.plan()["waiting"] if row["entity"] == "cases"] == [
        {"entity": "cases", "part": "content", "rows": 1, "waits_for": "communications.content"}]


@pytest.mark.soak
def test_a_case_waits_for_its_messages(tmp_path: Path) -> None:
    """One of the day after the month, one that came since the plan, one that changed since; not one of the last day."""
    world = _shop(tmp_path)
    before = world.decide()
    approved = world.approved()
    world.execute("INSERT INTO melding VALUES ('m5', 'new', '2018-01-03', 'ny')")
    world.execute("UPDATE melding SET tekst = 'annet' WHERE nr = 'm4'")
    result = world.apply(approved)
    assert {who for case, who in _whose(world).items() if case != "same"} == {5}
    assert _whose(world)["same"] != 5
    assert result["dropped"] == [{"reason": "value_changed", "rows": 1}, {"reason": "waits", "rows": 2}]
    assert world.decide()["communications", "m1", "content"] == before["communications", "m1", "content"]
