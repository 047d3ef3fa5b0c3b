"""Whose turn is when: people first, then events, those of one visitor one after the other."""

from itertools import groupby

from ajprivacy_pipeline.enforcement.locked import take_turns
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import zones

VISITORS = {"e1": "c2", "e2": "c1", "e3": None, "e4": "c2", "e5": "c1", "e6": "c3"}


def test_people_come_first_and_clicks_of_a_visitor_lie_together() -> None:
    con = zones.memory()
    con.execute("ATTACH ':memory:' AS scratch; CREATE SCHEMA raw; "
                "CREATE TABLE raw.web_events (event_id VARCHAR, customer_id VARCHAR, contact_id VARCHAR); "
                "CREATE TABLE scratch.pending (row_no BIGINT, entity VARCHAR, record_id VARCHAR, person VARCHAR)")
    for number, (event, visitor) in enumerate(VISITORS.items()):
        con.execute("INSERT INTO raw.web_events VALUES ($1, $2, NULL)", [f" {event}", visitor])
        con.execute("INSERT INTO scratch.pending VALUES ($1, 'web_events', $2, 'web_events/' || $2)", [number, event])
    con.execute("INSERT INTO scratch.pending VALUES (7, 'app_logs', 'l1', 'app_logs/l1'), "
                "(8, 'customers', 'c9', 'customer:c9'), (9, 'orders', 'o1', 'customer:c9')")
    take_turns(con, load_policy(NOTICE))
    turns = con.execute("SELECT turn, person FROM turns ORDER BY turn").fetchall()
    assert [turn for turn, _ in turns] == list(range(1, 9))
    assert turns[0] == (1, "customer:c9")
    assert con.execute("SELECT DISTINCT turn FROM scratch.pending WHERE person = 'customer:c9'").fetchall() == [(1,)]
    runs = [visitor for visitor, _ in groupby(VISITORS.get(person.partition("/")[2]) for _, person in turns[1:])]
    assert sorted(runs, key=str) == [None, "c1", "c2", "c3"]  # each once
    con.close()
