"""Billing that is joined from the customer's row is none of the invoice's own: bookkeeping keeps the customer's."""

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.enforcement.enforcement_world import World
from tests.enforcement.written_shop import MAPPING, TABLES

BILL = """
CREATE TABLE bill (nr integer PRIMARY KEY, customer integer, made varchar(20), total decimal(18,2), paid decimal(18,2),
    who varchar(60), street varchar(60));
INSERT INTO bill VALUES (7, 1, '2022-03-04', 10, 10, 'Kari Nordmann', 'Storgata 1');
"""
INVOICES = """[tables.invoices]
query = '''SELECT b.*, c.note, c.lastname, a.address1 FROM bill b JOIN ps_customer c ON c.id_customer = b.customer
LEFT JOIN ps_address a ON a.id_customer = b.customer'''
[tables.invoices.columns]
invoice_id = "nr"
customer_id = "customer"
issued_at = "made"
amount = "total"
paid_amount = "paid"
billing_name = {name}
billing_street_address = {street}
"""


@pytest.mark.parametrize(("name", "street", "decision"), [
    ('"who"', '"street"', "due"), ('"lastname"', '"street"', "retain"), ('"who"', '"address1"', "retain"),
    ('"who"', '{ sql = "max(address1, street)" }', "due"),
    ('"who"', '{ column = "address1", lives_in = "invoices" }', "due"),
    ('"who"', '{ column = "street", lives_in = "customers" }', "retain")])
def test_billing_of_the_customers_row_counts_as_lacking(tmp_path: Path, name: str, street: str, decision: str) -> None:
    """An address row to which both point is no copy; what is made of several values is, unless the mapping says no."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in filter(None, map(str.strip, (TABLES + BILL).split(";"))):
            connection.exec_driver_sql(statement)
    engine.dispose()
    text = MAPPING.replace("concat(firstname, ' ', lastname)", "firstname || ' ' || lastname").replace(
        "WRITES", '["firstname", "lastname"]').replace('[tables.invoices]\nabsent = "none"\n', "")
    (tmp_path / "mapping.toml").write_text(text + INVOICES.format(name=name, street=street))
    world = World(tmp_path / "home", url, AJPRIVACY_MAPPING=str(tmp_path / "mapping.toml"))
    decided = world.decide()
    assert decided["subject", "customer:1", "name"][0] == decision
    assert decided["invoices", "7", "billing"][0] == "retain"
    if decision == "due":
        assert decided["subject", "customer:1", "name"][1] < date(2026, 10, 31)
