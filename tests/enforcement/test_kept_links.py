"""A kept row of the newsletter loses its links with the last of its subject, and not before."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ajprivacy_pipeline.enforcement.shapes import ApplyResult
from tests.enforcement.enforcement_world import World, changed, sample_shop
from tests.enforcement.expected import expected
from tests.enforcement.kept import Kept


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A sample shop."""
    def make(folder: Path) -> World:
        sample_shop(url := f"sqlite:///{folder / 'shop.db'}", 120, 5, folder)
        return World(folder / "home", url)
    return Kept(tmp_path_factory.mktemp("links"), make)


def _lost(sample: Kept) -> dict[str, str]:
    """The kept newsletter rows that are to lose a customer, by their key, as the specification has it."""
    before = sample.decided().cells()
    return {key: before[table][key][column] for (table, key, column) in expected(before, sample.decisions)
            if (table, column) == ("newsletter_subscriptions", "customer_id")}


class Carried(NamedTuple):
    """The shop, in which somebody asked lately and there are three companies more, carried out."""

    asking: tuple[str, str]  # a row of the newsletter that would lose its customer, and this customer, who asked
    gone: str  # a customer whom another row loses
    result: ApplyResult
    now: dict[tuple[str, str, str], Any]  # what became of each cell that is another one
    wanted: dict[tuple[str, str, str], Any]
    rows: dict[str, dict[str, Any]]  # of the newsletter, afterwards


@pytest.fixture(scope="module")
def carried(sample: Kept) -> Carried:
    """Of one company with an order that names no contact, of one with an invoice, of one without either."""
    before = _lost(sample)
    world = sample.made()
    asking, (_, gone) = list(before.items())[:2]
    world.execute("INSERT INTO rights_requests (request_id, kind, received_at, identity_verified_at, closed_at, "
                  "customer_id) VALUES ('R-NEW', 'access', '2026-05-04', '2026-05-05', '2026-05-06', :who)",
                  who=asking[1])
    for who in ("F-1", "F-2", "F-3"):
        world.execute("INSERT INTO customers (customer_id, customer_type, name, email, profile_created_at, "
                      "profile_closed_at) VALUES (:who, 'business', 'Firma', 'f@firma.example', '2010-01-01', "
                      "'2011-01-01')", who=who)
        world.execute("INSERT INTO newsletter_subscriptions (subscription_id, email, customer_id, subscribed_at) "
                      "VALUES (:who, 'reader@firma.example', :who, '2012-01-01')", who=who)
    world.execute("INSERT INTO orders (order_id, customer_id, ordered_at, delivered_at, paid_at, delivery_name, "
                  "total_amount) VALUES ('F-1', 'F-1', '2010-01-01', '2010-01-05', '2010-01-05', 'Per', 100)")
    world.execute("INSERT INTO invoices (invoice_id, customer_id, issued_at, amount, paid_amount) "
                  "VALUES ('F-2', 'F-2', '2010-01-01', 100, 100)")
    cells, decisions = world.cells(), world.decide()
    result = world.apply(world.approved())
    after = world.cells()
    now = {cell: becomes for cell, (_, becomes) in changed(cells, after).items()}
    return Carried(asking, gone, result, now, expected(cells, decisions), after["newsletter_subscriptions"])


def test_what_goes_is_what_the_specification_says(carried: Carried) -> None:
    assert carried.now == carried.wanted


def test_a_link_stays_as_long_as_anything_of_its_subject_stays(carried: Carried) -> None:
    kept, asking = carried.asking
    assert carried.rows[kept]["customer_id"] == asking
    assert carried.gone not in {row["customer_id"] for row in carried.rows.values()}
    lost = [key for table, key, column in carried.now if table == "newsletter_subscriptions" and column]
    assert [row for row in carried.result["copies"] if row["table"] == "newsletter_subscriptions"] == [
        {"table": "newsletter_subscriptions", "rows": len(set(lost)), "cells": len(lost)}]


def test_a_company_whose_orders_or_invoices_have_its_id_keeps_the_link(carried: Carried) -> None:
    """One with an order that names no contact does, one with an invoice; one without either loses it."""
    assert {key: carried.rows[key]["customer_id"] for key in ("F-1", "F-2", "F-3")} == {
        "F-1": "F-1", "F-2": "F-2", "F-3": None}


@pytest.mark.soak
def test_a_link_that_the_source_cannot_be_without_stays_and_refuses_nothing(sample: Kept) -> None:
    lost = _lost(sample)
    world = sample.made()
    columns = "subscription_id, email, coalesce(customer_id, ''), contact_id, subscribed_at, unsubscribed_at"
    made = ("subscription_id TEXT PRIMARY KEY, email TEXT, customer_id TEXT NOT NULL, contact_id TEXT, "
            "subscribed_at TEXT, unsubscribed_at TEXT")
    for statement in (f"CREATE TABLE kept ({made})", f"INSERT INTO kept SELECT {columns} FROM newsletter_subscriptions",
                      "DROP TABLE newsletter_subscriptions", "ALTER TABLE kept RENAME TO newsletter_subscriptions"):
        world.execute(statement)
    world.decide()
    summary = world.plan()
    assert summary["refused"] == []
    world.apply(world.approved(summary))
    rows = world.cells()["newsletter_subscriptions"]
    assert lost == {key: rows[key]["customer_id"] for key in lost}


@pytest.mark.soak
def test_a_link_that_is_the_row_of_the_subject_itself_is_not_touched(sample: Kept, tmp_path: Path) -> None:
    """Where the shop keeps the newsletter as a column of its customers, the link is their own key."""
    world = sample.made()
    world.execute("ALTER TABLE customers ADD COLUMN subscribed TEXT")
    world.execute("UPDATE customers SET subscribed = '2020-01-01'")
    (tmp_path / "mapping.toml").write_text("""
[tables.newsletter_subscriptions]
table = "customers"
[tables.newsletter_subscriptions.columns]
subscription_id = "customer_id"
customer_id = "customer_id"
contact_id = { absent = "customers alone" }
subscribed_at = "subscribed"
unsubscribed_at = { absent = "a column that is emptied" }
""")
    fed = World(tmp_path / "home2", world.url, AJPRIVACY_MAPPING=str(tmp_path / "mapping.toml"))
    before = fed.cells()
    fed.decide()
    fed.apply(fed.approved())
    assert set(fed.cells()["customers"]) == set(before["customers"])


@pytest.mark.soak
def test_a_company_that_its_orders_stay_linked_to_keeps_its_link(sample: Kept) -> None:
    """What goes of such an order is who ordered; the plan says that the link stays, and so does the apply."""
    world, before = sample.made(), sample.decided().cells()
    ends: dict[str, set[str]] = {}
    for (entity, key, _), (decision, _) in sample.decisions.items():
        if entity in ("subject", "orders", "invoices", "cases"):
            whose = key if entity == "subject" else f"customer:{before[entity][key]['customer_id']}"
            ends.setdefault(whose, set()).add(decision)
    going = {before["orders"][key]["customer_id"] for (entity, key, part), (decision, _) in sample.decisions.items()
             if (entity, part, decision) == ("orders", "link", "due")}
    companies = sorted(key for key, row in before["customers"].items() if row["customer_type"] == "business"
                       and key in going and ends[f"customer:{key}"] <= {"due", "absent"})
    assert companies
    for key in companies:
        world.execute("INSERT INTO newsletter_subscriptions (subscription_id, email, customer_id, subscribed_at) "
                      "VALUES (:row, :email, :who, '2024-05-04')", row=f"N-{key}", email=f"{key}@example.com", who=key)
    cells, decisions = world.cells(), world.decide()
    world.apply(world.approved())
    assert {cell: becomes for cell, (_, becomes) in changed(cells, world.cells()).items()} == expected(cells, decisions)
    rows = world.cells()["newsletter_subscriptions"]
    kept = {row["customer_id"] for key, row in rows.items() if key[2:] in companies}
    assert kept
    assert kept <= set(companies)


@pytest.mark.parametrize("word", ["0", pytest.param("anonymised-consumer", marks=pytest.mark.soak)])
def test_an_id_that_names_nobody_stays_beside_the_one_that_goes(sample: Kept, tmp_path: Path, word: str) -> None:
    """Where the shop writes 0 for nobody, or a tombstone stands there, nothing goes with a contact but its own id."""
    sample.decided()  # who is due is looked up in its decisions
    world = sample.made()
    who = next(key for (entity, key, _), (decision, _) in sample.decisions.items() if entity == "subject"
               and key.startswith("contact:") and decision == "due" and all(
                   other in ("due", "absent") for (name, one, _), (other, _) in sample.decisions.items()
                   if (name, one) == ("subject", key)))
    contact = who.removeprefix("contact:")
    for table in ("orders", "cases", "communications", "web_events", "rights_requests", "newsletter_subscriptions"):
        world.execute(f"DELETE FROM {table} WHERE contact_id = :who", who=contact)
    world.execute("INSERT INTO newsletter_subscriptions (subscription_id, email, customer_id, contact_id, "
                  "subscribed_at) VALUES ('N-0', 'reader@firma.example', :word, :who, '2012-01-01')",
                  word=word, who=contact)
    (tmp_path / "mapping.toml").write_text("""
[tables.newsletter_subscriptions.columns]
customer_id = { column = "customer_id", empty = ["0"] }
""")
    fed = World(tmp_path / "home2", world.url, AJPRIVACY_MAPPING=str(tmp_path / "mapping.toml"))
    assert word in {"0", *fed.policy.retention.tombstones.values()}
    fed.decide()
    fed.apply(fed.approved())
    row = fed.cells()["newsletter_subscriptions"]["N-0"]
    assert (row["customer_id"], row["contact_id"]) == (word, None)
