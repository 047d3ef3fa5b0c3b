"""A visitor who comes back between the decision and the batch keeps the visits that only the end of his use ended."""

from pathlib import Path

import pytest

from tests.enforcement.enforcement_world import World
from tests.enforcement.guarded_shop import MAPPING, guarded_world

EVENTS = """
CREATE TABLE web_events (event_id varchar(20) PRIMARY KEY, occurred_at varchar(20), visitor_id varchar(20),
    customer_id varchar(40), contact_id varchar(40), ip_address varchar(40), user_agent varchar(40),
    event_type varchar(20), page varchar(40), consented integer, consent_withdrawn_at varchar(20));
INSERT INTO web_events VALUES ('e1', '2026-08-01', 'v1', 'c9', NULL, '10.0.0.1', NULL, 'view', '/', 1, NULL),
    ('e2', '2026-08-01', 'v2', 'c8', NULL, '10.0.0.2', NULL, 'view', '/', 1, NULL),
    ('e3', '2026-10-01', 'v3', 'c4', NULL, '10.0.0.3', NULL, 'view', '/', 1, NULL);
INSERT INTO customers VALUES ('c8', 'consumer', 'Siri', NULL, NULL, NULL, '2020-01-01', '2021-01-01'),
    ('c9', 'consumer', 'Anne', NULL, NULL, NULL, '2020-01-01', '2021-01-01')
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two who came last in 2021, and one who came in September, with a visit each."""
    made = guarded_world(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}")
    (tmp_path / "mapping.toml").write_text(MAPPING.replace('[tables.web_events]\nabsent = "none"\n', ""))
    for statement in EVENTS.split(";"):
        made.execute(statement)
    return made


@pytest.mark.soak
def test_a_login_between_keeps_the_visits(world: World) -> None:
    """It comes while the first batch, of people, runs; the visits have a batch of their own after it."""
    decided = world.decide()
    assert {key[1] for key in decided if key[0] == "web_events"} == {"e1", "e2"}
    plan = world.approved()
    came: list[str] = []

    def comes_back(now: str) -> None:
        if now == "batch" and not came:
            came.append(now)
            world.execute("UPDATE customers SET last_login_at = '2026-11-20' WHERE customer_id = 'c9'")

    result = world.apply(plan, comes_back)
    assert result["verified"]
    assert came
    with world.connection() as connection:
        visits = dict(connection.exec_driver_sql("SELECT event_id, customer_id FROM web_events").fetchall())
    assert visits == {"e1": "c9", "e2": None, "e3": "c4"}
    assert "not_due" in {row["reason"] for row in result["dropped"]}
