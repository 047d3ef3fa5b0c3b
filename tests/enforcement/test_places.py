"""What may be changed where: nothing that something else of the contract is made of, and no row that feeds another."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.enforcement.current import current_policy
from ajprivacy_pipeline.enforcement.stages import stages_of
from ajprivacy_pipeline.enforcement.targets import Place, places_of, sharings
from ajprivacy_pipeline.warehouse.mapping import load_mapping, resolve
from ajprivacy_pipeline.warehouse.source import open_source
from tests.enforcement import guarded_shop
from tests.enforcement.enforcement_world import shop_of

TABLES = (
    'CREATE TABLE kunde (nr TEXT PRIMARY KEY, slag, navn TEXT, epost TEXT, gate TEXT, orgnr TEXT, "Full adr" TEXT)',
    "CREATE TABLE ordre (nr TEXT PRIMARY KEY, kunde TEXT, bestilt TEXT, levert TEXT, betalt TEXT, navn TEXT, kid TEXT)",
    "CREATE TABLE linje (ordre TEXT, nr INTEGER, vare TEXT, PRIMARY KEY (ordre, nr))",
    "CREATE TABLE faktura (nr TEXT PRIMARY KEY, kunde TEXT, dato TEXT, sum TEXT, betalt TEXT)",
)
MAPPING = """
[tables.customers]
table = "kunde"
[tables.customers.columns]
customer_id = "nr"
customer_type = {type}
name = "navn"
email = "epost"
street_address = "{street}"
organisation_number = "orgnr"
[tables.orders]
table = "ordre"
[tables.orders.columns]
order_id = "nr"
customer_id = "kunde"
ordered_at = "bestilt"
delivered_at = "levert"
paid_at = "betalt"
delivery_name = "navn"
payment_reference = "kid"
[tables.order_lines]
table = "linje"
[tables.order_lines.columns]
order_id = "ordre"
line_number = "nr"
product_id = "vare"
{more}
"""


def places(folder: Path, *, kind: str = '"slag"', street: str = "gate", more: str = "") -> dict[str, Place]:
    """The places of the shop under a mapping with some lines of its own."""
    world = shop_of(folder, url := f"sqlite:///{folder / 'shop.db'}", ";".join(TABLES),
                    MAPPING.format(type=kind, street=street, more=more))
    policy = current_policy(world.settings)
    stages = stages_of(policy)
    with open_source(url) as source:
        mapping = load_mapping(world.settings.mapping_file, policy.sources)
        found = places_of(resolve(source, mapping, policy.sources), stages, policy.sources)
    return found


def shared(found: dict[str, Place]) -> set[tuple[str, str, bool]]:
    """The parts of customers that share a cell, as (part, other part, whether one row holds both)."""
    return {(one.part[1], one.other[1], one.same_row) for one in sharings(found)
            if one.part[0] == "customers"}


def test_what_nothing_else_reads_can_be_changed(tmp_path: Path) -> None:
    found = places(tmp_path)["customers"]
    assert found.columns == {
        "name": ("navn",), "email": ("epost",), "street_address": ("gate",), "organisation_number": ("orgnr",)}
    assert found.fixed == {}


def test_a_row_that_feeds_another_table_is_never_deleted(tmp_path: Path) -> None:
    """An ended subscription that is a flag on the customer's row would take the customer with it."""
    found = places(tmp_path, more='[tables.newsletter_subscriptions]\ntable = "kunde"\n'
                                  '[tables.newsletter_subscriptions.columns]\nsubscription_id = "nr"\n'
                                  'email = "epost"\n')["newsletter_subscriptions"]
    assert (found.key, found.columns) == ((), {})
    assert found.fixed["email"] == "its row would go as a whole, and feeds customers too"


def test_a_row_that_a_query_reads_is_never_deleted(tmp_path: Path) -> None:
    found = places(tmp_path, more='[tables.app_logs]\ntable = "faktura"\n[tables.app_logs.columns]\nlog_id = "nr"\n'
                                  'logged_at = "dato"\nmessage = "sum"\n[tables.invoices]\nquery = "SELECT nr AS '
                                  "invoice_id, kunde AS customer_id, dato AS issued_at, sum AS amount, betalt AS "
                                  'paid_amount FROM \\"faktura\\""\n')["app_logs"]
    assert found.fixed["message"] == "its row would go as a whole, and feeds invoices too"


@pytest.mark.parametrize(("select", "waits"), [
    ("k.navn AS billing_name", ("name", (("name", "billing_name"),))), ("k.NAVN || '' AS billing_name", ("name", ())),
    ('k."navn" AS billing_name', ("name", (("name", "billing_name"),))), ("k.*", None), ("k.nr AS order_id", None),
    ("2 * 3 AS due_at, k.gate AS billing_street_address",
     ("address", (("street_address", "billing_street_address"),)))])
def test_what_a_query_reads_from_the_master_row_waits(
        tmp_path: Path, select: str, waits: tuple[str, tuple[tuple[str, str], ...]] | None) -> None:
    """A billing name that is joined from the customer's row would go with the customer's name, before its time."""
    query = (f"SELECT f.nr AS invoice_id, f.kunde AS customer_id, f.dato AS issued_at, f.sum AS amount, "
             f"f.betalt AS paid_amount, {select} FROM faktura AS f JOIN kunde AS k ON k.nr = f.kunde")
    found = places(tmp_path, more=f"[tables.invoices]\nquery = '''{query}'''\n")
    told = [(one.part[1], one.alike) for one in sharings(found)
            if (one.part[0], one.other, one.same_row) == ("customers", ("invoices", "billing"), False)]
    assert found["customers"].fixed == {}
    assert told == ([] if waits is None else [waits])


def test_an_address_that_an_arm_of_a_union_shows_waits_for_its_own_reader(tmp_path: Path) -> None:
    """Accounts and a module both keep a newsletter: only a subscription with the same address keeps an account's."""
    query = "SELECT 'c' || nr AS id, epost AS post FROM kunde UNION ALL SELECT nr, navn FROM ordre"
    more = (f'[tables.newsletter_subscriptions]\nquery = """{query}"""\n'
            '[tables.newsletter_subscriptions.columns]\nsubscription_id = "id"\nemail = "post"\n')
    told = [(one.same_row, one.alike) for one in sharings(places(tmp_path, more=more))
            if (one.part, one.other) == (("customers", "email"), ("newsletter_subscriptions", "email"))]
    assert told == [(False, (("email", "email"),))]


@pytest.mark.parametrize("query", [
    "SELECT nr, kunde, dato, sum, betalt FROM faktura WHERE kunde IN (SELECT nr FROM kunde WHERE navn <> '')",
    ("SELECT nr, max(kunde) AS kunde, max(dato) AS dato, max(sum) AS sum, max(betalt) AS betalt FROM "
    "(SELECT f.*, k.navn FROM faktura AS f JOIN kunde AS k ON k.nr = f.kunde) AS x GROUP BY nr, navn")])
def test_what_tells_which_rows_there_are_stays(tmp_path: Path, query: str) -> None:
    """Without the name the invoice would not be there any more."""
    columns = "".join(f'{ours} = "{theirs}"\n' for ours, theirs in (
        ("invoice_id", "nr"), ("customer_id", "kunde"), ("issued_at", "dato"), ("amount", "sum"),
        ("paid_amount", "betalt")))
    found = places(tmp_path, more=f"[tables.invoices]\nquery = '''{query}'''\n[tables.invoices.columns]\n{columns}"
                   )["customers"]
    assert found.fixed == {"name": "the query of invoices reads it too: what that needs would go with it"}


@pytest.mark.parametrize(("select", "group", "fixed"), [
    ("f.sum", "", False), ("count(*)", " GROUP BY f.nr, f.kunde, f.dato, f.betalt, k.gate", True),
    ("(SELECT count(*) FROM (SELECT g.nr FROM faktura AS g LEFT JOIN kunde AS h ON h.navn = g.kunde) AS x)", "", True)])
def test_what_finds_a_row_beside_tells_what_is_shown_of_it(
        select: str, group: str, fixed: bool, tmp_path: Path) -> None:
    """The invoice is there with or without the name; what it shows is not, and how many are counted is not either."""
    query = (f"SELECT f.nr AS invoice_id, f.kunde AS customer_id, f.dato AS issued_at, {select} AS amount, f.betalt AS "
             f"paid_amount, k.gate AS billing_street_address FROM faktura AS f LEFT JOIN kunde AS k ON k.navn = f.kunde"
             f"{group}")
    found = places(tmp_path, more=f"[tables.invoices]\nquery = '''{query}'''\n")
    waits = [(one.same_row, one.alike) for one in sharings(found)
             if (one.part, one.other) == (("customers", "name"), ("invoices", "billing"))]
    assert ("reads it too" in found["customers"].fixed.get("name", "")) is fixed
    assert waits == ([] if fixed else [(False, ())])


def test_what_is_not_understood_is_told_by_its_words(tmp_path: Path) -> None:
    query = ("SELECT f.nr AS invoice_id, f.kunde AS customer_id, f.dato AS issued_at, f.sum AS amount, f.betalt AS "
             "paid_amount, j.value AS billing_name FROM faktura f, json_each((SELECT json_array(navn) FROM kunde)) j")
    found = places(tmp_path, more=f"[tables.invoices]\nquery = '''{query}'''\n")["customers"]
    assert set(found.fixed) == {"name"}


def test_what_an_expression_of_the_row_reads_stays(tmp_path: Path) -> None:
    """Without its number the company would become a consumer."""
    kind = "CASE WHEN orgnr IS NULL THEN 'consumer' ELSE 'business' END"
    found = places(tmp_path, kind=f'{{ sql = "{kind}" }}')["customers"]
    assert found.fixed == {
        "organisation_number": "customers.customer_type reads it too: what that needs would go with it"}


def test_an_expression_of_the_same_part_goes_with_it(tmp_path: Path) -> None:
    """City and street are one address: the cell of both goes with it, though the city alone cannot be written."""
    found = places(tmp_path, street="Full adr",
                   more="[tables.customers.columns.city]\nsql = 'substr(\"Full adr\", 3)'\n")["customers"]
    assert found.columns["street_address"] == ("Full adr",)
    assert found.fixed == {"city": "fed by an expression or another row: say in the mapping where it is written"}


def test_a_cell_that_an_expression_of_another_part_reads_waits_for_it(tmp_path: Path) -> None:
    found = places(tmp_path, street="Full adr",
                   more="[tables.customers.columns.phone]\nsql = 'substr(\"Full adr\", 3)'\n")
    assert found["customers"].columns["street_address"] == ("Full adr",)
    assert shared(found) == {("address", "phone", True)}


def test_a_fact_in_the_same_cell_stays(tmp_path: Path) -> None:
    """A date of payment that is also the reference of the payment."""
    found = places(tmp_path)["orders"]
    assert "payment_reference" in found.columns
    (tmp_path / "two").mkdir()
    both = places(tmp_path / "two", more='[tables.orders.columns.cancelled_at]\ncolumn = "kid"\n')["orders"]
    assert both.fixed["payment_reference"].startswith("orders.cancelled_at reads it too")


def test_two_parts_of_one_cell_wait_for_each_other(tmp_path: Path) -> None:
    found = places(tmp_path, more='[tables.customers.columns.username]\ncolumn = "epost"\n')
    assert found["customers"].columns["username"] == found["customers"].columns["email"] == ("epost",)
    assert shared(found) == {("email", "username", True), ("username", "email", True)}


def test_a_plan_of_nothing_that_we_may_change_ends_verified(tmp_path: Path) -> None:
    """All of a shop of which every row is found by an expression."""
    world = guarded_shop.guarded_world(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}")
    keys = {"customers": "customer_id", "contacts": "contact_id", "orders": "order_id", "cases": "case_id",
            "newsletter_subscriptions": "subscription_id", "rights_requests": "request_id"}
    (tmp_path / "mapping.toml").write_text(guarded_shop.MAPPING + "".join(
        f"[tables.{table}.columns]\n{key} = {{ sql = \"{key} || ''\" }}\n" for table, key in keys.items()))
    before = world.cells()
    world.decide()
    plan = world.plan()
    result = world.apply(world.approved(plan))
    assert result["verified"]
    assert (result["applied"], result["not_carried_out"]) == (0, plan["rows"])
    assert plan["rows"] > 0
    assert world.cells() == before
