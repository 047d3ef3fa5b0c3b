"""G16: planted people with extreme values and unique combinations are visible nowhere in what a month publishes.

A test, not a gate: a release cannot know who is a canary. The people are planted in the sample shop, a whole month is
run, and everything published is searched: every text, every cell they stand in, every row that may be theirs.
"""

import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.sample import generate
from ajprivacy_pipeline.settings import NOTICE, Settings
from ajprivacy_pipeline.storage import zones
from tests.pycanon_says import assert_agrees
from tests.test_month import MONTH, month

HUGE = 8_987_654_321_123  # the solver must still tell cells of a hundred apart beside it
NAMES = ("Kanarifugl Unikhetsdatter", "Ærlig O'Kanari-Ødegård", "Kanari Ensom")
TEXTS = (*NAMES, "kanari@unik-kanari.test", "o'kanari+rar@unik-kanari.test", "ensom@unik-kanari.test", "kanariveien 77",
         "kanarien4711", "kanari-1", "kanari-2", "kanari-3", "198.51.100.77", str(HUGE))


def plant(path: Path) -> None:
    """One who buys for more than the state budget, one alone in a combination, one who alone does everything odd."""
    con = sqlite3.connect(path)

    def add(table: str, **values: object) -> None:
        marks = ", ".join("?" for _ in values)
        con.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", list(values.values()))

    people = [("consumer", "0150", "NO", "1987-03-04", "female", None),
              ("sole_proprietor", "9990", "NO", "1911-01-02", "other", "fishing"),
              ("business", "00-950", "PL", None, None, "shipping")]
    category = con.execute("SELECT category FROM products GROUP BY 1 ORDER BY count(*), 1 LIMIT 1").fetchone()[0]
    rare = con.execute("SELECT product_id FROM products WHERE category = ? ORDER BY 1", [category]).fetchone()[0]
    for i, (kind, code, country, born, gender, industry) in enumerate(people):
        who, email = f"kanari-{i + 1}", TEXTS[3 + i]
        add("customers", customer_id=who, customer_type=kind, name=NAMES[i], email=email, country=country,
            username=f"kanarien{4711 + i}", street_address="kanariveien 77", postal_code=code, city="Oslo",
            birth_date=born, gender=gender, industry=industry, preferences=f"bare {NAMES[i]}",
            profile_created_at="2019-05-06 10:00:00")
        add("orders", order_id=f"kanari-o{i}", customer_id=who, ordered_at=f"{MONTH}-05 12:00:00", currency="NOK",
            delivered_at=f"{MONTH}-08 12:00:00", paid_at=f"{MONTH}-05 12:00:00", delivery_name=NAMES[i],
            delivery_email=email, delivery_postal_code=code, total_amount=HUGE if not i else 100)
        add("order_lines", order_id=f"kanari-o{i}", line_number=1, product_id=rare, quantity=1,
            unit_price=100 if i else HUGE, delivered_at=f"{MONTH}-08 12:00:00")
        add("communications", communication_id=f"kanari-m{i}", customer_id=who, channel="in_person", direction="in",
            occurred_at=f"{MONTH}-09 12:00:00", sender=email, body=f"Hilsen {NAMES[i]}")
        add("app_logs", log_id=f"kanari-l{i}", logged_at=f"{MONTH}-09 03:00:00", service="checkout", level="error",
            username=f"kanarien{4711 + i}", ip_address="198.51.100.77", message=f"{NAMES[i]} kanariveien 77")
        add("newsletter_subscriptions", subscription_id=f"kanari-n{i}", email=email, customer_id=who,
            subscribed_at=f"{MONTH}-02 10:00:00", unsubscribed_at=f"{MONTH}-03 10:00:00")
    con.commit()
    con.close()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a published month of the sample shop and the planted people."""
    folder = tmp_path_factory.mktemp("canaries")
    generate(f"sqlite:///{folder / 'shop.db'}", 1_500, 1, date(2026, 10, 31), progress=lambda _: None)
    plant(folder / "shop.db")
    return month(folder / "home", f"sqlite:///{folder / 'shop.db'}")


@pytest.fixture
def con(settings: Settings) -> Iterator[zones.Connection]:
    """What analysts open, beside the shop it was made from."""
    made = zones.memory(settings, ("sqlite_scanner",))
    made.execute(f"ATTACH {zones.literal(str(settings.published / 'analytics.duckdb'))} AS a (READ_ONLY)")
    made.execute(f"ATTACH {zones.literal(settings.warehouse_url.removeprefix('sqlite:///'))} AS shop "
                 "(TYPE sqlite, READ_ONLY)")
    yield made
    made.close()


def rows(con: zones.Connection, sql: str, **values: Any) -> list[Any]:
    return con.execute(sql, values or None).fetchall()


def test_they_are_in_the_warehouse_and_in_the_months_facts(con: zones.Connection) -> None:
    assert rows(con, "SELECT count(*) FROM shop.orders WHERE customer_id LIKE 'kanari-%'") == [(3,)]
    assert rows(con, "SELECT DISTINCT proven FROM a.published.release_info") == [(True,)]


def test_no_text_of_theirs_is_published(settings: Settings, con: zones.Connection) -> None:
    seen: list[str] = []
    for (table,) in rows(con, "SELECT table_name FROM duckdb_tables() WHERE database_name = 'a'"):
        for row in rows(con, f"SELECT * FROM a.published.{table}"):
            seen += [str(value) for value in row]
    for path in (settings.published / "releases").rglob("*"):
        seen.append(path.name)
        if path.suffix in (".json", ".html"):
            seen.append(path.read_text(encoding="utf-8"))
    whole = "\n".join(seen).lower()
    assert [text for text in TEXTS if text.lower() in whole] == []


def test_no_amount_shows_the_one_who_buys_for_more_than_all_the_others(con: zones.Connection) -> None:
    """Every cell that holds the order: the amount is suppressed; nothing published comes near it."""
    place = "postal_region IN ('0', '(all)') AND customer_type IN ('consumer', '(all)')"
    for table, where in (("sales_monthly", place), ("product_demand_monthly", "true")):
        mine = (f"FROM a.published.{table} WHERE month = DATE '{MONTH}-01' AND {where} "
                "AND product_category IN ('(all)', $category)")
        if table == "product_demand_monthly":
            mine += " AND product_id IN ('(all)', $product)"
        product, category = rows(con, "SELECT product_id, p.category FROM shop.order_lines JOIN shop.products AS p "
                                      "USING (product_id) WHERE order_id = 'kanari-o0'")[0]
        values = {"category": category} | ({"product": product} if table == "product_demand_monthly" else {})
        assert rows(con, f"SELECT count(*) > 0, count(revenue_nok), count(units) {mine}", **values) == [(True, 0, 0)]
        assert rows(con, f"SELECT max(revenue_nok) < {HUGE} FROM a.published.{table}") == [(True,)]


def test_every_cell_they_stand_in_is_suppressed_or_stands_on_ten(con: zones.Connection) -> None:
    """Counted from the shop itself, orders of the month by category, region and type, totals too."""
    everybody = rows(con, """
        SELECT DISTINCT c.customer_id, p.category, c.customer_type,
            CASE WHEN c.country IS NOT NULL AND lower(c.country) NOT IN ('no', 'nor', 'norge', 'noreg', 'norway')
                     THEN 'abroad'
                 WHEN coalesce(trim(o.delivery_postal_code), '') = '' THEN 'unknown'
                 WHEN regexp_full_match(trim(o.delivery_postal_code), '[0-9]{4}|[0-9]')
                     THEN left(trim(o.delivery_postal_code), 1) ELSE 'abroad' END
        FROM shop.orders AS o JOIN shop.order_lines AS l USING (order_id) JOIN shop.products AS p USING (product_id)
        LEFT JOIN shop.contacts AS n ON n.contact_id = o.contact_id
        JOIN shop.customers AS c ON c.customer_id = coalesce(o.customer_id, n.customer_id)
        WHERE o.ordered_at LIKE $month AND o.cancelled_at IS NULL AND l.returned_at IS NULL""", month=f"{MONTH}%")
    contributors: dict[tuple[str, str, str], set[str]] = {}
    for who, category, kind, region in everybody:
        for cell in ((a, b, c) for a in (category, "(all)") for b in (region, "(all)") for c in (kind, "(all)")):
            contributors.setdefault(cell, set()).add(who)
    theirs = {cell for cell, people in contributors.items() if any(who.startswith("kanari-") for who in people)}
    alone = {cell for cell in theirs if all(who.startswith("kanari-") for who in contributors[cell])}
    assert alone, "some are unique"
    shown = {row[:3]: row[3:] for row in rows(
        con, "SELECT product_category, postal_region, customer_type, suppressed, orders, units, revenue_nok, customers "
             f"FROM a.published.sales_monthly WHERE month = DATE '{MONTH}-01'")}
    assert any(cell in shown for cell in theirs), "what is not listed shows nothing either"
    for cell in theirs:
        suppressed, *measures = shown.get(cell, (True, None, None, None, None))
        if len(contributors[cell]) < 10:
            assert suppressed, cell
        if suppressed:
            assert measures == [None] * 4, cell
    assert all(shown[cell][0] for cell in alone & shown.keys())


def test_what_few_did_is_suppressed_in_the_other_tables(con: zones.Connection) -> None:
    lines = f"day = DATE '{MONTH}-09' AND service = 'checkout' AND level = 'error'"
    for table, where in (("deliveries_monthly", "postal_region = '9'"), ("service_health_daily", lines),
                         ("communications_monthly", "channel = 'in_person'")):
        time = "day" if table == "service_health_daily" else "month"
        measures = [name for name, column in load_policy(NOTICE).release.tables[table].columns.items()
                    if column.role == "measure"]
        found = rows(con, f"SELECT suppressed, {', '.join(measures)} FROM a.published.{table} "
                          f"WHERE {where} AND {time} >= DATE '{MONTH}-01'")
        assert found, table
        for suppressed, *values in found:
            assert suppressed == (values == [None] * len(values)), table
            assert all(value is None or value >= 10 or name.endswith("days") or value == 0
                       for name, value in zip(measures, values, strict=True)), (table, values)


def test_pycanon_agrees_on_the_microdata(con: zones.Connection) -> None:
    assert_agrees(con, "a.published.customers_microdata", load_policy(NOTICE))


def test_no_row_of_the_microdata_is_theirs_alone(con: zones.Connection) -> None:
    """Whoever knows everything about them finds ten rows or more that may be theirs, or none."""
    tables = {row[0] for row in rows(con, "SELECT table_name FROM duckdb_tables() WHERE database_name = 'a'")}
    if "customers_microdata" not in tables:
        pytest.fail("the shop is large enough for microdata")
    listed = load_policy(NOTICE).quasi_identifiers
    known = [{"customer_type": "consumer", "postal_region": "0", "gender": "f"},
             {"customer_type": "sole_proprietor", "postal_region": "9", "gender": "other"},
             {"customer_type": "business", "postal_region": "abroad", "gender": "unknown"}]
    for person in known:
        conditions = []
        for column, value in person.items():
            way = next(leaf.path for leaf in listed[column] if leaf.path[0] == value)
            conditions.append(f"{column} IN ({', '.join(map(zones.literal, (*way, '*')))})")
        count = rows(con, f"SELECT count(*) FROM a.published.customers_microdata WHERE {' AND '.join(conditions)}")
        assert count[0][0] == 0 or count[0][0] >= 10, person
    sizes = rows(con, f"SELECT min(n) FROM (SELECT count(*) AS n FROM a.published.customers_microdata "
                      f"GROUP BY {', '.join(listed)})")
    assert sizes[0][0] >= 10
