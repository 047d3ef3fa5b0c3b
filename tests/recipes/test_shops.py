"""Each shop on its database: recognised, decided like the same facts under canonical names, and carried out.

The tests of one shop stand in this order, and go on with what the one before has done.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.enforcement.ground import look_at
from ajprivacy_pipeline.warehouse.mapping import check, load_mapping, resolve
from ajprivacy_pipeline.warehouse.one_pass import in_one_pass
from ajprivacy_pipeline.warehouse.sessions import MYSQL
from ajprivacy_pipeline.warehouse.source import open_source
from tests.enforcement.enforcement_world import Decision
from tests.recipes import businesscentral, magento, odoo, prestashop, woocommerce
from tests.recipes.conftest import Made, init, mapped
from tests.recipes.facts import canonical_world, facts, personal, texts

# A second apply does nothing: test_many says so of each of the five in the soak.
FIRST_OF_ITS_DATABASE = (prestashop, odoo, businesscentral)


def test_it_is_recognised_and_its_mapping_fits(made: Made) -> None:
    shop, world, said = made
    assert said.splitlines()[0] == shop.SHOWN
    assert f"driver: {shop.DRIVER}" in said
    left = [line.split(": ") for line in said.splitlines() if ": look personal, and nothing reads them" in line]
    assert [f"{table}.{column}" for table, columns, *_ in left for column in columns.split(", ")] == shop.UNCOVERED
    with open_source(world.url) as source:
        findings = check(source, load_mapping(world.settings.mapping_file, world.policy.sources), world.policy.sources)
    assert [finding.message for finding in findings if finding.level != "note"] == []


def test_what_is_read_in_one_pass_is_what_is_looked_up_one_by_one(made: Made) -> None:
    """WooCommerce's customers have seven keys looked up, and are those with an eighth.

    Nothing else is: all that recipes look up stands behind an index of the shop's own, which its fixture has. Without
    one a shop takes four times as long for twice as many orders; Magento's and PrestaShop's recipes did.
    """
    passes = {}
    with open_source(made.world.url) as source:
        mapping = load_mapping(made.world.settings.mapping_file, made.world.policy.sources)
        for name, table in resolve(source, mapping, made.world.policy.sources).tables.items():
            if table is None or source.dialect not in MYSQL:
                continue
            written = in_one_pass(source, table.relation)
            passes |= {name: written.count(" THEN ")} if written != table.relation else {}
            one, other = (sorted(map(repr, source.connection.exec_driver_sql(
                f"SELECT * FROM {relation}", execution_options={"no_parameters": True})))
                for relation in (table.relation, written))
            assert one == other
    assert passes == ({"customers": 8} if made.shop is woocommerce else {})


@pytest.mark.parametrize("made", [odoo], indirect=True, ids=["odoo"])
def test_no_row_is_looked_up_without_an_index(made: Made) -> None:
    """PostgreSQL reads no table whole for each row, where few rows are no reason to: invoices were, for each order."""
    with open_source(made.world.url) as source:
        mapping = load_mapping(made.world.settings.mapping_file, made.world.policy.sources)
        resolved = resolve(source, mapping, made.world.policy.sources)
        source.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plans = {name: source.connection.exec_driver_sql(
            f"EXPLAIN (FORMAT JSON) SELECT * FROM {table.relation}", execution_options={"no_parameters": True}).scalar()
            for name, table in resolved.tables.items() if table is not None}
    assert {name: found for name, plan in plans.items() if (found := list(_looked_through(plan[0]["Plan"])))} == {}


def _looked_through(node: dict[str, Any], *, anew: bool = False) -> Iterator[str]:
    """The tables that a plan of PostgreSQL reads whole for each row of another one."""
    anew = anew or ("SubPlan" in node.get("Subplan Name", "") and "hashed" not in str(node.get("Filter", "")))
    if anew and node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for inner in node.get("Plans", ()):
        yield from _looked_through(inner, anew=anew)


@pytest.fixture(scope="module")
def decided(made: Made) -> Mapping[tuple[str, str, str], Decision]:
    """What was decided of the shop as it was made; its month stands decided so until a test says otherwise."""
    return made.world.decide()


def test_its_decisions_are_those_of_the_facts(
        made: Made, decided: Mapping[tuple[str, str, str], Decision], tmp_path: Path) -> None:
    assert decided == canonical_world(tmp_path / "canonical", made.shop.held(facts())).decide()
    assert {decision for decision, _ in decided.values()} >= {"due", "retain", "absent"}


@pytest.mark.parametrize(("year", "decision"), [
    pytest.param(2020, "due", marks=pytest.mark.soak), (2021, "retain")])
@pytest.mark.parametrize("made", [magento], indirect=True, ids=["magento"])
def test_a_billing_row_stays_as_long_as_the_last_voucher_of_its_order(made: Made, year: int, decision: str) -> None:
    """Two invoices and a credit memo of one order have one address: the year of the last of them counts.

    In the end the month is decided as it was.
    """
    world = made.world
    world.execute("INSERT INTO sales_invoice (entity_id, order_id, state, grand_total, billing_address_id, created_at) "
                  f"VALUES (9001, 1001, 2, 1, 21001, '{year - 1}-05-05 10:00:00')")
    world.execute(f"INSERT INTO sales_creditmemo VALUES (9002, 1001, '{year}-05-05 10:00:00')")
    assert world.decide()["invoices", "1001", "billing"][0] == decision
    for table in ("sales_invoice", "sales_creditmemo"):
        world.execute(f"DELETE FROM {table} WHERE entity_id > 9000")
    world.decide()


@pytest.mark.usefixtures("decided")
def test_what_is_due_goes_and_nothing_else(made: Made) -> None:
    """Whoever is not due at all stands in every table as before, and whoever is, only where the shop's fixture says."""
    shop, world, _ = made
    held = shop.held(facts())
    before = Counter(texts(world))
    plan = world.plan()
    assert plan["refused"] == []
    assert {f"{row['entity']}.{row['column']}" for row in plan["not_carried_out"]} == shop.NOT_CARRIED_OUT
    assert plan["plan"] is not None
    approve(world.settings, plan["plan"], "Ada", release_brake=True)
    assert world.apply(plan["plan"])["verified"]
    after = Counter(texts(world))
    if shop in FIRST_OF_ITS_DATABASE:
        again = world.apply(plan["plan"])
        assert (again["applied"], again["batches"], Counter(texts(world))) == (0, 0, after)
    people = {row["customer_id"]: personal(row) for row in held["customers"]}
    for who in shop.STAY:
        for text in people[who]:
            assert _with(text, after) == _with(text, before), text
    if "billing_street_address" in held["invoices"][0]:
        assert _with("Vestgardveien 14", after) != Counter()  # on an invoice of 2021, which bookkeeping needs
    left = {f"{table}.{column}" for who in shop.GO for text in people[who] for table, column, _ in _with(text, after)}
    assert left == shop.LEFT
    due = {part for (_, _, part), (decision, _) in world.decide().items() if decision == "due"}
    assert shop.NOT_CARRIED_OUT or due <= {row["part"] for row in plan["waiting"]}


def _with(text: str, cells: Counter[tuple[str, str, str]]) -> Counter[tuple[str, str, str]]:
    """The cells in which a text stands, in any case."""
    return Counter({cell: number for cell, number in cells.items() if text.lower() in cell[2].lower()})


@pytest.mark.parametrize("made", [woocommerce], indirect=True, ids=["woocommerce"])
def test_a_copy_that_tells_companies_from_people_is_refused(made: Made) -> None:
    """The company in the address book stands in the same column as the phone: where both are named, nothing goes."""
    path = made.world.settings.mapping_file
    assert path is not None
    path.write_text(path.read_text().replace("'billing_phone', 'shipping_phone'", "'billing_phone', 'billing_company'"))
    with open_source(made.world.url) as source:
        found = look_at(source, made.world.settings, made.world.policy).refused
    refused = [row for row in found if row["constraint"] == "mapping"]
    assert [row["table"] for row in refused] == ["wp_usermeta"]
    assert "customers.customer_type" in refused[0]["fix"]


def test_a_version_that_is_not_known_is_refused(made: Made, tmp_path: Path) -> None:
    shop, world, _ = made
    world.execute(shop.STRANGE)
    code, said = init(world.url, tmp_path, "--recipe", "auto")
    assert code != 0
    assert shop.STRANGE_SAYS in said
    assert not (tmp_path / "mapping.toml").exists()


@pytest.mark.soak
@pytest.mark.parametrize("invoiced", [False, True])
def test_a_row_that_an_order_is_to_be_billed_to_stays(
        invoiced: bool, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Karianne (11) took all addresses out of her account; her new order goes to somebody else and is billed to one.

    What was delivered to it long ago waits; once there is an invoice, that tells by itself that it is needed.
    """
    world = mapped(request, prestashop, tmp_path, facts()).world
    world.execute("UPDATE ps_address SET deleted = 1 WHERE id_customer = 11")
    world.execute("INSERT INTO ps_orders VALUES (9001, 11, 30012, 30011, 2, 'card', NULL, 100, 0, "
                  "'2026-10-20 10:00:00', '2026-10-20 10:00:00')")
    if invoiced:
        world.execute("INSERT INTO ps_order_invoice VALUES (9001, 9001, 100, '2026-10-20 10:00:00')")
    decided, plan = world.decide(), world.plan()
    waits = {(row["entity"], row["part"]) for row in plan["waiting"] if row["waits_for"] == "somebody_else"}
    assert decided["subject", "customer:11", "address"] == ("absent", None)
    assert waits == (set() if invoiced else {("orders", "delivery"), ("invoices", "billing")})
    assert (decided["orders", "1001", "delivery"][0] == "due") is not invoiced


@pytest.mark.soak
def test_who_objects_is_taken_off_the_list_and_the_one_with_the_same_number_stays(
        request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """PrestaShop's customers have a mark, others a row: that of 15 goes, and of the rows 15 and 17 the other one."""
    world = mapped(request, prestashop, tmp_path, facts()).world
    world.execute("UPDATE ps_customer SET newsletter = 1, newsletter_date_add = '2024-01-01' "
                  "WHERE id_customer IN (15, 17)")
    world.execute("INSERT INTO ps_emailsubscription (id, email, newsletter_date_add, active) VALUES "
                  "(15, 'stays@example.no', '2024-01-01', 1), (17, 'goes@example.no', '2024-01-01', 1)")
    world.execute("CREATE TABLE objections (id integer PRIMARY KEY, email varchar(80), day varchar(20))")
    world.execute("INSERT INTO objections SELECT 1, email, '2026-10-10' FROM ps_customer WHERE id_customer = 15")
    world.execute("INSERT INTO objections VALUES (2, 'goes@example.no', '2026-10-10')")
    path = world.settings.mapping_file
    assert path is not None
    path.write_text(path.read_text() + """
[tables.rights_requests]
table = "objections"
[tables.rights_requests.columns]
request_id = "id"
kind = { constant = "objection" }
email = "email"
received_at = "day"
""")
    with world.connection() as connection:
        before = {table: connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1").mappings().all()
                  for table in ("ps_customer", "ps_emailsubscription")}
    decided = world.decide()
    assert {number: decided["newsletter_subscriptions", number, "email"][0] for number in (
        "c15", "c17", "e15", "e17")} == {"c15": "due", "c17": "retain", "e15": "retain", "e17": "due"}
    assert world.apply(world.approved())["verified"]
    with world.connection() as connection:
        after = {table: connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1").mappings().all()
                 for table in ("ps_customer", "ps_emailsubscription")}
    customers = {row["id_customer"]: dict(row) for row in after["ps_customer"]}
    was = {row["id_customer"]: dict(row) for row in before["ps_customer"]}
    assert (customers[15], customers[17]) == ({**was[15], "newsletter": 0}, was[17])
    assert after["ps_emailsubscription"] == [row for row in before["ps_emailsubscription"] if row["id"] != 17]
    assert "due" not in {decision for (entity, _, _), (decision, _) in world.decide().items()
                         if entity == "newsletter_subscriptions"}


def test_an_entry_that_a_document_names_and_not_the_other_way_round_is_held(
        request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Business Central, after a move: two new invoices name old entries, whose own documents these are not."""
    world = mapped(request, businesscentral, tmp_path, facts()).world
    for number, entry in (("I7001", 1001), ("I7002", 1908)):  # an invoice's, a credit memo's
        world.execute(f'INSERT INTO "{businesscentral.table("Sales Invoice Header")}" ("No_", "Bill-to Name", '
                      '"Cust_ Ledger Entry No_") VALUES (:number, \'Ny Kunde\', :entry)', number=number, entry=entry)
    decided = world.decide()
    assert {number: decided["invoices", number, "billing"][0] for number in ("1001", "1908", "1003")} == {
        "1001": "hold", "1908": "hold", "1003": "due"}
