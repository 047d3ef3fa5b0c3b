"""Declared copies: what stands beside the contract goes with what it is a copy of, and with nothing less."""

import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.enforcement.ground import look_at
from ajprivacy_pipeline.enforcement.plans import find_plan
from ajprivacy_pipeline.errors import EnforcementError, MappingError
from ajprivacy_pipeline.sample import generate, write_mapping
from ajprivacy_pipeline.sample.copies import TABLES as SAMPLE_COPIES
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.warehouse.forms import email_key
from ajprivacy_pipeline.warehouse.source import open_source
from tests.enforcement.enforcement_world import ONE_QUICK, World, empty_database, new_database
from tests.enforcement.keyed_shop import MAPPING, TABLES

# Kari (1) and Per (4) are due, Ola (2) stays; 100 and 104 are their orders.
COPIES = """
CREATE TABLE sok (rad integer PRIMARY KEY, kunde varchar(20), navn varchar(80) NOT NULL, epost varchar(80),
    by_navn varchar(20));
CREATE TABLE ko (nr integer PRIMARY KEY, mottaker varchar(90) NOT NULL, mal varchar(20));
CREATE TABLE felt (kunde integer, kode varchar(20), verdi varchar(80), PRIMARY KEY (kunde, kode));
CREATE TABLE adresse (ordre integer, slag varchar(10), mottaker varchar(60) NOT NULL, land varchar(20) NOT NULL,
    telefon varchar(20), PRIMARY KEY (ordre, slag));
INSERT INTO sok VALUES (1, '1', 'Kari Nordmann', 'kari@example.no', 'Oslo'),
    (2, '2', 'Ola Nordmann', 'ola@example.no', 'Oslo'),
    (3, '1', 'Kari N', NULL, NULL), (4, '4', 'Per Hansen', 'per@example.no', NULL), (5, NULL, 'Nobody', NULL, NULL);
INSERT INTO ko VALUES (1, 'kari@example.no', 'a'), (2, 'Kari Nordmann <KARI@example.no>', 'b'),
    (3, 'ola@example.no', 'a'),
    (4, 'per@example.no', 'a'), (5, 'somebody@example.com', 'a'), (6, 'Kari@Example.no', 'keep');
INSERT INTO felt VALUES (1, 'email', 'kari@example.no'), (1, 'theme', 'dark'), (2, 'email', 'ola@example.no'),
    (4, 'email', 'per@example.no'), (4, 'theme', 'light');
INSERT INTO adresse VALUES (100, 'bill', 'Kari Nordmann', 'NO', '99999999'), (100, 'ship', 'Kari Nordmann', 'NO', NULL),
    (101, 'ship', 'Ola Nordmann', 'NO', '88888888');
"""
SOK = """
[[copies]]
table = "sok"
by = { column = "kunde", entity = "customers" }
erase = ["navn", "epost"]
with = ["customers.name", "customers.email"]
"""
KO = """
[[copies]]
table = "ko"
by = { column = "mottaker", email = true }
delete = true
where = "mal <> 'keep'"
with = ["customers.email", "contacts.email", "orders.delivery", "newsletter_subscriptions.email"]
"""
FELT = """
[[copies]]
table = "felt"
by = { column = "kunde", entity = "customers" }
delete = true
where = "kode = 'email'"
with = "customers.email"
"""
ADRESSE = """
[[copies]]
table = "adresse"
by = { column = "ordre", entity = "orders" }
erase = ["mottaker", "land", "telefon"]
with = "orders.delivery"
"""
SHARES = "INSERT INTO kunde VALUES (5, 'consumer', 'Kari Ung', 'mailto:KARI@example.no', NULL, {0}, {0})"
OLD_ORDER = ("INSERT INTO ordre VALUES (105, 5, NULL, '2012-01-01', '2012-01-05', '2012-01-05', 100, 'Kari Ung', "
             "'1234')")
Shop = Callable[..., World]


@pytest.fixture(params=ONE_QUICK)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """Makes the shop with copies under a mapping that declares some of them; further statements change it first."""
    url = empty_database(request.param, request, tmp_path, "copied")

    def made(*declared: str, statements: tuple[str, ...] = (), notice: str = "") -> World:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            for statement in (*filter(None, map(str.strip, (TABLES + COPIES).split(";"))), *statements):
                connection.exec_driver_sql(statement.replace("%", "%%"))
        engine.dispose()
        (tmp_path / "mapping.toml").write_text(MAPPING + "".join(declared))
        return World(tmp_path / "home", url, AJPRIVACY_MAPPING=str(tmp_path / "mapping.toml"), AJPRIVACY_NOTICE=notice)
    return made


def rows(world: World, table: str) -> list[tuple[Any, ...]]:
    with world.connection() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2")]


def test_every_kind_of_copy_goes_with_its_part(shop: Shop) -> None:
    world = shop(SOK, KO, FELT, ADRESSE)
    world.decide()
    summary = world.plan()
    planned = {row["table"]: (row["rows"], row["cells"]) for row in summary["copies"]}
    assert planned == {"sok": (3, 5), "ko": (3, 9), "felt": (2, 6), "adresse": (2, 5)}
    assert summary["refused"] == []
    assert summary["rows"] == sum(row["rows"] for row in summary["summary"])
    assert summary["cells"] == sum(row["cells"] for row in summary["summary"]) + 25
    result = world.apply(world.approved(summary))
    assert {row["table"]: (row["rows"], row["cells"]) for row in result["copies"]} == planned
    assert result["planned"] == result["applied"] == summary["rows"]
    assert rows(world, "sok") == [
        (1, "1", "Anonymised", None, "Oslo"), (2, "2", "Ola Nordmann", "ola@example.no", "Oslo"),
        (3, "1", "Anonymised", None, None), (4, "4", "Anonymised", None, None), (5, None, "Nobody", None, None)]
    assert [row[0] for row in rows(world, "ko")] == [3, 5, 6]
    assert [row[:2] for row in rows(world, "felt")] == [(1, "theme"), (2, "email"), (4, "theme")]
    assert rows(world, "adresse") == [
        (100, "bill", "Anonymised", "", None), (100, "ship", "Anonymised", "", None),
        (101, "ship", "Ola Nordmann", "NO", "88888888")]


@pytest.mark.soak
def test_a_shared_address_waits_for_the_last_who_has_it(shop: Shop) -> None:
    world = shop(KO, statements=(SHARES.format("'2026-09-01'"),))
    world.decide()
    summary = world.plan()
    assert [row for row in summary["waiting"] if row["entity"] == "ko"] == [
        {"entity": "ko", "part": "copy", "rows": 2, "waits_for": "customers.email"}]
    assert summary["copies"] == [{"table": "ko", "rows": 1, "cells": 3}]
    world.apply(world.approved(summary))
    assert [row[0] for row in rows(world, "ko")] == [1, 2, 3, 5, 6]


@pytest.mark.soak
def test_two_who_share_an_address_and_are_both_due_take_its_copies_along(shop: Shop) -> None:
    world = shop(KO, statements=(SHARES.format("NULL"), OLD_ORDER))
    world.decide()
    world.apply(world.approved())
    assert [row[0] for row in rows(world, "ko")] == [3, 5, 6]


@pytest.mark.soak
def test_what_arrives_between_plan_and_apply_goes_as_well(shop: Shop) -> None:
    world = shop(SOK, KO)
    world.decide()
    plan = world.approved()
    world.execute("INSERT INTO sok VALUES (6, '4', 'Per H', 'new@example.no', NULL), (7, '2', 'Ola', NULL, NULL)")
    world.execute("INSERT INTO ko VALUES (7, 'PER@example.no', 'c')")
    result = world.apply(plan)
    assert {row["table"]: row["rows"] for row in result["copies"]} == {"sok": 4, "ko": 4}
    assert rows(world, "sok")[5:] == [(6, "4", "Anonymised", None, None), (7, "2", "Ola", None, None)]
    assert [row[0] for row in rows(world, "ko")] == [3, 5, 6]


@pytest.mark.soak
def test_somebody_who_takes_the_address_up_meanwhile_keeps_its_copies(shop: Shop) -> None:
    world = shop(KO)
    world.decide()
    plan = world.approved()
    world.execute("INSERT INTO kunde VALUES (6, 'consumer', 'Kari Ny', 'mailto:kari@EXAMPLE.no', 'k', "
                  "'2026-10-31', NULL)")
    world.apply(plan)
    assert [row[0] for row in rows(world, "ko")] == [1, 2, 3, 5, 6]


@pytest.mark.soak
def test_somebody_who_takes_it_up_while_an_apply_runs_keeps_its_copies(shop: Shop, tmp_path: Path) -> None:
    shutil.copytree(NOTICE, tmp_path / "notice")
    rules = tmp_path / "notice" / "enforcement.toml"
    rules.write_text(re.sub(r"(?m)^subjects = \d+", "subjects = 1", rules.read_text()))
    world = shop(KO, notice=str(tmp_path / "notice"))
    world.decide()
    plan, arrived = world.approved(), list[str]()

    def arrives(point: str) -> None:
        if point == "recorded" and not arrived:  # after the batch of a contact, before those of Kari and Per
            arrived.append(point)
            world.execute("INSERT INTO kunde VALUES (6, 'consumer', 'Per Ny', ' PER@example.no', 'p', NULL, NULL)")

    assert world.apply(plan, arrives)["batches"] > 2
    assert [row[0] for row in rows(world, "ko")] == [3, 4, 5, 6]


def trigger(url: str, table: str, event: str, insert: str) -> tuple[str, ...]:
    """A trigger that inserts something after each UPDATE or DELETE of a row."""
    if url.startswith("postgresql"):
        body = f"$$BEGIN {insert}; RETURN NULL; END$$"
        return (f"CREATE FUNCTION back_{table}() RETURNS trigger LANGUAGE plpgsql AS {body}",
                f"CREATE TRIGGER t_{table} AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION back_{table}()")
    body = f"BEGIN {insert}; END" if url.startswith("sqlite") else insert
    return (f"CREATE TRIGGER t_{table} AFTER {event} ON {table} FOR EACH ROW {body}",)


AUDIT = """
[[copies]]
table = "revisjon"
by = { column = "kunde", entity = "customers" }
delete = true
with = "customers.email"
"""


@pytest.fixture
def audited(shop: Shop, request: pytest.FixtureRequest) -> Callable[[bool], World]:
    """Makes the shop with an audit table that a trigger on the customers fills."""
    kind = request.node.callspec.params["shop"]
    number = {"sqlite": "INTEGER PRIMARY KEY", "postgresql": "serial PRIMARY KEY",
              "mariadb": "integer AUTO_INCREMENT PRIMARY KEY"}[kind]
    fills = trigger({"sqlite": "sqlite:", "postgresql": "postgresql:", "mariadb": "mysql:"}[kind], "kunde", "UPDATE",
                    "INSERT INTO revisjon (kunde, gammel) VALUES (OLD.nr, OLD.epost)")

    def made(reviewed: bool) -> World:
        world = shop(AUDIT, statements=(
            f"CREATE TABLE revisjon (nr {number}, kunde integer, gammel varchar(80))", *fills))
        if reviewed:
            path = Path(world.env["AJPRIVACY_MAPPING"])
            path.write_text(path.read_text().replace(
                "[tables.customers]\n", "[tables.customers]\ntriggers_reviewed = 'audit'\n"))
        return world
    return made


@pytest.mark.soak
@pytest.mark.parametrize("shop", ["sqlite", "postgresql", "mariadb"], indirect=True)
def test_an_audit_table_that_a_trigger_fills_is_emptied_in_the_same_batch(audited: Callable[[bool], World]) -> None:
    world = audited(True)
    world.decide()
    summary = world.plan()
    assert summary["refused"] == []
    result = world.apply(world.approved(summary))
    assert result["verified"]
    assert [row[1:] for row in rows(world, "revisjon")] == [(3, "post@firma.example")]  # a company's own stays
    assert result["copies"][0]["rows"] >= 2


def test_a_trigger_that_nobody_has_looked_at_is_refused(audited: Callable[[bool], World]) -> None:
    world = audited(False)
    world.decide()
    assert [(row["table"], row["constraint"]) for row in world.plan()["refused"]] == [("kunde", "t_kunde")]
    with pytest.raises(EnforcementError):
        world.approved()


@pytest.mark.soak
@pytest.mark.parametrize("is_reviewed", [False, True])
def test_a_copy_that_its_trigger_puts_back(shop: Shop, request: pytest.FixtureRequest, *, is_reviewed: bool) -> None:
    kind = request.node.callspec.params["shop"]
    if kind == "mariadb":  # a trigger there may not write to its own table: another one's does
        back = trigger("mysql:", "ko", "DELETE", "INSERT INTO sok VALUES (OLD.nr + 100, '1', 'x', OLD.mottaker, NULL)")
        more = trigger("mysql:", "sok", "UPDATE", "INSERT INTO ko VALUES (OLD.rad + 1000, 'kari@example.no', 'a')")
    else:
        back = trigger(f"{kind}:", "ko", "DELETE",
                       "INSERT INTO ko VALUES ((SELECT max(nr) + 1 FROM ko) + OLD.nr, OLD.mottaker, 'a')")
        more = ()
    reviewed = 'triggers_reviewed = "it puts rows back"\n' * is_reviewed
    world = shop(SOK + reviewed, KO + reviewed, statements=(*back, *more))
    world.decide()
    summary = world.plan()
    if not is_reviewed:
        assert {row["table"] for row in summary["refused"]} == {"ko", "sok"} if more else {"ko"}
        return
    assert summary["refused"] == []
    plan, before, people = world.approved(summary), rows(world, "ko"), rows(world, "kunde")
    with pytest.raises(EnforcementError, match=r"row\(s\) of this copy hold again"):
        world.apply(plan)
    assert (rows(world, "ko"), rows(world, "kunde")) == (before, people)
    assert find_plan(world.control, plan).state(14) == "unverified"


def test_a_copy_without_a_key_is_refused(shop: Shop) -> None:
    world = shop(KO.replace('"ko"', '"logg"'), statements=(
        "CREATE TABLE logg (mottaker varchar(80), mal varchar(20))",
        "INSERT INTO logg VALUES ('kari@example.no', 'a')"))
    world.decide()
    refused = world.plan()["refused"]
    assert [(row["table"], row["constraint"]) for row in refused] == [("logg", "no key")]


@pytest.mark.parametrize(("entry", "told"), [
    (KO.replace("delete = true", 'delete = true\nerase = ["mal"]'), "copies.0: write erase"),
    (KO.replace(", email = true", ""), r"copies\.0\.by: write entity"),
    (SOK.replace("customers.name", "orders.delivery"), "name a part of customers"),
    (SOK.replace("customers.name", "customers.nothing"), r"there is no customers\.nothing"),
    (SOK.replace('"epost"]', '"nowhere"]'), "has no column nowhere"),
    (SOK.replace('entity = "customers"', 'entity = "people"').replace("customers.", "people."), "has no table people"),
    (SOK + SOK, "an earlier entry covers the same cells"),
])
def test_a_faulty_entry_is_told_in_one_sentence(tmp_path: Path, entry: str, told: str) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in filter(None, map(str.strip, (TABLES + COPIES).split(";"))):
            connection.exec_driver_sql(statement)
    engine.dispose()
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING + entry)
    world = World(tmp_path / "home", url, AJPRIVACY_MAPPING=str(mapping))
    with open_source(url) as source, pytest.raises(MappingError, match=told):
        look_at(source, world.settings, world.policy)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ONE_QUICK[:2])
def test_the_sample_with_copies_ends_without_any_erased_address(kind: str, request: pytest.FixtureRequest,
                                                               tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    if kind == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"), "sampled")
    for _ in range(2):  # a sample with copies is replaced like any other
        generate(url, 150, 7, date(2026, 10, 31), copies=True)
    mapping = tmp_path / "mapping.toml"
    assert write_mapping(mapping)
    world = World(tmp_path / "home", url, AJPRIVACY_MAPPING=str(mapping))
    world.decide()
    before = addresses(world)
    summary = world.plan()
    assert summary["refused"] == []
    planned = {row["table"] for row in summary["copies"]}
    assert planned == {*SAMPLE_COPIES, "newsletter_subscriptions"}  # kept rows lose their links to whoever goes
    result = world.apply(world.approved(summary))
    assert result["verified"]
    assert result["applied"] == result["planned"]
    erased = before - addresses(world)
    assert erased
    left = {table: {email_key(str(value).removeprefix("old.")) for row in rows(world, table) for value in row} & erased
            for table in SAMPLE_COPIES}
    assert left == {table: set() for table in SAMPLE_COPIES}
    assert any("theme" in row for row in rows(world, "customer_attributes"))


def addresses(world: World) -> set[str | None]:
    """The e-mail keys that stand anywhere in the contract's tables."""
    types = {(table, column) for table, spec in world.policy.sources.tables.items()
             for column, known in spec.columns.items() if known.type == "email"}
    return {email_key(str(row[column])) for table, cells in world.cells().items() for row in cells.values()
            for column in row if (table, column) in types and row[column] is not None} - {None}


def test_a_mapping_that_is_there_already_stays(tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text("[rates]\n")
    assert not write_mapping(tmp_path / "mapping.toml")
    assert (tmp_path / "mapping.toml").read_text() == "[rates]\n"
