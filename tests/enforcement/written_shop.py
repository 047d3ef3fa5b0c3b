"""A shop that is read through queries and expressions, as PrestaShop is, and what its mapping says of `writes`.

Kari (1) and Per (4) are due; Ola (2) bought lately; the firm (3) is one. Two orders were sent to one address row.
"""

from pathlib import Path

from tests.enforcement.enforcement_world import World, shop_of
from tests.enforcement.mapping_texts import NOTHING_ELSE, TOMBSTONES

TABLES = """
CREATE TABLE ps_customer (id_customer integer PRIMARY KEY, company varchar(60), firstname varchar(60) NOT NULL,
    lastname varchar(60) NOT NULL, email varchar(80) NOT NULL, birthday varchar(10), note varchar(60),
    date_add varchar(20), is_guest integer);
CREATE TABLE ps_address (id_address integer PRIMARY KEY, id_customer integer, address1 varchar(60),
    postcode varchar(10), city varchar(30), phone varchar(20), phone_mobile varchar(20));
CREATE TABLE ps_product (id_product integer PRIMARY KEY, warranty integer);
CREATE TABLE ps_orders (id_order integer PRIMARY KEY, id_customer integer NOT NULL, id_address_delivery integer,
    date_add varchar(20), shipped varchar(20), paid varchar(20), total decimal(18,2), gift varchar(60));
CREATE TABLE ps_order_detail (id_order integer, line integer, id_product integer, PRIMARY KEY (id_order, line));
INSERT INTO ps_customer VALUES
    (1, NULL, 'Kari', 'Nordmann', 'kari@example.no', '1984-05-06', 'likes tea', NULL, 0),
    (2, NULL, 'Ola', 'Nordmann', 'ola@example.no', '1990-01-02', NULL, '2026-09-01', 0),
    (3, 'Firma', 'Nils', 'Hansen', 'post@firma.example', NULL, NULL, NULL, 0),
    (4, NULL, 'Per', 'Hansen', 'per@example.no', NULL, NULL, NULL, 0);
INSERT INTO ps_address VALUES (10, 1, 'Storgata 1', '0150', 'Oslo', '22334455', ''),
    (20, 2, 'Lia 2', '5003', 'Bergen', '99887766', NULL), (40, 4, 'Lia 4', '5003', 'Bergen', '', '41424344');
INSERT INTO ps_product VALUES (5, 1);
INSERT INTO ps_orders VALUES (100, 1, 10, '2012-01-01', '2012-01-05', '2012-01-05', 100, 'to aunt Eva'),
    (101, 2, 20, '2026-09-01', '2026-09-05', '2026-09-05', 100, 'for Ola'),
    (102, 3, NULL, '2026-09-01', '2026-09-05', '2026-09-05', 100, NULL),
    (104, 4, 40, '2013-01-01', '2013-01-05', '2013-01-05', 100, NULL);
INSERT INTO ps_order_detail VALUES (100, 1, 5), (101, 1, 5), (102, 1, 5), (104, 1, 5);
"""
MAPPING = TOMBSTONES + """
[tables.customers]
query = '''SELECT c.*, a.address1, a.postcode, a.city AS town, a.phone AS tel, a.phone_mobile FROM ps_customer c
LEFT JOIN ps_address a ON a.id_address = (SELECT min(x.id_address) FROM ps_address x
    WHERE x.id_customer = c.id_customer)'''
writes = "ps_customer"
[tables.customers.columns]
customer_id = "id_customer"
customer_type = { sql = "CASE WHEN coalesce(company, '') = '' THEN 'consumer' ELSE 'business' END" }
name = { sql = "coalesce(nullif(company, ''), concat(firstname, ' ', lastname))", writes = WRITES }
email = "email"
birth_date = { sql = "nullif(birthday, '0000-00-00')", writes = "birthday" }
street_address = "address1"
postal_code = "postcode"
city = "town"
phone = { sql = "coalesce(nullif(phone_mobile, ''), tel)" }
preferences = "note"
profile_created_at = { sql = "CASE WHEN is_guest = 0 THEN date_add END" }
last_login_at = { absent = "not kept" }
[tables.contacts]
absent = "none"
[tables.products]
table = "ps_product"
[tables.products.columns]
product_id = "id_product"
warranty_years = "warranty"
[tables.orders]
query = '''SELECT o.*, a.address1, a.postcode FROM ps_orders o
LEFT JOIN ps_address a ON a.id_address = o.id_address_delivery'''
writes = "ps_orders"
[tables.orders.columns]
order_id = "id_order"
customer_id = "id_customer"
ordered_at = "date_add"
delivered_at = "shipped"
paid_at = "paid"
total_amount = "total"
delivery_street_address = "address1"
delivery_note = "gift"
[tables.order_lines]
table = "ps_order_detail"
[tables.order_lines.columns]
order_id = "id_order"
line_number = "line"
product_id = "id_product"
""" + NOTHING_ELSE
BOTH = '["firstname", "Lastname"]'


def written_world(folder: Path, url: str, *, names: str = BOTH, mapping: str = MAPPING) -> World:
    """Make the shop where the URL says, with the product's mapping of it."""
    if url.startswith("sqlite"):  # whose releases before 3.44 have no concat
        mapping = mapping.replace("concat(firstname, ' ', lastname)", "firstname || ' ' || lastname")
    return shop_of(folder, url, TABLES, mapping.replace("WRITES", names))
