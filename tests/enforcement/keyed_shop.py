"""A shop with numbers for ids, foreign keys, NOT NULL and unique columns, under its own names.

Kari (1), Per (4) and the contact Anne (31) are due; Ola (2) and Nils (32) bought lately.
"""

import shutil
from pathlib import Path

from ajprivacy_pipeline.settings import NOTICE
from tests.enforcement.enforcement_world import World, shop_of
from tests.enforcement.mapping_texts import NOTHING_ELSE, ORDER_LINES, TOMBSTONES

TABLES = """
CREATE TABLE kunde (nr integer PRIMARY KEY, slag varchar(30) NOT NULL, navn varchar(60) NOT NULL,
    epost varchar(80) NOT NULL UNIQUE, merke varchar(20), opprettet varchar(20), innlogget varchar(20));
CREATE TABLE kontakt (nr integer PRIMARY KEY, kunde integer NOT NULL REFERENCES kunde (nr), navn varchar(60),
    laget varchar(20));
CREATE TABLE vare (nr integer PRIMARY KEY, garanti integer);
CREATE TABLE ordre (nr integer PRIMARY KEY, kunde integer NOT NULL, kontakt integer, bestilt varchar(20),
    levert varchar(20), betalt varchar(20), sum decimal(18,2), mottaker varchar(60) NOT NULL, postnr varchar(10),
    FOREIGN KEY (kunde) REFERENCES kunde (nr), FOREIGN KEY (kontakt) REFERENCES kontakt (nr));
CREATE TABLE linje (ordre integer REFERENCES ordre (nr), nr integer, vare integer, PRIMARY KEY (ordre, nr));
INSERT INTO kunde VALUES (1, 'consumer', 'Kari Nordmann', 'kari@example.no', 'a', NULL, NULL),
    (2, 'consumer', 'Ola Nordmann', 'ola@example.no', 'b', '2026-09-01', '2026-09-01'),
    (3, 'business', 'Firma', 'post@firma.example', 'c', NULL, NULL),
    (4, 'consumer', 'Per Hansen', 'per@example.no', 'd', NULL, NULL);
INSERT INTO kontakt VALUES (31, 3, 'Anne', '2010-01-01'), (32, 3, 'Nils', '2026-01-01');
INSERT INTO vare VALUES (5, 1);
INSERT INTO ordre VALUES (100, 1, NULL, '2012-01-01', '2012-01-05', '2012-01-05', 100, 'Kari Nordmann', '1234'),
    (101, 2, NULL, '2026-09-01', '2026-09-05', '2026-09-05', 100, 'Ola Nordmann', '1234'),
    (102, 3, 31, '2012-01-01', '2012-01-05', '2012-01-05', 100, 'Anne', '0150'),
    (103, 3, 32, '2026-09-01', '2026-09-05', '2026-09-05', 100, 'Nils', '0150'),
    (104, 4, NULL, '2013-01-01', '2013-01-05', '2013-01-05', 100, 'Per Hansen', 'SW1A 1AA');
INSERT INTO linje VALUES (100, 1, 5), (101, 1, 5), (102, 1, 5), (103, 1, 5), (104, 1, 5);
"""
MAPPING = TOMBSTONES + """
contact = -4
[tables.customers]
table = "kunde"
[tables.customers.columns]
customer_id = "nr"
customer_type = "slag"
name = "navn"
email = "epost"
username = "merke"
profile_created_at = "opprettet"
last_login_at = "innlogget"
[tables.contacts]
table = "kontakt"
[tables.contacts.columns]
contact_id = "nr"
customer_id = "kunde"
name = "navn"
created_at = "laget"
last_login_at = { absent = "no login" }
[tables.products]
table = "vare"
[tables.products.columns]
product_id = "nr"
warranty_years = "garanti"
[tables.orders]
table = "ordre"
[tables.orders.columns]
order_id = "nr"
customer_id = "kunde"
contact_id = "kontakt"
ordered_at = "bestilt"
delivered_at = "levert"
paid_at = "betalt"
total_amount = "sum"
delivery_name = "mottaker"
delivery_postal_code = "postnr"
""" + ORDER_LINES + NOTHING_ELSE


def keyed_world(folder: Path, url: str, **env: str) -> World:
    """Make the shop where the URL says, with the product's mapping of it."""
    return shop_of(folder, url, TABLES, MAPPING, **env)


def in_small_batches(folder: Path, url: str) -> World:
    """The shop, one person a batch, so that there is a batch for every point at which something may go wrong."""
    shutil.copytree(NOTICE, folder / "notice")
    path = folder / "notice" / "enforcement.toml"
    path.write_text(path.read_text().replace("subjects = 2000 ", "subjects = 1 "))
    return keyed_world(folder, url, AJPRIVACY_NOTICE=str(folder / "notice"))
