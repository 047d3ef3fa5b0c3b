"""Nobody comes back, and nobody living is destroyed for a resemblance: what stands again after it was erased."""

import base64
import json
import shutil
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from ajprivacy_pipeline.calendar import plus_months
from ajprivacy_pipeline.enforcement.plans import destroy_file, known_plans
from ajprivacy_pipeline.enforcement.recover import recover
from ajprivacy_pipeline.enforcement.sweep import GUARD, sweep
from ajprivacy_pipeline.errors import EnforcementError, KeyStoreError
from ajprivacy_pipeline.oversight.holds import carried_out_on, place_hold
from ajprivacy_pipeline.retention.guard import guard_parameters
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage.catalogue import layer_models
from ajprivacy_pipeline.storage.keystore import KeyStore
from tests.enforcement.enforcement_world import MONTH, World
from tests.enforcement.guarded_shop import guarded_world
from tests.enforcement.kept import Kept
from tests.enforcement.test_kill import POINTS, killed

KARI = "UPDATE customers SET name = 'Kari Nordmann', email = 'kari@example.no', phone = '90000001' "
C1 = "WHERE customer_id = 'c1'"


class Found(NamedTuple):
    """What a month makes of a shop."""

    hits: dict[tuple[str, str], str]  # (table, id) -> reason
    review: set[tuple[str, str]]  # (reason, subject or record)
    decisions: dict[str, dict[str, str]]  # subject -> attribute -> decision, of what is there
    counted: dict[str, int]  # what is published and followed, in rows


@pytest.fixture
def world(guarded: Kept) -> World:
    """The shop after its first plan; the warehouse of before stands beside it."""
    made = guarded.applied()
    assert guarded.result["verified"]
    return made


def look(world: World, month: str = MONTH) -> Found:
    """Run a month up to what is published and followed, and end it well."""
    with open_month(world.settings, month, "test") as run:
        run_decisions(run)
        for model in layer_models(run.catalogue, ("pseudonyms", "pseudonymised", "anonymous")):
            run.model(model.name)
        rows = run.con.execute("SELECT subject_id, attribute, decision FROM retention.attribute_decisions "
                               "WHERE decision <> 'absent'").fetchall()
        decisions: dict[str, dict[str, str]] = {}
        for subject, attribute, decision in rows:
            decisions.setdefault(subject, {})[attribute] = decision
        found = Found(
            {(row[0], row[1]): row[2] for row in run.con.execute(
                "SELECT entity, record_id, reason FROM retention.guard_hits").fetchall()},
            {(row[0], row[1]) for row in run.con.execute(
                "SELECT reason, coalesce(subject_id, entity || ':' || record_id) "
                "FROM retention.review_list").fetchall()},
            decisions,
            {table: run.rows(table) for table in (
                "anonymous.subjects", "anonymous.newsletter", "pseudonymised.customers", "pseudonymised.orders")})
        run.finish()
    return found


def entries(world: World) -> Counter[str]:
    """How many entries of each kind the guard holds."""
    return Counter(row["kind"] for row in world.control.rows(sa.select(store.guard.c.kind)))


def days(world: World) -> set[date]:
    return {row["erased_on"] for row in world.control.rows(sa.select(store.guard.c.erased_on))}


@pytest.mark.soak
def test_somebody_of_whom_a_value_stays_has_no_guarded_id_and_is_due_again(tmp_path: Path) -> None:
    """The street is fed by an expression, so it is not carried out by us: its person is nobody new for it."""
    world = guarded_world(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}")
    world.execute("ALTER TABLE customers ADD COLUMN gate text")
    world.execute("ALTER TABLE customers ADD COLUMN postal_code text")
    world.execute("UPDATE customers SET gate = 'Storgata 1', postal_code = '0150' WHERE customer_id = 'c3'")
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(mapping.read_text() + '[tables.customers.columns]\nstreet_address = { sql = "gate || \'\'" }\n')
    world.decide()
    world.apply(world.approved())
    assert entries(world)["id"] == 2  # c1 and c2
    with open_month(world.settings, MONTH, "again") as run:
        run_decisions(run)
        run.finish()
        assert run.con.execute("SELECT subject_id, attribute, decision FROM retention.attribute_decisions "
                               "WHERE decision <> 'absent' AND subject_id = 'customer:c3'").fetchall() == [
            ("customer:c3", "address", "due")]
        assert run.con.execute("SELECT count(*) FROM retention.guard_hits").fetchall() == [(0,)]


def test_what_is_erased_is_guarded_and_nothing_that_somebody_living_holds(world: World) -> None:
    """Two of those who went shared an address; the number of the third is also that of somebody who stays."""
    assert entries(world) == {"id": 3, "value": 9, "email": 3, "phone": 1}
    found = look(world)
    assert found.hits == {}
    assert not {reason for reason, _ in found.review} & {"erased_value", "id_used_again"}
    control = (world.settings.control / "control.db").read_bytes()
    for value in (b"kari@", b"Kari", b"90000001", b"news@", b"customer:c1"):
        assert value not in control


def test_one_row_written_back_is_quarantined_and_due_in_the_next_plan(world: World) -> None:
    before = look(world)
    world.execute(f"{KARI} {C1}")
    found = look(world)
    assert found.hits == {("customers", "c1"): "quarantined"}
    assert found.decisions["customer:c1"] == {"name": "due", "email": "due", "phone": "due"}
    assert {subject for _, subject in found.review} == {subject for _, subject in before.review}
    assert found.counted["anonymous.subjects"] == before.counted["anonymous.subjects"] - 1
    assert found.counted["pseudonymised.customers"] == before.counted["pseudonymised.customers"]
    assert world.plan()["rows"] == 3
    assert world.apply(world.approved())["applied"] == 3
    assert look(world).hits == {}


@pytest.mark.soak
def test_an_object_that_was_read_before_and_saved_after_is_quarantined(world: World) -> None:
    """Whatever it is saved with: a form of the number, a decade that stood there in the meantime."""
    world.execute("UPDATE customers SET name = 'Per Hansen', email = 'PER@example.no', phone = '+47 90 00 00 03' "
                  "WHERE customer_id = 'c3'")
    found = look(world)
    assert found.hits == {("customers", "c3"): "quarantined"}
    assert set(found.decisions["customer:c3"].values()) == {"due"}
    assert found.decisions["customer:c4"]["phone"] == "retain"


@pytest.mark.soak
def test_a_hold_keeps_who_came_back_and_nobody_sees_him(world: World) -> None:
    world.execute(f"{KARI} {C1}")
    before = look(world)
    place_hold(world.settings, "customer:c1", "Ada", "litigation", plus_months(date.today(), 3),  # noqa: DTZ011
               today=date(2026, 10, 15), by="Ada")
    found = look(world)
    assert set(found.decisions["customer:c1"].values()) == {"hold"}
    assert found.counted == before.counted
    assert world.plan()["rows"] == 0


@pytest.mark.soak
@pytest.mark.parametrize("change", [
    "name = 'Kari Nordmann', email = 'siri@example.no'",  # a namesake
    "name = 'Kari Nordmann', email = 'kari@example.no', gender = 'm'"])  # all alike but one thing
def test_an_id_that_somebody_new_has_is_decided_like_anybody(world: World, change: str) -> None:
    world.execute(f"UPDATE customers SET {change} {C1}")
    found = look(world)
    assert found.hits == {("customers", "c1"): "id_used_again"}
    assert set(found.decisions["customer:c1"].values()) == {"hold"}  # nothing shows a purpose
    assert ("id_used_again", "customer:c1") in found.review
    again = look(world)
    assert ("customers", "c1") not in again.hits
    assert ("id_used_again", "customer:c1") in again.review
    assert set(again.decisions["customer:c1"].values()) == {"hold"}
    assert world.plan()["rows"] == 0
    assert "id_used_again" not in {reason for reason, _ in look(world, "2026-11").review}


@pytest.mark.soak
@pytest.mark.parametrize(("day", "reason"), [(-1, "quarantined"), (0, "id_used_again"), (1, "id_used_again")])
def test_somebody_who_has_come_back_himself_is_decided_like_anybody(world: World, day: int, reason: str) -> None:
    """An order of the day before the erasure shows nobody; one of the day itself, and later, does."""
    ordered_on = days(world).pop() + timedelta(days=day)
    world.execute(f"{KARI} {C1}")
    world.execute("INSERT INTO orders VALUES ('o9', 'c1', NULL, :day, NULL, NULL, 100, 'Kari Nordmann', NULL)",
                  day=ordered_on)
    found = look(world)
    assert found.hits["customers", "c1"] == reason
    assert set(found.decisions["customer:c1"].values()) == {"due" if reason == "quarantined" else "retain"}


@pytest.mark.soak
def test_a_value_alone_is_looked_at_and_never_due(world: World) -> None:
    """The number of somebody erased is given to somebody new; the address of another stands in a subscription."""
    world.execute("INSERT INTO customers VALUES ('c5', 'consumer', 'Siri Solberg', 'siri@example.no', '90000001', "
                  "NULL, '2026-10-01', '2026-10-01')")
    world.execute("INSERT INTO newsletter_subscriptions VALUES ('n9', 'PER@example.no', NULL, NULL, '2026-10-01', "
                  "NULL, NULL)")
    before = look(world)
    assert before.hits == {("customers", "c5"): "erased_value", ("newsletter_subscriptions", "n9"): "erased_value"}
    assert {("erased_value", "customer:c5"), ("erased_value", "newsletter_subscriptions:n9")} <= before.review
    assert set(before.decisions["customer:c5"].values()) == {"retain"}
    assert world.plan()["rows"] == 0
    world.execute("UPDATE customers SET phone = '90000099' WHERE customer_id = 'c5'")
    world.execute("UPDATE newsletter_subscriptions SET email = 'siri@example.no' WHERE subscription_id = 'n9'")
    after = look(world)
    assert after.hits == {}
    assert after.counted["anonymous.subjects"] == before.counted["anonymous.subjects"] + 1
    assert after.counted["pseudonymised.customers"] == before.counted["pseudonymised.customers"] + 1
    assert after.counted["anonymous.newsletter"] > before.counted["anonymous.newsletter"]


@pytest.mark.soak
def test_a_number_is_guarded_when_its_last_holder_goes(world: World) -> None:
    world.execute("INSERT INTO customers SELECT 'c6', customer_type, 'Siri', NULL, NULL, NULL, profile_created_at, "
                  "last_login_at FROM customers WHERE customer_id = 'c4'")  # the shop's newest days stay
    world.execute("INSERT INTO orders SELECT 'o6', 'c6', NULL, ordered_at, delivered_at, paid_at, 1, NULL, NULL "
                  "FROM orders WHERE order_id = 'o4'")
    world.execute("UPDATE customers SET profile_created_at = NULL, last_login_at = NULL WHERE customer_id = 'c4'")
    world.execute("UPDATE orders SET ordered_at = '2012-01-01', delivered_at = '2012-01-01', paid_at = '2012-01-01' "
                  "WHERE order_id = 'o4'")
    world.decide()
    assert world.apply(world.approved())["verified"]
    assert entries(world)["phone"] == 2
    world.execute("INSERT INTO customers VALUES ('c5', 'consumer', 'Siri', NULL, '90000003', NULL, '2026-10-01', NULL)")
    assert look(world).hits == {("customers", "c5"): "erased_value"}


@pytest.mark.soak
@pytest.mark.parametrize(("records", "consent", "decision"), [
    (False, None, "retain"), (False, "2026-09-14", "due"), (False, "2026-09-15", "retain"), (True, None, "due"),
    (True, "2026-09-15", "retain")])
def test_where_consents_are_recorded_what_is_imported_again_is_new_with_evidence_alone(
        world: World, records: bool, consent: str | None, decision: str) -> None:
    """The objection is of 14 September; the file that is imported says that everybody subscribed yesterday.

    With `records` the shop records the consent of another one. Without any consent the day of subscribing counts.
    """
    email = "other@example.no" if records else "news@example.no"
    if records:
        world.execute("INSERT INTO rights_requests VALUES ('r2', 'objection', NULL, NULL, :email, '2026-09-14', NULL, "
                      "NULL, NULL, NULL)", email=email)
        world.execute("UPDATE newsletter_subscriptions SET consent_at = '2020-01-01' WHERE subscription_id = 'n2'")
    world.execute("INSERT INTO newsletter_subscriptions VALUES ('n9', :email, NULL, NULL, '2026-10-20', NULL, "
                  ":consent)", email=email, consent=consent)
    decided = world.decide()
    assert decided["newsletter_subscriptions", "n9", "email"][0] == decision
    assert decided["newsletter_subscriptions", "n2", "email"][0] == "retain"


@pytest.mark.soak
def test_a_restored_warehouse_is_seen_and_carried_out_again(world: World) -> None:
    before = look(world)
    shop = Path(world.url.removeprefix("sqlite:///"))
    shutil.copy(shop.with_name("before.db"), shop)
    recover(world.settings, "Ada")
    found = look(world)
    assert {key: reason for key, reason in found.hits.items() if key[0] == "customers"} == {
        ("customers", f"c{number}"): "quarantined" for number in (1, 2, 3)}
    assert found.counted["anonymous.subjects"] == before.counted["anonymous.subjects"] - 3
    assert found.counted["pseudonymised.orders"] == before.counted["pseudonymised.orders"]
    assert found.decisions["customer:c4"] == {"name": "retain", "email": "retain", "phone": "retain"}
    assert world.apply(world.approved())["verified"]
    assert look(world).counted == before.counted


@pytest.mark.soak
@pytest.mark.parametrize(("end", "stands"), [("2026-10-31", False), ("2026-11-01", False), ("2026-11-02", True)])
def test_an_entry_ends_after_the_longest_life_and_a_month(world: World, end: str, stands: bool) -> None:
    """The day on which it ends lies before, on and after the first day after the month."""
    notice = Path(world.env["AJPRIVACY_NOTICE"]) / "enforcement.toml"
    notice.write_text(notice.read_text().replace("[backups.nightly]", "") + '[imports.crm]\nwhere = "a file"\n'
                      'life_days = 40\n[backups.nightly]\nwhere = "a disk"\nlife_days = 39\n')
    erased_on = plus_months(date.fromisoformat(end), -1) - timedelta(days=40)
    with world.control.change() as connection:
        connection.execute(sa.update(store.guard).values(erased_on=erased_on))
    world.execute(f"{KARI} {C1}")
    assert bool(look(world).hits) == stands
    assert bool(entries(world)) == stands


def test_another_root_key_changes_no_token_and_another_key_stops_the_run(world: World) -> None:
    sweep, control = world.policy.enforcement.sweep, world.control
    before = guard_parameters(KeyStore(world.settings.keys), control, sweep)
    sealed = (world.settings.keys / "guard.sealed").read_text()
    old = (world.settings.keys / "root.key").read_text()
    _seal_anew(world.settings.keys, "guard")
    assert (world.settings.keys / "guard.sealed").read_text() != sealed
    assert guard_parameters(KeyStore(world.settings.keys), control, sweep) == before
    (world.settings.keys / "root.key").write_text(old)
    (world.settings.keys / "guard.sealed").unlink()
    with pytest.raises(KeyStoreError, match=r"restore keys/guard\.sealed"):
        look(world)
    KeyStore(world.settings.keys).data_key("guard")  # another one
    with pytest.raises(KeyStoreError, match=r"knows keys/guard\.sealed"):
        look(world)
    assert entries(world)["id"] == 3


def _seal_anew(folder: Path, name: str) -> None:
    """Another root key, and a key sealed under it, as a rotation does."""
    key = base64.b64decode(KeyStore(folder).data_key(name))
    (folder / "root.key").write_text("ab" * 32)
    (folder / f"{name}.sealed").write_text(aes_key_wrap(KeyStore(folder).derive("seal", name), key).hex())


@pytest.fixture
def one_a_batch(tmp_path: Path) -> Kept:
    """The shop, one person a batch."""
    def make(folder: Path) -> World:
        shutil.copytree(NOTICE, folder / "notice")
        path = folder / "notice" / "enforcement.toml"
        path.write_text(path.read_text().replace("subjects = 2000 ", "subjects = 1 "))
        return guarded_world(folder, f"sqlite:///{folder / 'shop.db'}", AJPRIVACY_NOTICE=str(folder / "notice"))
    return Kept(tmp_path, make)


@pytest.mark.soak
@pytest.mark.parametrize("points", [("committed",), pytest.param(POINTS, marks=pytest.mark.soak)])
def test_killed_it_knows_as_much_as_if_nothing_had_been(points: tuple[str, ...], one_a_batch: Kept) -> None:
    """One person a batch: what two of them share is guarded with the second, whichever process carries it out."""
    known: list[Any] = []
    for name in ("killed", "straight"):
        world = one_a_batch.approved()
        killed(world, one_a_batch.plan, points if name == "killed" else ())
        world.execute(f"{KARI} {C1}")
        known.append((entries(world), look(world)))
    assert known[0] == known[1]
    assert known[0][0]["email"] == 3


@pytest.mark.soak
def test_a_hold_says_whether_it_is_in_time(world: World) -> None:
    """It is placed either way: what comes back is held."""
    for subject, gone_on in (("customer:c1", days(world).pop()), ("customer:c4", None)):
        place_hold(world.settings, subject, "Ada", "litigation", plus_months(date.today(), 3),  # noqa: DTZ011
                   today=date(2026, 10, 15), by="Ada")
        assert carried_out_on(world.settings, subject) == gone_on


@pytest.mark.soak
def test_once_no_set_is_left_a_sweep_looks_for_what_the_guard_holds(world: World) -> None:
    assert sweep(world.settings)[1] != [GUARD]
    for plan in known_plans(world.control):
        destroy_file(world.settings, KeyStore(world.settings.keys), plan.id)
    assert sweep(world.settings) == ([], [GUARD])
    world.execute("UPDATE orders SET delivery_email = 'ask <KARI@example.no>' WHERE order_id = 'o3'")
    world.execute("UPDATE orders SET delivery_name = '+47 90 00 00 01' WHERE order_id = 'o1'")
    hits, sets = sweep(world.settings)
    assert sets == [GUARD]
    assert {(hit["table"].rpartition(".")[2], hit["column"], hit["rows"], hit["how"]) for hit in hits} == {
        ("orders", "delivery_email", 1, "email"), ("orders", "delivery_name", 1, "phone")}
    with world.control.change() as connection:
        connection.execute(store.guard.delete())
    assert sweep(world.settings) == ([], [])


@pytest.mark.soak
def test_the_warehouse_knows_the_keys_it_was_carried_out_under(world: World) -> None:
    """Rotated they are the same; a home whose control store and guard are both new ones is another's."""
    KeyStore(world.settings.keys).rotate()
    world.decide()
    assert world.plan()["plan"] is None
    shutil.rmtree(world.settings.home)
    new = World(world.settings.home, world.url, **{name: world.env[name] for name in (
        "AJPRIVACY_NOTICE", "AJPRIVACY_MAPPING")})
    new.decide()
    with pytest.raises(EnforcementError, match=r"marker table of the warehouse knows keys/\w+\.sealed by another"):
        new.plan()


@pytest.mark.soak
@pytest.mark.parametrize("forgets", [False, True])
def test_a_run_under_another_key_stops_and_changes_nothing(world: World, forgets: bool) -> None:
    """Told by the control store, or by the warehouse alone where the ledger's entries are from before."""
    if forgets:
        with world.control.change() as connection:
            body = sa.func.json_remove(store.ledger.c.body, "$.keys")
            connection.execute(store.ledger.update().where(store.ledger.c.kind == "batch").values(body=body))
    key = world.settings.keys / "guard.sealed"
    kept = key.read_bytes()
    KeyStore(world.settings.keys).destroy("guard")
    KeyStore(world.settings.keys).data_key("guard")
    before = {path: path.read_bytes() for folder in (world.settings.restricted, world.settings.control)
              for path in folder.glob("*") if path.suffix in (".duckdb", ".db")}
    who = "marker table of the warehouse" if forgets else "ledger of the control store"
    with pytest.raises(KeyStoreError, match=rf"the {who} knows keys/guard\.sealed by another fingerprint"):
        world.decide()
    if not forgets:
        with pytest.raises(EnforcementError, match="by another fingerprint"):
            world.plan()
    assert {path: path.read_bytes() for path in before} == before
    key.write_bytes(kept)
    world.decide()


def test_a_batch_leaves_the_fingerprint_of_its_sweep_s_key(world: World) -> None:
    keys = KeyStore(world.settings.keys)
    (name,) = [path.stem for path in world.settings.keys.glob("sweep-*.sealed")]
    with world.connection() as connection:
        (counts,) = {row[0] for row in connection.exec_driver_sql("SELECT counts FROM ajprivacy_batches")}
    assert json.loads(counts)["keys"][name] == keys.fingerprints()[name]
    keys.destroy(name)
    world.decide()  # a sweep's key ends, and that stops nobody
    keys.data_key(name)
    with pytest.raises(KeyStoreError, match=rf"keys/{name}\.sealed by another fingerprint"):
        world.decide()
