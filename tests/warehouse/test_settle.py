"""Raw values are rewritten to what they say before anything is staged; what the mapping calls empty is NULL."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.errors import MappingError, SourceError
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.retention.bind import catalogue_of, policy_parameters, prepare
from ajprivacy_pipeline.retention.quality import write_quality
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import layer_models, run_model
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.warehouse.forms import email_key
from ajprivacy_pipeline.warehouse.settle import settle_values
from tests.oracle import sqlshop
from tests.warehouse.shopkit import canonical_sqlite, mapping_file, raw, run

POLICY = load_policy(NOTICE)


def staged(shop: dict[str, list[dict[str, Any]]], folder: Path) -> zones.Connection:
    """A shop, staged and judged."""
    con = zones.memory()
    con.execute("SET threads = 1")
    sqlshop.load_raw(con, {"customers": [], "orders": [], "order_lines": [], **shop}, POLICY)
    prepare(con, POLICY, ControlStore(f"sqlite:///{folder / 'control.db'}"), "2026-10")
    values = policy_parameters(POLICY, "2026-10")
    for model in layer_models(catalogue_of(POLICY), ["staged"]):
        run_model(con, model, values)
    write_quality(con, POLICY)
    return con


def faults(con: zones.Connection) -> list[tuple[Any, ...]]:
    return con.execute("SELECT table_name, id, column_name, fault FROM staged.quality ORDER BY ALL").fetchall()


def order(number: str, **columns: Any) -> dict[str, Any]:
    return {"order_id": number, "customer_id": "c", "ordered_at": "2026-01-02", **columns}


FORMS = {
    "2024-01-31T23:30Z": "2024-02-01", "2024-01-31 23:30:00 +00:00": "2024-02-01",
    "2024-01-31 00:00:00.0000000 +00:00": "2024-01-31", "2024-01-31T23:30:00,123": "2024-01-31",
    "2024W053T2330": "2024-01-31", "2024031": "2024-01-31", " 2024-01-31 23:30:00.250 ": "2024-01-31",
    "2024-01-31T24:00:00": "2024-02-01", "2024-07-31T23:30:00 CET": "2024-08-01",
    "2024-07-31T23:30:00 CEST": "2024-07-31", "2024-01-31T20:00 America/New_York": "2024-02-01",
}


def test_less_common_forms_are_staged_as_local_dates(tmp_path: Path) -> None:
    con = staged({"orders": [order(text, ordered_at=text) for text in FORMS]}, tmp_path)
    found = con.execute("SELECT order_id, ordered_on FROM staged.orders").fetchall()
    assert dict(found) == {text.strip(): date.fromisoformat(local) for text, local in FORMS.items()}


FAULTS = {
    "1753-01-01 00:00:00": "sentinel", "1899-12-30": "sentinel", "1900-01-01T00:00:00Z": "sentinel",
    "1970-01-01 00:00:00": "sentinel", "1970-01-01T00:00:00.000+00:00": "sentinel", "9999-12-31T23:59:59Z": "sentinel",
    "9999-12-31T23:59:59,9 UTC": "sentinel", "9999-12-31 23:59:59.9999999": "sentinel",
    "9999-12-31T24:00:00": "sentinel",
    "2026-01-31T23:30:00+24:00": "unparsable", "2026-01-31T23:30:00+01:60": "unparsable",
    "1979-12-31": "implausible_date", "1980-01-01": None, "2199-12-31": None,
    "2200-01-01": "implausible_date", "2026-13-01": "unparsable", "soon": "unparsable",
}


def test_dates_that_are_none(tmp_path: Path) -> None:
    plain = [order(str(n), cancelled_at=None) for n in range(40)]  # so that the column as a whole still fits
    known = [order(f"k{n}", cancelled_at="2026-01-02") for n in range(40)]
    shop = {"orders": [*(order(text, cancelled_at=text, ordered_at="1980-01-01") for text in FAULTS), *plain, *known]}
    found = {row[1]: row[3] for row in faults(staged(shop, tmp_path)) if row[2] == "cancelled_at"}
    assert found == {text: fault for text, fault in FAULTS.items() if fault}


BIRTHS = {"1900-01-01": None, "1899-12-31": "implausible_date", "1970-01-01": None, "2199-12-31": None,
          "2200-01-01": "implausible_date", "soon": "unparsable"}


def test_births_have_other_years_and_no_sentinels(tmp_path: Path) -> None:
    con = staged({"customers": [{"customer_id": text, "customer_type": "consumer", "birth_date": text}
                                for text in BIRTHS]}, tmp_path)
    assert {row[1]: row[3] for row in faults(con)} == {text: fault for text, fault in BIRTHS.items() if fault}
    faulty = con.execute("SELECT customer_id, is_birth_date_faulty FROM staged.customers").fetchall()
    assert dict(faulty) == {text: fault is not None for text, fault in BIRTHS.items()}


ENDS = [  # table, its row, the end, the beginning in the same row
    ("orders", {"customer_id": "c"}, "delivered_at", "ordered_at"),
    ("orders", {"customer_id": "c"}, "completed_at", "ordered_at"),
    ("orders", {"customer_id": "c"}, "paid_at", "ordered_at"),
    ("orders", {"customer_id": "c"}, "cancelled_at", "ordered_at"),
    ("order_lines", {"line_number": "1"}, "delivered_at", None),
    ("order_lines", {"line_number": "1"}, "returned_at", None),
    ("cases", {"customer_id": "c"}, "closed_at", "opened_at"),
    ("invoices", {"customer_id": "c", "amount": "1"}, "settled_at", "issued_at"),
    ("customers", {"customer_type": "consumer"}, "profile_closed_at", "profile_created_at"),
    ("contacts", {"customer_id": "c"}, "deactivated_at", "created_at"),
    ("rights_requests", {"kind": "access"}, "closed_at", "received_at")]
AROUND = {"2025-12-02": False, "2025-12-01": True, "2026-01-03": False}


def test_an_end_long_before_its_beginning_is_a_fault_of_the_end(tmp_path: Path) -> None:
    shop: dict[str, list[dict[str, Any]]] = {}
    expected = set()
    for table, row, end, beginning in ENDS:
        for day, is_fault in AROUND.items():
            key = f"{table}.{end}|{day}"
            begun = {beginning: "2026-01-02 12:00:00"} if beginning else {}
            shop.setdefault(table, []).append({POLICY.sources.tables[table].key[0]: key, **row, end: day, **begun})
            if table == "order_lines":
                shop.setdefault("orders", []).append(order(key))
            expected |= {(table, f"{key}:1" if table == "order_lines" else key, end)} if is_fault else set()
    con = staged(shop, tmp_path)
    assert {row[:3] for row in faults(con) if row[3] == "end_before_beginning"} == expected
    for table, _, end, _ in ENDS:
        key, column = POLICY.sources.tables[table].key[0], end.replace("_at", "_on")
        kept = dict(con.execute(f"SELECT {key}, {column} FROM staged.{table} WHERE {key} LIKE "
                                f"'{table}.{end}|%'").fetchall())
        assert kept == {f"{table}.{end}|{day}": None if is_fault else date.fromisoformat(day)
                        for day, is_fault in AROUND.items()}


def test_a_beginning_that_is_a_fault_itself_begins_nothing(tmp_path: Path) -> None:
    con = staged({"orders": [order("o", ordered_at="2200-01-01", paid_at="2026-01-01")]}, tmp_path)
    assert faults(con) == [("orders", "o", "customer_id", "orphan"), ("orders", "o", "ordered_at", "implausible_date")]


def test_a_guest_has_no_number_and_no_fault(tmp_path: Path) -> None:
    con = staged({
        "customers": [{"customer_id": "c", "customer_type": "consumer"}],
        "contacts": [{"contact_id": "k", "customer_id": "c"}],
        "orders": [order("guest", customer_id=None), order("half", customer_id=None, contact_id="k"),
                   order("unlinked", customer_id="anonymised-consumer")],
        "invoices": [{"invoice_id": "i", "issued_at": "2026-01-02", "amount": "1"}],
        "cases": [{"case_id": "guests", "order_id": "guest", "opened_at": "2026-01-02"},
                  {"case_id": "halfs", "order_id": "half", "opened_at": "2026-01-02"},
                  {"case_id": "unlinkeds", "order_id": "unlinked", "opened_at": "2026-01-02"},
                  {"case_id": "contacts", "order_id": "guest", "contact_id": "k", "opened_at": "2026-01-02"},
                  {"case_id": "alone", "opened_at": "2026-01-02"}]}, tmp_path)
    assert faults(con) == [(*record, "customer_id", "missing") for record in (
        ("cases", "alone"), ("cases", "contacts"), ("cases", "halfs"), ("cases", "unlinkeds"), ("orders", "half"))]


def test_faults_of_columns_that_no_rule_reads_freeze_nothing(tmp_path: Path) -> None:
    con = staged({
        "customers": [{"customer_id": "c", "customer_type": "consumer", "updated_at": "soon", "birth_date": "soon"}],
        "orders": [order("o", updated_at="soon")],
        "order_lines": [{"order_id": "o", "line_number": "1", "quantity": "many", "unit_price": "much"}],
        "invoices": [{"invoice_id": "i", "customer_id": "c", "issued_at": "2026-01-02", "amount": "1",
                      "due_at": "soon"}],
        "cases": [{"case_id": "a", "customer_id": "c", "opened_at": "2026-01-02", "kind": "quarrel"}]}, tmp_path)
    assert len(faults(con)) == 7
    assert con.execute("FROM staged.quality WHERE freezes").fetchall() == []


@pytest.mark.parametrize(("bad", "good", "stops"), [(11, 10, True), (10, 10, False), (10, 9, False), (30, 0, True)])
def test_a_column_of_which_most_does_not_fit_stops_the_run(bad: int, good: int, stops: bool, tmp_path: Path) -> None:
    texts = ["31.01.2026"] * bad + ["2026-01-31"] * good
    shop = {"orders": [order(str(n), completed_at=text) for n, text in enumerate(texts)]}
    if stops:
        said = rf"orders\.completed_at: {bad} of {bad + good} values.*ISO 8601"
        with pytest.raises(SourceError, match=said) as error:
            staged(shop, tmp_path)
        assert "31.01.2026" not in str(error.value)
    else:
        staged(shop, tmp_path)


def test_sentinels_count_as_faults_of_reading_and_name_the_way_out(tmp_path: Path) -> None:
    shop = {"orders": [order(str(n), completed_at="1753-01-01") for n in range(20)]}
    with pytest.raises(SourceError, match=r"orders\.completed_at: 20 of 20 .*empty = \["):
        staged(shop, tmp_path)


def test_ends_before_their_beginnings_are_values_and_stop_nothing(tmp_path: Path) -> None:
    staged({"orders": [order(str(n), completed_at="2020-01-01") for n in range(40)]}, tmp_path)


EMPTY = """
[tables.orders.columns]
customer_id = { empty = ["0"] }
cancelled_at = { column = "cancelled_at", empty = ["1753-01-01", "n/a"] }
paid_at = { column = "paid_at", empty_before_beginning = true }
[tables.order_lines.columns]
returned_at = { column = "returned_at", empty_before_beginning = true }
"""


def test_the_mapping_says_what_is_empty(tmp_path: Path) -> None:
    url = canonical_sqlite(tmp_path / "shop.db", {
        "customers": [{"customer_id": "c", "customer_type": "consumer"}],
        "orders": [order("1", customer_id="0", cancelled_at="1753-01-01 00:00:00", paid_at="2025-12-01"),
                   order("2", customer_id="00", cancelled_at=" n/a ", paid_at="2025-12-02"),
                   order("3", cancelled_at="1753-01-02", paid_at=None)],
        "order_lines": [{"order_id": "1", "line_number": 1, "returned_at": "2025-11-01"},
                        {"order_id": "1", "line_number": 2, "returned_at": "2026-11-01"}]})
    mapping, con = mapping_file(tmp_path, EMPTY), zones.memory()
    run(con, url, mapping)
    for _ in range(2):  # again changes nothing
        settle_values(con, POLICY, mapping)
        assert raw(con, "orders", "order_id", "customer_id", "cancelled_at", "paid_at") == [
            ("1", None, None, None), ("2", "00", None, "2025-12-02"), ("3", "c", "1753-01-02", None)]
        assert raw(con, "order_lines", "line_number", "returned_at") == [("1", None), ("2", "2026-11-01")]


@pytest.mark.parametrize(("text", "message"), [
    ('[tables.orders.columns]\ncancelled_at = { absent = "no", empty = ["x"] }', "so nothing of it is empty"),
    ("[tables.orders.columns]\nordered_at = { empty_before_beginning = true }", "is the end of nothing"),
    ('[tables.customers.columns]\ncustomer_id = { empty = ["0"] }', "none of its ids may be empty"),
    ('[tables.orders.columns]\npaid_at = { column = "a", sql = "b" }', 'write "source_column"')])
def test_what_the_mapping_may_not_say(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=message):
        mapping_file(tmp_path, text)


def test_addresses_meet_by_their_keys(tmp_path: Path) -> None:
    addresses = ["kari@x.example", "KARI@X.example", "mailto:kari@x.example", "\u212aari@x.example", "no address",
                 "kari@xn--bcher-kva.example", "Kari <kari@x.example>", "kari@x@y", "kari@xn--bb0c.example"]
    con = staged({"customers": [{"customer_id": str(n), "customer_type": "consumer", "email": email}
                                for n, email in enumerate(addresses)]}, tmp_path)
    found = con.execute("SELECT email_key FROM staged.customers ORDER BY customer_id").fetchall()
    assert [key for (key,) in found] == [email_key(email) for email in addresses]


@pytest.mark.parametrize("nothing", [
    *(pytest.param(nothing, marks=pytest.mark.soak) for nothing in ("NULL", "''")), "'  '"])
def test_an_expression_without_a_value_feeds_no_evidence(nothing: str, tmp_path: Path) -> None:
    url = canonical_sqlite(tmp_path / "shop.db", {
        "customers": [{"customer_id": "c", "customer_type": "consumer", "last_login_at": None}],
        "orders": [order("o")], "order_lines": []})
    mapping = mapping_file(tmp_path, '[tables.customers.columns]\nprofile_created_at = { sql = "' + nothing + '" }\n'
                                     'last_login_at = { column = "last_login_at" }\n')
    assert run(zones.memory(), url, mapping)["customers"].evidence_missing == ("profile_created_at",)


EMPTIED = '[tables.order_lines.columns]\nproduct_id = {{ {feed}, empty = ["0", "-"] }}\n'


@pytest.mark.parametrize("feed", ['column = "product_id"', pytest.param('sql = "product_id"', marks=pytest.mark.soak)])
@pytest.mark.parametrize(("given", "emptied"), [
    (["0", "-", " 0 "], True), (["0", None], True), (["0", "1"], False), ([None, None], False), ([], False)])
def test_what_the_mapping_empties_throughout_is_not_mapped(given: list[str | None], emptied: bool, feed: str,
                                                           tmp_path: Path) -> None:
    lines = [{"order_id": "o", "line_number": str(n), "product_id": product} for n, product in enumerate(given)]
    url = canonical_sqlite(tmp_path / "shop.db", {"customers": [{"customer_id": "c"}], "orders": [order("o")],
                                                  "order_lines": lines})
    con, mapping = zones.memory(), mapping_file(tmp_path, EMPTIED.format(feed=feed))
    already = run(con, url, mapping)["order_lines"].evidence_missing
    assert already == (("product_id",) if feed.startswith("sql") and set(given) == {None} else ())

    assert settle_values(con, POLICY, mapping) == ({"order_lines": ("product_id",)} if emptied else {})
    assert settle_values(con, POLICY, mapping) == {}  # nothing is left to be emptied, and what is known stays
    noted = con.execute("SELECT evidence_missing FROM raw.extraction WHERE table_name = 'order_lines'").fetchall()
    assert noted == [(["product_id"] if emptied else list(already),)]


def test_an_emptied_column_that_is_no_evidence_stays_mapped(tmp_path: Path) -> None:
    url = canonical_sqlite(tmp_path / "shop.db", {"customers": [{"customer_id": "c"}], "order_lines": [],
                                                  "orders": [order("o", cancelled_at="1753-01-01")]})
    con = zones.memory()
    mapping = mapping_file(tmp_path, '[tables.orders.columns]\n'
                                     'cancelled_at = { column = "cancelled_at", empty = ["1753-01-01"] }\n')
    run(con, url, mapping)
    assert settle_values(con, POLICY, mapping) == {}


def test_faults_are_found_in_an_empty_shop_too(tmp_path: Path) -> None:
    con = staged({}, tmp_path)
    assert write_quality(con, POLICY) == 0
