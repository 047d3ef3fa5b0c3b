"""What values add to a draft, and take from it; and that none of them leaves the process."""

import random
import re
import sqlite3
import tomllib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ajprivacy_pipeline.cli.main import app
from ajprivacy_pipeline.warehouse.draft import draft
from ajprivacy_pipeline.warehouse.sampled import shape_of
from ajprivacy_pipeline.warehouse.source import open_source
from tests.recipes.facts import facts
from tests.recipes.many import many
from tests.warehouse.shopkit import SOURCES, connect, fresh_database
from tests.warehouse.test_draft import LEAST, MOST_WRONG, OF_SHOPS, SCHEMAS, SHOPS, THERE, bare, judged, statements

TODAY = date(2026, 11, 1)
Rows = Iterable[tuple[str, dict[str, Any]]]
# An order's e-mail address has a name of its own in each; no name of ours says that it is where the goods go.
BY_VALUES = {"woocommerce": {"orders": {"delivery_email": "billing_email"}},
             "magento": {"orders": {"delivery_email": "customer_email"}},
             "opencart": {"orders": {"delivery_email": "email", "delivery_phone": "telephone"}}}
# What a column of a public schema holds, by a word of its name.
_HOLDS = (
    ("mail$", "kari{at}@post.example"), ("phone|telefon|fax", "+47 22 {at} 55 {at}"), ("birth|geburt", "19{at}-01-11"),
    ("date|angelegt|storniert|fällig|datum", "20{at}-02-11"), ("postal|postcode|plz", "01{at}"),
    ("^ip$", "10.1.{at}.7"), ("country$|^land", "Norway"), ("user_agent", "Mozilla/5.0 (X) {at}"),
    ("currency|währung", "NOK"), ("amount|price|total|summe|betrag|preis", "{at}.50"),
    ("address|strasse", "Storgata {at}"), ("", "noe som {at}"))


def _held(schema: dict[str, str]) -> Rows:
    """Sixty rows of each table of a public schema, by what its columns are for."""
    for table, columns in schema.items():
        names = [name.partition(":")[0] for name in columns.split()]
        for at in range(10, 70):
            yield table, {name: at if re.search("(?i)(id|nr)$", name) else next(
                value.format(at=at) for word, value in _HOLDS if re.search(f"(?i){word}", name)) for name in names}


def _filled(path: Path, tables: Iterable[str], rows: Rows) -> str:
    with sqlite3.connect(path) as shop:
        for statement in tables:
            shop.execute(statement)
        for table, row in rows:
            columns = ", ".join(f'"{name}"' for name in row)
            shop.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({", ".join("?" * len(row))})', list(row.values()))
    shop.close()
    return f"sqlite:///{path}"


def _drafted(url: str, *, values: bool) -> tuple[str, dict[str, dict[str, str]]]:
    with open_source(url) as source:
        text = draft(source, SOURCES, today=TODAY if values else None)
    return text, {name: {"": entry["table"], **entry["columns"]}
                  for name, entry in tomllib.loads(text).get("tables", {}).items()}


@pytest.mark.parametrize("name", [*SCHEMAS, *SHOPS])
def test_more_is_found_with_values_and_hardly_anything_is_wrong(name: str, tmp_path: Path) -> None:
    if name in SHOPS:
        shop, dialect = SHOPS[name]
        tables, there, rows = bare(shop.TABLES, dialect), OF_SHOPS[name], shop.rows(shop.held(facts(many(100, 3))))
    else:
        tables, there, rows = statements(SCHEMAS[name]), THERE[name], _held(SCHEMAS[name])
    there = {table: columns | BY_VALUES.get(name, {}).get(table, {}) for table, columns in there.items()}
    url = _filled(tmp_path / "shop.db", tables, rows)
    _, found_before, wrong_before = judged(name, _drafted(url, values=False)[1], there)
    wanted, found, wrong = judged(f"{name}, values", _drafted(url, values=True)[1], there)
    assert found >= max(found_before, LEAST * wanted)
    assert wrong <= min(wrong_before, MOST_WRONG * wanted)


_FOREIGN = ["""CREATE TABLE kunder (kundenr integer, navn text, epost text, felt7 text, felt8 text, telefon text,
                felt9 text, felt10 text, felt11 date, felt12 text, felt13 text, oppdatert text, opprettet text)""",
            "CREATE TABLE ordrer (ordrenr integer, kundenr integer, ordredato text, betalt text, felt1 text)",
            "CREATE TABLE logg_fra_1998 (a text, b text)"]


def _foreign(person: str = "kari") -> Rows:
    draw = random.Random(5)
    for at in range(80):
        yield "kunder", {
            "kundenr": at, "navn": f"{person} {at}", "epost": "JN"[at % 2], "felt7": f"{person}{at}@post.example",
            "felt8": f"0{draw.randint(150, 999)}", "telefon": "privat", "felt9": f"+47 90 {at % 80 + 10} 33 22",
            "felt10": f"A-{at}", "felt11": f"{1940 + at % 50}-03-11",
            "felt12": ("consumer", "business")[at % 2], "felt13": f"DE{at:09}", "oppdatert": "2024-01-31 10:00:00",
            "opprettet": f"{2001 + at % 20}-01-31"}
        yield "ordrer", {"ordrenr": at, "kundenr": at, "ordredato": "2024-02-01", "betalt": "JN"[at % 2],
                         "felt1": f"{person}{at % 4}@post.example"}
        yield "logg_fra_1998", {"a": f"{person}{at}@post.example", "b": "sendt"}


def test_fields_whose_names_say_nothing_or_something_else(tmp_path: Path) -> None:
    text, found = _drafted(_filled(tmp_path / "shop.db", _FOREIGN, _foreign()), values=True)
    assert found["customers"] == {
        "": "kunder", "customer_id": "kundenr", "customer_type": "felt12", "name": "navn", "email": "felt7",
        "postal_code": "felt8", "phone": "felt9", "birth_date": "felt11", "organisation_number": "felt13",
        "profile_created_at": "opprettet", "updated_at": "oppdatert"}
    assert 'email = "felt7"  # by what its values look like' in text
    assert found["orders"] == {"": "ordrer", "order_id": "ordrenr", "customer_id": "kundenr", "ordered_at": "ordredato"}
    assert '# ?? paid_at = "..."  # timestamp; required; not betalt, whose values look otherwise' in text
    assert "# ?? e-mail addresses stand in logg_fra_1998.a\n" in text
    assert found["customers"] != _drafted(f"sqlite:///{tmp_path / 'shop.db'}", values=False)[1]["customers"]


def test_where_several_columns_look_so_none_is_taken(tmp_path: Path) -> None:
    url = _filled(tmp_path / "shop.db", ["CREATE TABLE kunder (kundenr integer, a text, b text)"], [
        ("kunder", {"kundenr": at, "a": f"a{at}@x.example", "b": f"b{at}@x.example"}) for at in range(9)])
    text, found = _drafted(url, values=True)
    assert found["customers"] == {"": "kunder", "customer_id": "kundenr"}
    assert '# ?? email = "..."  # email; optional; values of a, b look so' in text


@pytest.mark.parametrize("values", [True, False])
def test_no_value_leaves_the_process(values: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                     caplog: pytest.LogCaptureFixture) -> None:
    """Not in the file, not on the screen, not in a log; and they tell nothing where nobody allowed it."""
    url = _filled(tmp_path / "shop.db", _FOREIGN, _foreign("kanarifugl"))
    monkeypatch.setenv("AJPRIVACY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AJPRIVACY_WAREHOUSE", url)
    caplog.set_level(0)
    done = CliRunner().invoke(app, ["mapping", "init", *(["--values"] if values else [])])
    assert done.exit_code == 0, done.output
    written = "".join(path.read_text(encoding="utf-8", errors="replace")
                      for path in (tmp_path / "home").rglob("*") if path.is_file())
    assert ('felt7"  #' in written) is values
    for said in (written, done.output, caplog.text):
        assert "kanarifugl" not in said
        assert "post.example" not in said
    again = CliRunner().invoke(app, ["mapping", "init", "--force", "--recipe", "auto", "--values"])
    assert "--values belongs to a draft without --recipe" in str(again.exception)


def test_a_table_without_texts_has_no_values_to_look_at(tmp_path: Path) -> None:
    text, _ = _drafted(_filled(tmp_path / "shop.db", ["CREATE TABLE kunder (kundenr integer)"], []), values=True)
    assert "did not let" not in text


def test_a_table_whose_values_cannot_be_read_is_drafted_by_names(postgres_url: str) -> None:
    """A view that cannot be read without an error, which quotes a value."""
    url = fresh_database(postgres_url, "draft_refused")
    with connect(url) as shop:
        shop.execute("CREATE TABLE ordrer (ordrenr integer, kundenr integer, merknad text, adr inet)")
        shop.execute("INSERT INTO ordrer SELECT n, n, 'kanarifugl', '10.0.0.1' FROM generate_series(1, 30) AS n")
        shop.execute("CREATE VIEW kunder AS SELECT ordrenr AS kundenr, merknad::integer::text AS navn FROM ordrer")
        shop.execute("CREATE TABLE brev (til varchar(60))")
        shop.execute("INSERT INTO brev SELECT n || '@post.example' FROM generate_series(1, 30) AS n")
    text, found = _drafted(url, values=True)
    assert found["customers"] == {"": "kunder", "customer_id": "kundenr", "name": "navn"}
    assert "# the source did not let its values be looked at\n[tables.customers.columns]" in text
    assert "kanarifugl" not in text
    assert "# ?? e-mail addresses stand in brev.til\n" in text


@pytest.mark.parametrize(("values", "shape"), [
    (["k{at}@x.example"], "email"), (["k{at}@lokalt"], None), (["alle@x.example"], None), (["+479011{at}"], "phone"),
    (["22 33 44 {at:02}"], "phone"), (["911223{at:02}"], None), (["59012345678{at:02}"], None),
    (["1234567{at:02}"], None), (["01{at:02}"], "postal_code"), (["{at:02}3 11"], "postal_code"),
    (["D-101{at:02}"], "postal_code"), (["19{at:02}"], None), (["{at}"], None), (["{at},50"], None), ([""], None),
    (["2024-01-{at:02} 10:00:00"], "moment"), (["0000-00-00"], "moment"), (["19{at}-05-17"], "birth_date"),
    (["20{at:02}-05-17"], "moment"), (["{at:02}:15:00"], None), (["192.168.0.{at}"], "ip_address"),
    (["2001:db8::{at}"], "ip_address"), (["NO 9747606{at:02} MVA"], "organisation_number"),
    (["333552728", "366743553", "309934385", "343125216", "376316041"], "organisation_number"),
    (["992099-0000", "992199-1007", "992299-2004", "992399-3001", "992499-4008"], "organisation_number"),
    (["10815001104", "11825102290", "12835203377", "13845304453", "14855405610"], "national_identity_number"),
    (["NOK"], "currency"), (["NO"], "country"), (["Norge", "Sverige"], "country"), (["no", "en"], None)])
def test_what_values_look_like(values: list[str], shape: str | None) -> None:
    given = [text.format(at=at) for at in range(10, 32) for text in values]
    assert shape_of(given, TODAY) == shape
    assert shape_of(given[:4], TODAY) is None
