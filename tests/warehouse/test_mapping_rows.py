"""`mapping check --rows`: what the rows tell about a mapping, in counts alone, as a run would find it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ajprivacy_pipeline.cli.main import app
from ajprivacy_pipeline.errors import PrivacyError
from tests.warehouse.shopkit import SOURCES, canonical_sqlite, connect, fresh_database

CANARY = "canary-0471"
Shop = dict[str, list[dict[str, Any]]]
Home = Callable[..., Result]


def shop(bad: int, good: int, column: str = "cancelled_at", value: str = CANARY) -> Shop:
    """Orders of which so many have a value that cannot be read."""
    return {"customers": [{"customer_id": "1", "customer_type": "consumer", "profile_created_at": "2020-01-01",
                           "last_login_at": "2021-01-01"}],
            "orders": [{"order_id": str(n), "customer_id": "1", "ordered_at": "2021-01-01",
                        column: value if n < bad else "2021-01-02"} for n in range(bad + good)],
            "order_lines": [{"order_id": "0", "line_number": "1", "product_id": "0"}]}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def check(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Runs the command on a shop in either kind of database."""
    def run(rows: Shop, mapping: str = "", *arguments: str) -> Result:
        url = (canonical_sqlite(tmp_path / "shop.db", rows) if request.param == "sqlite" else
               _postgres(request.getfixturevalue("postgres_url"), rows))
        (tmp_path / "mapping.toml").write_text(mapping, encoding="utf-8")
        monkeypatch.setenv("AJPRIVACY_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("AJPRIVACY_WAREHOUSE", url)
        monkeypatch.setenv("AJPRIVACY_MAPPING", str(tmp_path / "mapping.toml"))
        found = CliRunner().invoke(app, ["mapping", "check", "--rows", *arguments])
        assert CANARY not in found.output + str(found.exception)
        assert not [*(tmp_path / "home").rglob("*.duckdb"), *(tmp_path / "home").rglob("check-*")]
        assert not (tmp_path / "home" / "control" / "control.db").exists()
        return found
    return run


def _postgres(server: str, rows: Shop) -> str:
    url = fresh_database(server, "mapped_rows")
    with connect(url) as shop:
        for name, table in SOURCES.tables.items():
            shop.execute(f"CREATE TABLE {name} ({', '.join(f'{column} text' for column in table.columns)})")
            for row in rows.get(name, []):
                shop.execute(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})",
                             list(row.values()))
    return url


def stops(found: Result) -> bool:
    """Whether the command ends with 2; `main` makes that of every error of ours."""
    return isinstance(found.exception, PrivacyError)


def lines(found: Result, level: str) -> list[str]:
    return [line.removeprefix(level).strip() for line in found.stdout.splitlines() if line.startswith(level)]


FORMS = ("what is read: moments of ISO 8601 (2026-01-31, 2026-01-31 23:30:00, 2026-01-31T23:30:00+01:00, 20260131, "
         "2026-W05-6), within the policy's plausible years")
REMEDY = 'or feed it from { sql = "..." } in the mapping'


def test_a_column_that_does_not_fit_as_a_whole_is_a_fault(check: Home) -> None:
    found = check(shop(11, 9))

    assert stops(found)
    assert lines(found, "fault") == [f"orders.cancelled_at: 11 of 20 values do not fit; {FORMS}; {REMEDY}"]


@pytest.mark.parametrize(("bad", "good"), [(10, 10), (19, 0)])
def test_up_to_half_or_fewer_than_20_stop_nothing(bad: int, good: int, check: Home) -> None:
    found = check(shop(bad, good))

    assert found.exit_code == 0, found.output
    assert lines(found, "fault") == []
    says = f"orders.cancelled_at: {bad} of {bad + good} values do not fit; {FORMS}; {REMEDY}"
    assert says in lines(found, "dangerous")


def test_sentinels_are_counted_and_empty_is_named(check: Home) -> None:
    rows = shop(25, 5, value="1753-01-01")
    says = ('25 of them stand for "no date": say so with tables.orders.columns.cancelled_at = '
            '{ column = "...", empty = [...] }')
    assert lines(check(rows), "fault") == [
        f"orders.cancelled_at: 25 of 30 values do not fit; {FORMS}; {says}; {REMEDY}"]


def test_what_the_mapping_calls_empty_is_no_fault(check: Home) -> None:
    found = check(shop(25, 5, value="1753-01-01"),
                  '[tables.orders.columns]\ncancelled_at = { column = "cancelled_at", empty = ["1753-01-01"] }')

    assert found.exit_code == 0, found.output
    assert not [line for line in found.stdout.splitlines() if "do not fit" in line]


@pytest.mark.parametrize("feed", [
    '{ column = "product_id", empty = ["0"] }',
    pytest.param('{ sql = "product_id", empty = ["0"] }', marks=pytest.mark.soak),
    '{ sql = "nullif(product_id, \'0\')" }'])
def test_a_mapping_that_leaves_no_evidence_says_so(feed: str, check: Home) -> None:
    found = check(shop(0, 1), f"[tables.order_lines.columns]\nproduct_id = {feed}")

    assert found.exit_code == 0, found.output
    assert lines(found, "evidence") == [
        ("order_lines.product_id: the mapping leaves no value in any row, and it is evidence for keeping: nothing will "
         'be due; fix tables.order_lines.columns.product_id, or write { absent = "reason" }')]


def test_json_holds_the_same(check: Home) -> None:
    found = check(shop(11, 9), "", "--json")

    assert stops(found)
    faults = [finding for finding in json.loads(found.stdout) if finding["level"] == "fault"]
    assert [(fault["table"], fault["column"], list(fault)) for fault in faults] == [
        ("orders", "cancelled_at", ["level", "table", "column", "message", "rank"])]


def test_ids_that_stop_a_run_stop_the_check(check: Home) -> None:
    rows = shop(0, 2)
    rows["orders"][1]["order_id"] = rows["orders"][0]["order_id"]
    found = check(rows)

    assert stops(found)
    assert "orders.order_id: 1 row(s) repeat an id" in str(found.exception)


def test_a_fault_of_the_mapping_is_said_before_any_row_is_read(check: Home) -> None:
    rows = shop(11, 9)
    found = check(rows, '[tables.orders.columns]\npaid_at = "paid"')

    assert stops(found)
    assert [line[:14] for line in lines(found, "fault")] == ["orders.paid_at"]
