"""The clauses that a plan carries out in the warehouse itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.pseudonyms.keys import pseudonym_parameters
from ajprivacy_pipeline.retention.bind import catalogue_of, policy_parameters
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage.catalogue import layer_models, run_model
from ajprivacy_pipeline.storage.keystore import KeyStore
from tests.clauses.kit import MONTH, decided
from tests.enforcement.enforcement_world import Cells, Decision, World, sample_shop
from tests.oracle.casekit import consumer, order

RECORDS = ("orders", "invoices", "cases", "communications", "rights_requests")
OF_VISITORS = ("visitor_id", "customer_id", "contact_id", "ip_address", "user_agent")


class Carried(NamedTuple):
    """A sample shop before and after its plan was carried out, with what was decided before."""

    decisions: dict[tuple[str, str, str], Decision]
    before: Cells
    after: Cells

    def due(self, entity: str) -> set[str]:
        """The ids of a table's records of which something was due."""
        return {key for (table, key, _), (decision, _) in self.decisions.items()
                if table == entity and decision == "due"}

    def kept(self, entity: str) -> set[str]:
        """Those of which something was not."""
        return {key for (table, key, _), (decision, _) in self.decisions.items()
                if table == entity and decision not in ("due", "absent")}


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Carried:
    folder = tmp_path_factory.mktemp("carried")
    url = f"sqlite:///{folder / 'shop.db'}"
    sample_shop(url, 80, 5, folder)
    world = World(folder / "home", url)
    decisions, before = world.decide(), world.cells()
    assert world.apply(world.approved())["verified"]
    return Carried(decisions, before, world.cells())


def test_con_7_of_whom_nothing_is_kept_nothing_is_found(carried: Carried) -> None:
    """No cell of any table tells by what somebody could be known of whom everything was due."""
    before = carried.before
    owners = {row["customer_id"] for table in RECORDS for key, row in before[table].items()
              if key in carried.kept(table)}
    readers = {before["newsletter_subscriptions"][key]["email"] for key in carried.kept("newsletter_subscriptions")}
    logged = {row["username"] for key, row in before["app_logs"].items() if key not in carried.due("app_logs")}
    gone = [row for key, row in before["customers"].items() if key not in owners and row["email"] not in readers
            and row["username"] not in logged
            and f"customer:{key}" in carried.due("subject") - carried.kept("subject")]
    told = {str(row[column]) for row in gone for column in ("email", "phone", "username") if row[column]}
    found = {str(value) for rows in carried.after.values() for row in rows.values() for value in row.values()}

    assert told
    assert told & found == set()


def test_imp_3_clicks_and_messages_identify_nobody(carried: Carried) -> None:
    """Clicks stay as clicks of nobody, messages without text and addresses, and log lines go."""
    clicks, messages, lines = (carried.due(table) for table in ("web_events", "communications", "app_logs"))

    assert clicks
    assert messages
    assert lines
    for key in clicks:
        assert _of(carried.after["web_events"][key], *OF_VISITORS) == {None}
        assert carried.after["web_events"][key]["page"] == carried.before["web_events"][key]["page"]
    for key in messages:
        assert _of(carried.after["communications"][key], "sender", "recipient", "body") == {None}
    assert lines.isdisjoint(carried.after["app_logs"])


def _of(row: dict[str, Any], *columns: str) -> set[Any]:
    return {row[column] for column in columns}


def test_imp_4_who_is_due_is_followed_no_longer(tmp_path: Path) -> None:
    """Whoever is due has no token, and so no row of what improvement works with."""
    long_ago, lately = "2012-01-05", "2026-10-05"
    found = decided({"stays": {"customers": [consumer(profile_created_at=lately)], "orders": [order(lately)]},
                     "due": {"customers": [consumer()], "orders": [order(long_ago)]}}, tmp_path)
    assert found.attribute("due", "customer:1", "name")["decision"] == "due"
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    values = policy_parameters(load_policy(NOTICE), MONTH) | pseudonym_parameters(KeyStore(folder, None), MONTH)
    for model in layer_models(catalogue_of(load_policy(NOTICE)), ("pseudonyms",)):
        if model.name == "pseudonyms.people":
            run_model(found.con, model, values)

    people = found.con.execute("SELECT customer_id FROM pseudonyms.people").fetchall()
    assert people == [(found.subject("stays", "customer:1").partition(":")[2],)]
