"""An id that is a tombstone already stays the one it is: that of its customer's type, of whom nothing else is known."""

from pathlib import Path

from tests.enforcement.enforcement_world import World, changed, sample_shop
from tests.enforcement.expected import expected

WRITTEN_SINCE = (
    ("INSERT INTO cases (case_id, customer_id, opened_at, closed_at, summary) "
     "VALUES ('unlinked', 'anonymised-consumer', '2010-01-01', '2010-02-01', 'rang again')"),
    ("INSERT INTO communications (communication_id, customer_id, contact_id, channel, direction, occurred_at, body) "
     "VALUES ('unlinked', 'anonymised-sole-proprietor', 'anonymised-business', 'phone', 'out', '2010-01-01', 'rang')"),
    ("INSERT INTO rights_requests (request_id, kind, customer_id, received_at, closed_at, details) "
     "VALUES ('unlinked', 'access', 'anonymised-consumer', '2010-01-01', '2010-02-01', 'by letter')"),
)


def test_what_was_written_since_goes_and_the_tombstone_stays(tmp_path: Path) -> None:
    sample_shop(url := f"sqlite:///{tmp_path / 'shop.db'}", 60, 5, tmp_path)
    world = World(tmp_path / "home", url)
    for statement in WRITTEN_SINCE:
        world.execute(statement)
    before, decisions = world.cells(), world.decide()
    world.apply(world.approved())
    now = {cell: becomes for cell, (_, becomes) in changed(before, world.cells()).items()}
    assert now == expected(before, decisions)
    assert {cell for cell in now if cell[1] == "unlinked"} == {
        ("cases", "unlinked", "summary"), ("communications", "unlinked", "body"),
        ("rights_requests", "unlinked", "details")}
