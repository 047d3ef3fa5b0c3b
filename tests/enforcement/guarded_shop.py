"""A small shop under the contract's own names: who is due, who is not, and what they share.

c1 and c2 are due and share an address; c3 is due; c4 bought lately and has c3's phone
number; n1 has ended a subscription.
"""

from pathlib import Path

from tests.enforcement.enforcement_world import World, shop_of

TABLES = """
CREATE TABLE customers (customer_id varchar(40) PRIMARY KEY, customer_type varchar(30), name varchar(60),
    email varchar(80), phone varchar(30), gender varchar(10), profile_created_at varchar(20),
    last_login_at varchar(20));
CREATE TABLE contacts (contact_id varchar(40) PRIMARY KEY, customer_id varchar(40), name varchar(60),
    created_at varchar(20), last_login_at varchar(20));
CREATE TABLE products (product_id varchar(20) PRIMARY KEY, category varchar(20), warranty_years integer);
CREATE TABLE orders (order_id varchar(20) PRIMARY KEY, customer_id varchar(40), contact_id varchar(40),
    ordered_at varchar(20), delivered_at varchar(20), paid_at varchar(20), total_amount decimal(18,2),
    delivery_name varchar(60), delivery_email varchar(80));
CREATE TABLE order_lines (order_id varchar(20), line_number integer, product_id varchar(20), quantity integer,
    unit_price decimal(18,2), PRIMARY KEY (order_id, line_number));
CREATE TABLE newsletter_subscriptions (subscription_id varchar(20) PRIMARY KEY, email varchar(80),
    customer_id varchar(40), contact_id varchar(40), subscribed_at varchar(20), unsubscribed_at varchar(20),
    consent_at varchar(20));
CREATE TABLE rights_requests (request_id varchar(20) PRIMARY KEY, kind varchar(20), customer_id varchar(40),
    contact_id varchar(40), email varchar(80), received_at varchar(20), identity_verified_at varchar(20),
    closed_at varchar(20), outcome varchar(20), details varchar(80));
CREATE TABLE cases (case_id varchar(20) PRIMARY KEY, customer_id varchar(40), contact_id varchar(40),
    order_id varchar(20), kind varchar(20), opened_at varchar(20), closed_at varchar(20), summary varchar(80));
INSERT INTO customers VALUES
    ('c1', 'consumer', 'Kari Nordmann', 'Kari@Example.no', '+47 90 00 00 01', 'f', NULL, NULL),
    ('c2', 'consumer', 'Knut Nordmann', 'kari@example.no', NULL, NULL, NULL, NULL),
    ('c3', 'consumer', 'Per Hansen', 'per@example.no', '90000003', NULL, NULL, NULL),
    ('c4', 'consumer', 'Ola Hansen', 'ola@example.no', '+47 900 00 003', NULL, '2026-09-01', '2026-09-01');
INSERT INTO products VALUES ('p', 'stove', 1);
INSERT INTO orders VALUES
    ('o1', 'c1', NULL, '2012-01-01', '2012-01-05', '2012-01-05', 100, 'Kari Nordmann', 'kari@example.no'),
    ('o2', 'c2', NULL, '2012-01-01', '2012-01-05', '2012-01-05', 100, 'Knut Nordmann', NULL),
    ('o3', 'c3', NULL, '2012-01-01', '2012-01-05', '2012-01-05', 100, 'Per Hansen', NULL),
    ('o4', 'c4', NULL, '2026-09-01', '2026-09-05', '2026-09-05', 100, 'Ola Hansen', NULL);
INSERT INTO order_lines VALUES ('o1', 1, 'p', 1, 100), ('o2', 1, 'p', 1, 100), ('o3', 1, 'p', 1, 100),
    ('o4', 1, 'p', 1, 100);
INSERT INTO newsletter_subscriptions VALUES ('n1', 'news@example.no', NULL, NULL, '2020-01-01', '2026-09-15', NULL),
    ('n2', 'ola@example.no', 'c4', NULL, '2020-01-01', NULL, NULL);
INSERT INTO rights_requests VALUES ('r1', 'objection', NULL, NULL, 'news@example.no', '2026-09-14', NULL, NULL, NULL,
    NULL);
"""
MAPPING = """
[tables.invoices]
absent = "paid on delivery"
[tables.web_events]
absent = "none"
"""


def guarded_world(folder: Path, url: str, **env: str) -> World:
    """Make the shop where the URL says."""
    return shop_of(folder, url, TABLES, MAPPING, **env)
