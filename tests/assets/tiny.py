"""A warehouse of a few rows in SQLite, made from the source contract, with one marked person in it."""

import sqlite3
from pathlib import Path

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE

CANARY_NAME = "Kanarifugl Unikhetsdatter"
CANARY_EMAIL = "kanarifugl.unikhetsdatter@kanari-eksempel.test"
CANARY_NOTE = "Ring Kanarifugl Unikhetsdatter paa kanariveien 77"
CANARY_ID = "kanari-kunde-4711"
CANARIES = (CANARY_NAME, CANARY_EMAIL, "kanariveien 77", CANARY_ID)


def make_shop(path: Path, customers: int = 12, *, duplicate_canary: bool = False) -> str:
    """Write the shop and return its URL.

    Args:
        path: the SQLite file.
        customers: how many besides the marked one.
        duplicate_canary: write the marked customer's id twice, which stops a run.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    con = sqlite3.connect(path)
    for name, table in load_policy(NOTICE).sources.tables.items():
        con.execute(f"CREATE TABLE {name} ({', '.join(table.columns)})")
    for number in range(customers):
        _customer(con, f"c{number}", f"Person {number}", f"person{number}@eksempel.test")
    for _ in range(2 if duplicate_canary else 1):
        _customer(con, CANARY_ID, CANARY_NAME, CANARY_EMAIL)
    _insert(con, "products", product_id="p1", name="Skap", category="storage", warranty_years=3)
    _insert(con, "app_logs", log_id="l1", logged_at="2026-09-03 10:00:00", service="web", level="error",
            username=CANARY_EMAIL, ip_address="192.0.2.7", message=CANARY_NOTE)
    _insert(con, "communications", communication_id="m1", customer_id=CANARY_ID, channel="email", direction="in",
            occurred_at="2026-09-03 10:00:00", sender=CANARY_EMAIL, recipient="post@butikk.test", body=CANARY_NOTE)
    # Values that fit no type: their text must not reach a log either.
    _insert(con, "rights_requests", request_id="r1", kind=CANARY_NOTE, customer_id=CANARY_ID, email=CANARY_EMAIL,
            received_at=CANARY_NOTE, details=CANARY_NOTE)
    con.commit()
    con.close()
    return f"sqlite:///{path}"


def _customer(con: sqlite3.Connection, number: str, name: str, email: str) -> None:
    _insert(con, "customers", customer_id=number, customer_type="consumer", name=name, email=email,
            street_address="kanariveien 77", postal_code="0150", city="Oslo", country="NO",
            birth_date=CANARY_EMAIL if number == CANARY_ID else "1980-01-01", profile_created_at="2024-01-01 10:00:00")
    _insert(con, "orders", order_id=f"o-{number}", customer_id=number, ordered_at="2026-09-05 12:00:00",
            delivered_at="2026-09-08 12:00:00", paid_at="2026-09-05 12:00:00", delivery_name=name,
            delivery_email=email, delivery_postal_code="0150", delivery_note=CANARY_NOTE, currency="NOK",
            total_amount=CANARY_NOTE if number == CANARY_ID else "100.00")
    _insert(con, "order_lines", order_id=f"o-{number}", line_number=1, product_id="p1", quantity=1, unit_price="100.00")


def _insert(con: sqlite3.Connection, table: str, **values: object) -> None:
    marks = ", ".join("?" for _ in values)
    con.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", list(values.values()))
