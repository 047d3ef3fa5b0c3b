"""The sample shop's copies: five tables beside the contract that hold its people again, and the mapping that says so.

Belongs here: statements that make and fill them from the contract's tables, in the order in which they run. Does not
belong here: connections, files (`write`).
"""

from collections.abc import Iterator
from pathlib import Path

MAPPING = Path(__file__).with_name("copies.toml")
TABLES = ("customer_search", "newsletter_queue", "customer_audit", "customer_attributes", "order_addresses")
FUNCTION = "customer_audit_email"  # of the trigger, on PostgreSQL

_MADE = """
CREATE TABLE customer_search (customer_id text NOT NULL PRIMARY KEY, name text, email text, city text);
CREATE TABLE newsletter_queue (message_id text NOT NULL PRIMARY KEY, recipient text NOT NULL, template text);
CREATE TABLE customer_audit (audit_id {number}, customer_id text, old_email text);
CREATE TABLE customer_attributes (customer_id text NOT NULL, attribute_code text NOT NULL, value text,
    PRIMARY KEY (customer_id, attribute_code));
CREATE TABLE order_addresses (order_id text NOT NULL, kind text NOT NULL, name text NOT NULL, street_address text,
    postal_code text, city text, phone text, email text, PRIMARY KEY (order_id, kind));
INSERT INTO customer_search SELECT customer_id, name, email, city FROM customers WHERE name IS NOT NULL;
INSERT INTO newsletter_queue SELECT subscription_id, email, 'autumn' FROM newsletter_subscriptions
    WHERE email IS NOT NULL;
INSERT INTO newsletter_queue SELECT 'C' || customer_id, lower(email), 'welcome' FROM customers WHERE email IS NOT NULL;
INSERT INTO customer_audit (customer_id, old_email) SELECT customer_id, 'old.' || email FROM customers
    WHERE email IS NOT NULL;
INSERT INTO customer_attributes SELECT customer_id, 'email', email FROM customers WHERE email IS NOT NULL;
INSERT INTO customer_attributes SELECT customer_id, 'phone', phone FROM customers WHERE phone IS NOT NULL;
INSERT INTO customer_attributes SELECT customer_id, 'theme', 'dark' FROM customers;
INSERT INTO order_addresses SELECT order_id, 'delivery', coalesce(delivery_name, ''), delivery_street_address,
    delivery_postal_code, delivery_city, delivery_phone, delivery_email FROM orders
    WHERE delivery_name IS NOT NULL OR delivery_email IS NOT NULL;
"""
_NUMBER = {"sqlite": "integer PRIMARY KEY", "postgresql": "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"}
_INSERT = "INSERT INTO customer_audit (customer_id, old_email) VALUES (OLD.customer_id, OLD.email)"
_FUNCTION = (f"CREATE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql "
             f"AS $$BEGIN {_INSERT}; RETURN NULL; END$$")
_AIMED = "CREATE TRIGGER customer_audit_email AFTER UPDATE OF email ON customers FOR EACH ROW"
_TRIGGER = {
    "sqlite": (f"{_AIMED} WHEN OLD.email IS NOT NULL BEGIN {_INSERT}; END",),
    "postgresql": (_FUNCTION,
                   f"{_AIMED} WHEN (OLD.email IS NOT NULL) EXECUTE FUNCTION {FUNCTION}()"),
}


def statements(dialect: str) -> Iterator[str]:
    """Yields what makes and fills the copies, to be run once the contract's tables are loaded."""
    yield from filter(None, map(str.strip, _MADE.format(number=_NUMBER[dialect]).split(";")))
    yield from _TRIGGER[dialect]
