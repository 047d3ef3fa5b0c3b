"""Every query of docs/analysts.md runs, on a small release, and gives rows."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage.zones import Connection, memory
from tests.release.release_world import World, fill, months, register, shop_rows

DOCUMENT = (Path(__file__).resolve().parent.parent.parent / "docs" / "analysts.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sql|python)\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)
SQL = [text for language, text in BLOCKS if language == "sql"]
PYTHON = [text for language, text in BLOCKS if language == "python"]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one release of three months: four regions of many orders and one of few."""
    world = World(tmp_path_factory.mktemp("analysts"))
    rows = shop_rows()
    rows["customers"] += [{**one, "customer_id": f"M{one['customer_id']}"} for one in register(("1", "2", "3"))]
    for first in months("2024-03"):
        rows["orders"] += [{"order_id": f"M{first:%m}{i}", "customer_id": f"C{i % 30}", "ordered_on": first,
                            "currency": "NOK", "delivery_postal_code": f"{1 + i // 12}150"} for i in range(36)]
        rows["communications"] += [{"communication_id": f"P{first:%m}{i}", "customer_id": f"C{i}", "direction": "in",
                                    "channel": "phone", "occurred_on": first} for i in range(24, 30)]
        rows["order_lines"] += [{"order_id": f"M{first:%m}{i}", "line_number": 1, "product_id": "P1", "quantity": 1,
                                 "unit_price": 100} for i in range(36)]
    fill(world.con, rows)
    world.publish("2024-03")
    world.con.close()
    return world.settings.home


@pytest.fixture
def con(home: Path) -> Iterator[Connection]:
    """The published file as an analyst opens it."""
    con = memory()
    con.execute(f"ATTACH '{home / 'published' / 'analytics.duckdb'}' AS analytics (READ_ONLY)")
    con.execute("USE analytics")
    yield con
    con.close()


def test_there_are_ten_queries_in_both_languages() -> None:
    assert len(re.findall(r"^### \d+\. ", DOCUMENT, re.MULTILINE)) == 10
    assert len(SQL) == 9
    assert len(PYTHON) == 4


@pytest.mark.parametrize("query", SQL, ids=[f"query {number}" for number in range(1, len(SQL) + 1)])
def test_a_query_runs_and_gives_rows(con: Connection, query: str) -> None:
    assert con.execute(query).fetchall()


def test_python_blocks_run_one_after_another(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    names: dict[str, Any] = {}
    for block in PYTHON:
        names.pop("result", None)
        exec(compile(block, "docs/analysts.md", "exec"), names)  # noqa: S102 - the document's own blocks
        assert isinstance(names["result"], pd.DataFrame)
        assert len(names["result"])
    names["con"].close()


def test_suppression_bites_where_the_document_says(con: Connection) -> None:
    """Queries 5 and 7: regions are suppressed, and returns of categories."""
    regions = con.execute(SQL[4]).fetchall()
    assert all(suppressed >= 1 and (shown or 0) <= total for _, _, suppressed, shown, total in regions)
    assert any(returned is None for _, _, _, returned, _, _ in con.execute(SQL[6]).fetchall())


def test_every_view_has_a_line_in_the_document_and_shows_rows_of_its_table(con: Connection) -> None:
    """The totals that a view leaves out are those that queries 3 to 7 ask for by hand."""
    views = load_policy(NOTICE).release.views
    assert {row[0] for row in con.execute("SELECT view_name FROM duckdb_views() WHERE database_name = 'analytics'")
            .fetchall()} == set(views)
    assert set(re.findall(r"^\| `([a-z_]+_by_[a-z_]+)`", DOCUMENT, re.MULTILINE)) == set(views)
    by_hand = con.execute(SQL[2]).fetchall()
    assert con.execute("SELECT month, orders, units, revenue_nok, customers FROM published.sales_by_month "
                       "ORDER BY month").fetchall() == by_hand
    shown = con.execute("SELECT month, count(*), count(*) FILTER (suppressed) FROM published.sales_by_region "
                        "GROUP BY month ORDER BY month").fetchall()
    assert shown == [row[:3] for row in con.execute(SQL[4]).fetchall()]
    assert con.execute("SELECT DISTINCT product_id = '(all)' FROM published.demand_by_product").fetchall() == [(False,)]
    assert "customer_type" not in con.execute("SELECT * FROM published.sales_by_category").fetchnumpy()


def test_every_table_and_column_of_the_document_is_published(con: Connection) -> None:
    """A table that is renamed is found here, not by an analyst."""
    there = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert set(re.findall(r"published\.([a-z_]+_(?:monthly|daily)|data_dictionary|release_info)", DOCUMENT)) <= there
