"""The sample shop: the evaluator reads its database itself, the SQL gets it through extraction; both decide the same.

Here the two share nothing but the file, so that the reading of a source is compared too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_file
from tests.decided import MONTH, decided_home

from .casekit import IDENTITY
from .contract import COLUMNS
from .evaluator import evaluate
from .sql import differing, rows_of


def _source_rows(database: Path, table: str) -> Iterator[dict[str, object]]:
    """The rows of a table one by one: millions of them must not stand in memory twice."""
    con = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    cursor = con.execute(f"SELECT * FROM {table}")
    names = [column[0] for column in cursor.description]
    for values in cursor:
        yield dict(zip(names, values, strict=True))
    con.close()


@pytest.mark.parametrize("customers", [600, pytest.param(100_000, marks=pytest.mark.soak)])
def test_the_sample_shop_is_decided_alike(customers: int, tmp_path: Path) -> None:
    """Every row of every decision table, for every person of the shop; at 100,000 some ten minutes and 10 GB."""
    settings = decided_home(tmp_path, customers)
    database = settings.home / "sample" / "shop.db"
    expected = evaluate({table: _source_rows(database, table) for table in COLUMNS}, MONTH)  # type: ignore[misc]
    keys = KeyStore(settings.keys, settings.root_key)
    with zones.open_zone(settings, keys, month_file(settings, MONTH), read_only=True) as con:
        found = [line for table in IDENTITY for line in differing(table, expected.pop(table), rows_of(con, table))]

    assert found[:20] == []
