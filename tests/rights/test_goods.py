"""What was bought is told by name where the source has one; of what is taken along the number alone is shown."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.rights.conftest import Say
from tests.rights.shop import Desk


def line(say: Say, out: Path, kind: str) -> dict[str, Any]:
    """The first line of an order in a package, and what its fields are called."""
    code, request, err = say("request", "add", "--kind", kind, "--customer", "1", "--received", "2026-11-20")
    assert code == 0, err
    assert say("request", "verify-identity", request.strip())[0] == 0
    assert say("request", "answer", request.strip(), "--out", str(out))[0] == 0
    told = next(table for table in json.loads((out / "package.json").read_text())["held"]
                if table["table"] == "order_lines")
    assert [field["name"] for field in told["fields"]] == list(told["rows"][0]["values"])
    return {**told["rows"][0]["values"], "labels": [field["label"] for field in told["fields"]]}


def test_an_access_package_names_what_was_bought(say: Say, tmp_path: Path) -> None:
    told = line(say, tmp_path / "out", "access")
    assert list(told)[2:4] == ["product_id", "product_name"]
    assert (told["product_name"], told["labels"][3]) == ("Hev- og senkbord", "Vare")
    for name in ("package.html", "order_lines.csv"):
        assert "Hev- og senkbord" in (tmp_path / "out" / name).read_text()


@pytest.mark.parametrize(("change", "kind"), [
    ("UPDATE products SET name = NULL", "access"), ("UPDATE order_lines SET product_id = NULL", "access"),
    ("DELETE FROM products", "access"), ("SELECT 1", "portability")])
def test_where_no_name_is_known_or_asked_for_the_line_is_as_the_source_has_it(desk: Desk, say: Say, tmp_path: Path,
                                                                             change: str, kind: str) -> None:
    engine = sa.create_engine(desk.settings.warehouse_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(change)
    engine.dispose()
    assert "product_name" not in line(say, tmp_path / "out", kind)
