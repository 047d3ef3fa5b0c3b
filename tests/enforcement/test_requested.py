"""A plan for whoever asked: exactly that person's due rows, at once; nobody else's, and nothing before it counts."""

import hmac
import os
import signal
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.enforcement import requested
from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.enforcement.requested import plan_for_request, plans_for_requests
from ajprivacy_pipeline.enforcement.shapes import PlanSummary
from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.release.ledger_cells import contributor_key
from ajprivacy_pipeline.retention.effects import stored_effects
from ajprivacy_pipeline.run.month import MonthRun
from ajprivacy_pipeline.run.steps import run_all, run_decisions, run_layers
from ajprivacy_pipeline.sample import generate, write_mapping
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.keystore import KeyStore
from tests import forked
from tests.enforcement.enforcement_world import MONTH, World, changed, empty_database, sample_shop
from tests.enforcement.kept import Kept


def _make(folder: Path, url: str | None = None) -> World:
    sample_shop(url := url or f"sqlite:///{folder / 'shop.db'}", 30, 5, folder)
    world = World(folder / "home", url)
    people = "customer_id, customer_type, name, email, gender, preferences, profile_created_at, last_login_at"
    world.execute(f"INSERT INTO customers ({people}) VALUES "
                  "('ASK', 'consumer', 'Kari', 'kari.spor@example.no', 'female', 'red', '2024-01-01', '2026-09-01'), "
                  "('BESIDE', 'consumer', 'Ola', 'ola.ved@example.no', NULL, 'blue', '2024-01-01', '2026-09-01')")
    world.execute("INSERT INTO orders (order_id, customer_id, ordered_at, delivered_at, paid_at, total_amount, "
                  "delivery_name) VALUES ('ASKED', 'ASK', '2026-06-01', '2026-06-05', '2026-06-01', '100', 'Kari')")
    world.execute("INSERT INTO products (product_id, category, warranty_years) VALUES ('P-ASK', 'lockers', '10')")
    world.execute("INSERT INTO order_lines (order_id, line_number, product_id, quantity) "
                  "VALUES ('ASKED', '1', 'P-ASK', '1')")
    world.execute("INSERT INTO newsletter_subscriptions (subscription_id, email, subscribed_at) "
                  "VALUES ('LETTER', 'Kari.Spor@example.no', '2025-01-01')")
    world.execute("INSERT INTO web_events (event_id, occurred_at, customer_id, visitor_id, consented) "
                  "VALUES ('CLICK', '2026-10-20', 'ASK', 'V-ASK', 'true')")
    return world


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The sample shop with somebody who bought a locker in 2024 and has a profile still."""
    return Kept(tmp_path_factory.mktemp("asked"), _make)


@pytest.fixture
def world(kept: Kept) -> World:
    """It, with a month decided before anybody asks, as is the rule."""
    return kept.decided()


def ask(world: World, kind: str, verified: str | None, received: str = "2026-11-20", **whose: str) -> None:
    """Add a request to the warehouse."""
    columns = "".join(f", {name}" for name in whose)
    marks = "".join(f", '{value}'" for value in whose.values())
    world.execute(f"INSERT INTO rights_requests (request_id, kind, received_at, identity_verified_at{columns}) "
                  f"VALUES ('R-ASK', '{kind}', '{received}', {repr(verified) if verified else 'NULL'}{marks})")


def carried_out(world: World, request: str = "R-ASK") -> tuple[PlanSummary, dict[tuple[str, str, str], Any]]:
    """Plan, approve and carry out; returns the plan and every cell that became another."""
    before = world.cells()
    plan = plan_for_request(world.settings, request)
    assert changed(before, world.cells()) == {}
    assert plan["plan"] is not None
    approve(world.settings, plan["plan"], "Ada")
    result = world.apply(plan["plan"])
    assert (result["verified"], result["applied"]) == (True, plan["rows"])
    return plan, {cell: now for cell, (_, now) in changed(before, world.cells()).items()}


MARKETING = {("customers", "ASK", "preferences"): None, ("customers", "ASK", "gender"): None,
             ("newsletter_subscriptions", "LETTER", ""): None,
             **{("web_events", "CLICK", column): None for column in ("customer_id", "visitor_id")}}


def test_an_erasure_takes_what_can_go_and_nothing_of_anybody_else(world: World) -> None:
    ask(world, "erasure", "2026-11-21", customer_id="ASK")
    plan, now = carried_out(world)
    assert (plan["subjects"], plan["request"]) == (1, "R-ASK")
    assert now == MARKETING
    kept = world.decide()
    assert kept["subject", "customer:ASK", "name"][0] == "retain"  # the warranty of ten years
    assert kept["subject", "customer:ASK", "preferences"][0] == "absent"


@pytest.mark.soak
def test_without_an_obligation_everything_goes(world: World) -> None:
    world.execute("UPDATE products SET warranty_years = '0' WHERE product_id = 'P-ASK'")
    ask(world, "erasure", "2026-11-21", customer_id="ASK")
    _, now = carried_out(world)
    assert now == MARKETING | {("customers", "ASK", "email"): None, ("customers", "ASK", "name"): None,
                               ("orders", "ASKED", "customer_id"): "anonymised-consumer",
                               ("orders", "ASKED", "delivery_name"): None}


@pytest.mark.soak
def test_before_identification_only_what_marketing_alone_held(world: World) -> None:
    ask(world, "erasure", None, "2026-10-20", email="kari.spor@example.no")
    world.decide()
    _, now = carried_out(world)
    assert now == MARKETING
    world.execute("DELETE FROM rights_requests WHERE request_id = 'R-ASK'")
    world.execute("UPDATE customers SET preferences = 'green' WHERE customer_id = 'ASK'")
    assert world.decide()["subject", "customer:ASK", "preferences"][0] == "due"  # what it ended stays ended


@pytest.mark.soak
def test_the_month_before_run_again_forgets_nothing_of_it(world: World) -> None:
    """It was received after that month: its own row says nothing there, and its address may be gone."""
    ask(world, "objection", None, email="kari.spor@example.no")
    before = set(stored_effects(world.control))
    plan_for_request(world.settings, "R-ASK")
    known = set(stored_effects(world.control))
    assert {(kind, received_on) for _, kind, received_on, *_ in known - before} == {("objection", date(2026, 11, 20))}
    world.decide()
    assert set(stored_effects(world.control)) == known


@pytest.mark.soak
def test_an_objection_by_a_shared_address_reaches_both(world: World) -> None:
    world.execute("UPDATE customers SET email = 'KARI.spor@example.no' WHERE customer_id = 'BESIDE'")
    ask(world, "objection", None, email="kari.spor@example.no")
    plan, now = carried_out(world)
    assert plan["subjects"] == 2
    assert now == MARKETING | {("customers", "BESIDE", "preferences"): None}


@pytest.mark.soak
def test_a_month_s_plan_and_a_request_s_go_side_by_side(world: World) -> None:
    ask(world, "erasure", "2026-11-21", customer_id="ASK")
    monthly = world.approved()
    plan, _ = carried_out(world)
    result = world.apply(monthly)
    assert result["verified"]
    assert result["planned"] == result["applied"] + result["already"]
    again = plan_for_request(world.settings, "R-ASK")
    assert (again["plan"], again["rows"]) == (None, 0)
    assert plan["rows"] > 0


@pytest.mark.soak
def test_what_ends_nothing_has_no_plan(world: World) -> None:
    ask(world, "access", "2026-11-21", customer_id="ASK")
    world.execute("UPDATE rights_requests SET request_id = 'R-ACCESS' WHERE request_id = 'R-ASK'")
    ask(world, "erasure", "2026-11-21", customer_id="ASK", outcome="withdrawn")
    before = world.cells()
    for request_id, message in (("R-ACCESS", "request R-ACCESS is about access, which ends nothing"),
                                ("R-ASK", "request R-ASK has no effect: it was withdrawn or refused"),
                                ("R-NONE", "there is no request R-NONE")):
        with pytest.raises(EnforcementError, match=message):
            plan_for_request(world.settings, request_id)
        assert changed(before, world.cells()) == {}
        assert not list(world.settings.restricted.glob("apply-*"))


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A sample shop with declared copies, of which many people ask."""
    folder = tmp_path_factory.mktemp("copied")
    generate(url := f"sqlite:///{folder / 'shop.db'}", 120, 7, date(2026, 10, 31), copies=True)
    assert write_mapping(folder / "mapping.toml")
    world = World(folder / "home", url, AJPRIVACY_MAPPING=str(folder / "mapping.toml"))
    with world.connection() as connection:  # somebody who does not ask has the address of who asks, or of a bill
        ids = [row[0] for row in connection.exec_driver_sql("SELECT customer_id FROM customers ORDER BY customer_id")]
        for asker, other in zip(ids[:12], ids[-12:], strict=True):
            connection.execute(sa.text("UPDATE customers SET email = (SELECT email FROM customers WHERE customer_id = "
                                       ":asker) WHERE customer_id = :other"), {"asker": asker, "other": other})
            connection.execute(sa.text("UPDATE invoices SET billing_email = (SELECT email FROM customers WHERE "
                                       "customer_id = :other) WHERE customer_id = :asker"),
                               {"asker": asker, "other": ids[60 + ids.index(asker)]})
        connection.execute(sa.text("UPDATE products SET warranty_years = 0"))  # so that more of who asks goes
    world.decide()
    return world


@pytest.mark.soak
def test_plans_cut_from_one_making_are_those_of_the_whole_zone(copied: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each says what it says where nothing is narrowed: rows, what waits, copies, brake, what is kept."""
    with copied.connection() as connection:
        people = connection.exec_driver_sql("SELECT customer_id, email FROM customers ORDER BY customer_id").fetchall()
        letters = connection.exec_driver_sql("SELECT email FROM newsletter_subscriptions ORDER BY 1").fetchall()
    askers = [*({"customer_id": one} for one, _ in people[:8]), *({"email": one} for _, one in people[8:12] if one),
              *({"email": one} for (one,) in letters[:4])]
    for number, asker in enumerate(askers):
        (column, value), = asker.items()
        copied.execute(f"INSERT INTO rights_requests (request_id, kind, received_at, identity_verified_at, {column}) "
                       "VALUES (:id, :kind, '2026-11-20', '2026-11-21', :value)", id=f"MANY-{number}",
                       kind=("erasure", "objection")[number % 2], value=value)
    ids = [f"MANY-{number}" for number in range(len(askers))]
    made = plans_for_requests(copied.settings, ids, by="test")
    assert sum(plan["rows"] > 0 for plan in made.values()) > 6
    assert any(plan["copies"] for plan in made.values())
    assert any(plan["waiting"] for plan in made.values())
    alone = {one: plan_for_request(copied.settings, one) for one in ids[:3]}
    assert [{**plan, "plan": None} for plan in alone.values()] == [{**made[one], "plan": None} for one in alone]
    monkeypatch.setattr(requested, "narrow", lambda *_: None)
    whole = plans_for_requests(copied.settings, ids, by="test")
    assert [{**plan, "plan": None} for plan in made.values()] == [{**plan, "plan": None} for plan in whole.values()]


MARKERS = ("Sporlausa Merkje", "kari.spor@example.no", "V-ASK")


def _followed(run: MonthRun) -> None:
    run_decisions(run)
    run_layers(run, ("pseudonyms", "pseudonymised"))
    run.pseudonymise()
    run.finish()


def _zones(world: World) -> list[Path]:
    return [path for folder in (world.settings.restricted, world.settings.pseudonymised)
            for path in (folder / f"{MONTH}.duckdb", folder / f"pseudonymised-{MONTH}.duckdb") if path.exists()]


def _tables(world: World, path: Path) -> dict[str, list[str]]:
    """Every row of every table of a file, as text."""
    keys = KeyStore(world.settings.keys)
    with zones.open_zone(world.settings, keys, path, read_only=True) as con:
        names = con.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = "
                            "current_database() ORDER BY ALL").fetchall()
        return {name: [row[0] for row in con.execute(f"SELECT t::VARCHAR FROM {name} AS t ORDER BY ALL").fetchall()]
                for (name,) in names}


def _found(world: World) -> set[str]:
    """Which markers stand in one of the zones."""
    return {marker for path in _zones(world) for rows in _tables(world, path).values() for row in rows
            for marker in MARKERS if marker.lower() in row.lower()}


def _erasing(world: World) -> str:
    """Everything of somebody may go, their request's plan is approved, and they stand in both zones; its id."""
    world.execute("UPDATE products SET warranty_years = '0' WHERE product_id = 'P-ASK'")
    world.execute("UPDATE customers SET name = 'Sporlausa Merkje' WHERE customer_id = 'ASK'")
    world.execute("UPDATE orders SET delivery_name = 'Sporlausa Merkje' WHERE order_id = 'ASKED'")
    world.run(MONTH, _followed)
    ask(world, "erasure", "2026-11-21", customer_id="ASK")
    plan = plan_for_request(world.settings, "R-ASK")["plan"]
    assert plan is not None
    approve(world.settings, plan, "Ada")
    assert (len(_zones(world)), _found(world)) == (2, set(MARKERS))
    return plan


@pytest.mark.soak
def test_the_month_run_again_follows_nobody_who_has_asked_since(world: World) -> None:
    world.run(MONTH, _followed)
    name, file = "pseudonymised.customers", world.settings.pseudonymised / f"pseudonymised-{MONTH}.duckdb"
    followed = set(_tables(world, file)[name])
    ask(world, "objection", None, "2026-11-20", customer_id="ASK")
    world.run(MONTH, _followed)
    assert len(set(_tables(world, file)[name]) & followed) == len(_tables(world, file)[name]) == len(followed) - 1


def _apply_and_die(env: dict[str, str], plan: str, point: str) -> None:
    world = World(Path(env["AJPRIVACY_HOME"]), env["AJPRIVACY_WAREHOUSE"])
    world.apply(plan, lambda now: os.kill(os.getpid(), signal.SIGKILL) if now == point else None)


def _kill_at(world: World, plan: str, point: str) -> None:
    process = forked.start(_apply_and_die, world.env, plan, point)
    process.join(300)
    assert process.exitcode == -signal.SIGKILL, point


OWN = ("'ASK'", "'ASKED'", "LETTER", "CLICK", "customer:ASK", ": ASK,", ": ASKED,")
OF_THE_READING = ("raw.moment", "raw.extraction")
OF_PEOPLE = ("retention.attribute_decisions", "retention.record_decisions", "retention.bulk_rulings", "retention.due")


def _of_others(tables: dict[str, list[str]]) -> dict[str, list[str]]:
    """What is said of everybody else: their rows as they were read and staged, and the decisions."""
    return {name: [row for row in rows if not any(own in row for own in OWN)] for name, rows in tables.items()
            if name in OF_PEOPLE or (name.startswith(("raw.", "staged.")) and name not in OF_THE_READING)}


@pytest.mark.soak
def test_what_went_is_in_no_file_of_ours_and_everybody_else_stands_there(world: World) -> None:
    """Killed when the warehouse is changed and our own file is not, the next apply ends it; a third does nothing."""
    plan = _erasing(world)
    keys, (month, pseudonyms) = KeyStore(world.settings.keys), _zones(world)
    before, followed = _tables(world, month), _tables(world, pseudonyms)
    old = {path.stem: keys.data_key(path.stem) for path in _zones(world)}
    _kill_at(world, plan, "month: swap data")
    assert _found(world) == set(MARKERS)
    assert _tables(world, month) == before
    result = world.apply(plan)
    assert (result["applied"], result["built_anew"]) == (0, [MONTH, f"pseudonymised-{MONTH}"])
    assert _found(world) == set()
    assert all(keys.data_key(name) != key for name, key in old.items())
    after = _tables(world, month)
    assert _of_others(after) == _of_others(before)
    name = "pseudonymised.customers"
    assert set(_tables(world, pseudonyms)[name]) < set(followed[name])
    assert len(_tables(world, pseudonyms)[name]) == len(followed[name]) - 1
    again = world.apply(plan)
    assert (again["applied"], again["built_anew"], _tables(world, month)) == (0, [], after)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_our_files_are_built_anew_from_a_server_as_well(kind: str, request: pytest.FixtureRequest, tmp_path: Path,
                                                        ) -> None:
    world = _make(tmp_path, empty_database(kind, request, tmp_path, "asked"))
    plan = _erasing(world)
    before = _tables(world, _zones(world)[0])
    assert world.apply(plan)["built_anew"] == [MONTH, f"pseudonymised-{MONTH}"]
    assert _found(world) == set()
    assert _of_others(_tables(world, _zones(world)[0])) == _of_others(before)
    assert world.apply(plan)["built_anew"] == []


@pytest.mark.soak
@pytest.mark.parametrize("point", [f"{file}: {step}" for file in ("pseudonymised", "month")
                                   for step in ("build", "swap data", "swap key", "seal key", "end key")])
def test_killed_anywhere_while_our_files_are_built_anew_they_open_and_it_ends(world: World, point: str) -> None:
    plan = _erasing(world)
    _kill_at(world, plan, point)
    assert len([_tables(world, path) for path in _zones(world)]) == 2
    world.apply(plan)
    assert _found(world) == set()
    assert world.apply(plan)["built_anew"] == []
    assert sorted(path.name for path in world.settings.keys.glob("*.next*")) == []
    assert world.decide()["subject", "customer:ASK", "name"][0] == "absent"


def _token(world: World, customer: str) -> int:
    """Under which the ledger of releases knows a customer."""
    return int.from_bytes(hmac.digest(contributor_key(world.settings), f"customer:{customer}".encode(), "sha256")[:8],
                          "big")


def _contribute(world: World, ledger: Path, *customers: str) -> None:
    """Let customers stand behind cells of a published month."""
    with zones.open_zone(world.settings, KeyStore(world.settings.keys), ledger) as con:
        for customer in customers:
            con.execute("INSERT INTO contributors SELECT release, month, cell, $person, own FROM contributors LIMIT 1",
                        {"person": _token(world, customer)})


def _contributing(world: World, ledger: Path, *customers: str) -> list[str]:
    """Who of some customers stands behind a cell of a published month."""
    with zones.open_zone(world.settings, KeyStore(world.settings.keys), ledger, read_only=True) as con:
        known = {row[0] for row in con.execute("SELECT person FROM contributors").fetchall()}
    return [customer for customer in customers if _token(world, customer) in known]


@pytest.mark.soak
def test_building_anew_touches_no_release(world: World) -> None:
    world.execute("UPDATE products SET warranty_years = '0' WHERE product_id = 'P-ASK'")
    world.run(MONTH, run_all)
    before = {path: path.read_bytes() for path in world.settings.published.rglob("*") if path.is_file()}
    ledger = world.settings.restricted / "ledger.duckdb"
    _contribute(world, ledger, "ASK", "OTHER")  # a shop of this size publishes no sales by month
    ask(world, "erasure", "2026-11-21", customer_id="ASK")
    plan = plan_for_request(world.settings, "R-ASK")["plan"]
    assert plan is not None
    approve(world.settings, plan, "Ada")
    assert world.apply(plan)["built_anew"]
    assert len(_tables(world, ledger)["main.carried"]) >= 1  # of the year that is open: ASKED lost its link
    assert _contributing(world, ledger, "ASK", "OTHER") == ["OTHER"]
    assert {path: path.read_bytes() for path in world.settings.published.rglob("*") if path.is_file()} == before
    world.run(MONTH, run_all)
    assert {path: path.read_bytes() for path in world.settings.published.rglob("*") if path.is_file()} == before
