"""Since when something is held: each row by its own date, lines by their order's, nothing of others' rows."""

from datetime import date

import pytest

from ajprivacy_pipeline.explain.words import Language
from ajprivacy_pipeline.rights.decided import Month
from ajprivacy_pipeline.rights.held import Extent, Held
from ajprivacy_pipeline.rights.package import Assembler
from ajprivacy_pipeline.rights.requests import Request
from ajprivacy_pipeline.rights.shapes import HeldTable
from ajprivacy_pipeline.rights.wording import Wording
from tests.rights.shop import POLICY, TODAY


def row(table: str, extent: Extent = "own", **values: str) -> Held:
    columns = POLICY.sources.tables[table].columns
    return Held(table, {**dict.fromkeys(columns), **values}, extent, tuple(columns))


def told(*held: Held, kind: str = "access", language: Language = "nb") -> dict[str, HeldTable]:
    request = Request("A", kind, "recorded", date(2026, 11, 20), None, "ready")
    package = Assembler(POLICY, Wording(language), None, Month()).package(request, [], held, {}, TODAY)
    return {table.table: table for table in package.held}


OLD, NEW = (row("orders", order_id=key, ordered_at=at) for key, at in (("1", "2019-03-02 23:59"), ("2", "2020-01-01")))
LINES = [row("order_lines", order_id=f" {key} ", line_number="1") for key in ("1", "2")]


def test_a_row_is_from_its_own_day_and_a_line_from_its_orders() -> None:
    found = told(OLD, NEW, *LINES)
    assert [one.since for one in found["orders"].rows] == ["2019-03-02", "2020-01-01"]
    assert [one.since for one in found["order_lines"].rows] == ["2019-03-02", "2020-01-01"]
    assert found["orders"].since.startswith("Hver oppføring er fra dagen under «Bestilt»; den eldste er fra 2. mars ")
    assert found["order_lines"].since == "Hver linje er fra dagen ordren ble lagt inn; den eldste er fra 2. mars 2019."


@pytest.mark.parametrize(("language", "one", "unknown"), [
    ("nb", "Oppføringen er fra 2. mars 2019.", "Systemene våre viser ikke når vi fikk dette."),
    ("en", "The entry is from 2 March 2019.", "Our systems do not say when we got this.")])
def test_one_row_is_told_by_its_day_and_none_without_one(language: Language, one: str, unknown: str) -> None:
    assert told(OLD, language=language)["orders"].since.startswith(one)
    assert told(row("customers", customer_id="1"), language=language)["customers"].since == unknown
    assert told(OLD, row("orders", order_id="3"))["orders"].since.endswith("viser ikke systemene våre når vi fikk den.")


def test_of_others_rows_and_where_the_day_is_not_shown_nothing_is_said() -> None:
    gift = told(row("orders", "elsewhere", order_id="9", ordered_at="2019-03-02", delivery_name="Kari"))["orders"]
    assert (gift.since, gift.rows[0].since) == ("", None)
    assert told(row("invoices", invoice_id="1", issued_at="2019-03-02", billing_name="Kari"),
                kind="portability")["invoices"].since == ""
