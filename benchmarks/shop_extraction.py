"""What reading a whole shop takes beside `mariadb-dump` of the same tables to nothing: CPU seconds of both sides.

    PYTHONPATH=. python benchmarks/shop_extraction.py [--customers 20000] [--dump mariadb-dump] [magento woocommerce]

A MariaDB of its own is filled with invented people, twenty values of key and value each, and as many orders as people;
the recipe writes the mapping. Counted are client and server, in turn and three times each, the least of them;
the server's part of each table of the contract stands below. Nothing here fails: it prints what it saw.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

from ajprivacy_pipeline.cli.main import app
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.extract import extract
from ajprivacy_pipeline.warehouse.mapping import load_mapping
from tests import mariadb
from tests.recipes import magento, woocommerce

TARGET = 3.0
_DAY = "'2016-01-01' + INTERVAL seq % 3000 DAY + INTERVAL seq % 50000 SECOND"
FILLED = {"magento": f"""
INSERT INTO eav_attribute SELECT 100 + seq, 1, IF(seq = 7, 'orgnr', CONCAT('a', seq)) FROM seq_1_to_20
INSERT INTO customer_entity SELECT seq, 1, CONCAT('k', seq, '@post.example'), NULL, 'Kari', NULL, CONCAT('Nord', seq),
    NULL, 2, NULL, seq, {_DAY}, {_DAY} FROM seq_1_to_$1
INSERT INTO customer_address_entity SELECT seq, seq, 'Kari', CONCAT('Nord', seq), NULL, CONCAT('Storgata ', seq),
    'Oslo', '0150', '+47 22 33 44 55', 'NO' FROM seq_1_to_$1
INSERT INTO customer_log SELECT seq, seq, {_DAY} FROM seq_1_to_$1
INSERT INTO customer_entity_varchar SELECT seq + 1, 101 + seq % 20, 1 + seq DIV 20, CONCAT('v', seq) FROM seq_0_to_$20
INSERT INTO catalog_product_entity SELECT seq, CONCAT('P', seq) FROM seq_1_to_1000
INSERT INTO catalog_product_entity_varchar SELECT seq, 70, 0, seq, CONCAT('Product ', seq) FROM seq_1_to_1000
INSERT INTO sales_order SELECT seq, 'complete', 'complete', seq, CONCAT('k', seq, '@post.example'), 'Kari',
    CONCAT('Nord', seq), NULL, NULL, NULL, 100, 100, 'NOK', 2 * seq, 2 * seq + 1, {_DAY}, {_DAY} FROM seq_1_to_$1
INSERT INTO sales_order_address SELECT seq, seq DIV 2, IF(seq % 2, 'billing', 'shipping'), CONCAT('k', seq DIV 2,
    '@post.example'), 'Kari', CONCAT('Nord', seq DIV 2), NULL, CONCAT('Storgata ', seq DIV 2), 'Oslo', '0150',
    '+47 22 33 44 55', 'NO' FROM seq_2_to_$2
INSERT INTO sales_order_item SELECT seq + 1, 1 + seq DIV 2, NULL, 1 + seq % 1000, 1, 0, 50 FROM seq_0_to_$2
INSERT INTO sales_invoice SELECT seq, seq, 2, 100, 2 * seq + 1, {_DAY} FROM seq_1_to_$1
INSERT INTO sales_shipment SELECT seq, seq, {_DAY} FROM seq_1_to_$1
INSERT INTO sales_shipment_item SELECT seq + 1, 1 + seq DIV 2, seq + 1 FROM seq_0_to_$2
INSERT INTO newsletter_subscriber SELECT seq, seq, CONCAT('k', seq, '@post.example'), 1, {_DAY} FROM seq_1_to_$1""",
          "woocommerce": f"""
INSERT INTO wp_users (ID, user_login, user_nicename, user_email, display_name, user_registered) SELECT seq, CONCAT('k',
    seq), CONCAT('k', seq), CONCAT('k', seq, '@post.example'), CONCAT('Kari Nord', seq), {_DAY} FROM seq_1_to_$1
INSERT INTO wp_usermeta (user_id, meta_key, meta_value) SELECT 1 + seq DIV 20, ELT(1 + seq % 20, 'wp_capabilities',
    'first_name', 'last_name', 'billing_phone', 'billing_address_1', 'billing_postcode', 'billing_city',
    'billing_country', 'billing_email', 'wc_last_active', 'k11', 'k12', 'k13', 'k14', 'k15', 'k16', 'k17', 'k18', 'k19',
    'locale'), IF(seq % 20, CONCAT('1', seq), 'a:1:{{s:8:"customer";b:1;}}') FROM seq_0_to_$20
INSERT INTO wp_posts (ID, post_title, post_type) SELECT seq, CONCAT('Product ', seq), 'product' FROM seq_1_to_1000
INSERT INTO wp_wc_orders (id, status, currency, type, total_amount, customer_id, billing_email, date_created_gmt,
    date_updated_gmt, payment_method) SELECT seq, 'wc-completed', 'NOK', 'shop_order', 100, seq, CONCAT('k', seq,
    '@post.example'), {_DAY}, {_DAY}, 'card' FROM seq_1_to_$1
INSERT INTO wp_wc_order_operational_data (order_id, date_paid_gmt, date_completed_gmt)
    SELECT seq, {_DAY}, {_DAY} FROM seq_1_to_$1
INSERT INTO wp_wc_order_addresses (order_id, address_type, first_name, last_name, company, address_1, postcode, city,
    country, phone) SELECT seq DIV 2, IF(seq % 2, 'billing', 'shipping'), 'Kari', CONCAT('Nord', seq), '', CONCAT(
    'Storgata ', seq), '0150', 'Oslo', 'NO', '+47 22 33 44 55' FROM seq_2_to_$2
INSERT INTO wp_woocommerce_order_items (order_item_id, order_item_name, order_id, order_item_type)
    SELECT seq, 'Product', seq, 'line_item' FROM seq_1_to_$1
INSERT INTO wp_woocommerce_order_itemmeta (order_item_id, meta_key, meta_value) SELECT 1 + seq DIV 3, ELT(1 + seq % 3,
    '_product_id', '_qty', '_line_total'), '1' FROM seq_0_to_$3"""}
ANSWERS = {"magento": {**magento.ANSWERS, "organisation_number": "orgnr"}, "woocommerce": woocommerce.ANSWERS}


def filled(url: str, shop: str, customers: int) -> None:
    """Make the shop and its rows."""
    with mariadb.connect(url) as connection:
        cursor = connection.cursor()
        module = {"magento": magento, "woocommerce": woocommerce}[shop]
        for statement in filter(None, map(str.strip, module.TABLES.split(";\n"))):
            cursor.execute(statement.removesuffix(";"))
        for statement in FILLED[shop].split("\nINSERT"):
            if statement.strip():
                text = "INSERT" + statement
                for times in (20, 3, 2, 1):
                    last = customers * times - (1 if f"seq_0_to_${times}" in text else 0) + (
                        1 if f"seq_2_to_${times}" in text else 0)
                    text = text.replace(f"_to_${times}", f"_to_{last}")
                cursor.execute(text)


def cpu(server: int, work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds of ours and our children's, and of the server's, while something works."""
    def now() -> tuple[float, float]:
        spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in spent), _server(server)

    before = now()
    work()
    return tuple(after - then for after, then in zip(now(), before, strict=True))  # type: ignore[return-value]


def measure(url: str, shop: str, customers: int, dump: str, folder: Path) -> str:
    """One shop; returns what to print."""
    filled(url, shop, customers)
    answers = [part for name, value in ANSWERS[shop].items() for part in ("--answer", f"{name}={value}")]
    done = CliRunner().invoke(app, ["mapping", "init", "--recipe", "auto", *answers],
                              env={"AJPRIVACY_HOME": str(folder), "AJPRIVACY_WAREHOUSE": url})
    if done.exit_code:
        return done.output + str(done.exception)
    sources = load_policy(NOTICE).sources
    mapping = load_mapping(folder / "mapping.toml", sources)
    with mariadb.connect(url) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT @@pid_file, @@socket")
        pid, socket = cursor.fetchall()[0]
        cursor.execute("SHOW TABLES")
        text = (folder / "mapping.toml").read_text(encoding="utf-8").partition("[[copies]]")[0]
        tables = [name for (name,) in cursor.fetchall() if name in set(text.replace('"', " ").split())]
    server = int(Path(pid).read_text(encoding="ascii"))
    command = [dump, "--no-defaults", f"--socket={socket}", "--user=root", "--single-transaction", "shop", *tables]
    by_table: dict[str, float] = {}

    def reading() -> None:
        before = [_server(server)]

        def told(name: str, _rows: int) -> None:
            by_table[name.partition(" ")[0]] = _server(server) - before[-1]
            before.append(_server(server))

        with zones.memory() as con:
            extract(con, url, mapping, sources, progress=told)

    ours, theirs = [], []
    for _ in range(3):
        ours.append(cpu(server, reading))
        theirs.append(cpu(server, lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True)))
    one, other = min(ours, key=sum), min(theirs, key=sum)
    parts = ", ".join(f"{name} {spent:.2f}" for name, spent in by_table.items() if spent >= 0.01)
    return (f"{shop}, {customers:,} customers, load {os.getloadavg()[0]:.1f}: ours {one[0]:.2f} + server {one[1]:.2f}, "
            f"dump {other[0]:.2f} + server {other[1]:.2f}: {sum(one) / sum(other):.1f} times ({TARGET:.0f} asked)\n"
            f"  server by table: {parts}\n  dumped: {' '.join(tables)}")


def _server(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure the shops that are named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("shops", nargs="*", default=list(FILLED))
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--dump", default="mariadb-dump")
    arguments = parser.parse_args()
    for shop in arguments.shops:
        with mariadb.server() as url, tempfile.TemporaryDirectory() as folder:
            sys.stdout.write(measure(url, shop, arguments.customers, arguments.dump, Path(folder)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
