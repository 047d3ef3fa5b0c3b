"""The privacy boundary: published models see no identifier, and no token outlives the run."""

import re
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.release import gates
from ajprivacy_pipeline.settings import CHECKOUT
from tests.release.release_world import World

SQL = CHECKOUT / "sql"


def reads(path: Path) -> set[str]:
    """The tables a model names, from its text."""
    bare = re.sub(r"--[^\n]*", "", path.read_text())
    return set(re.findall(r"\b(?:raw|staged|control|policy|retention|pseudonymised|anonymous)\.[a-z_]+", bare))


def test_published_models_read_only_anonymous_facts() -> None:
    paths = sorted((SQL / "published").glob("*.sql"))
    assert paths
    for path in paths:
        assert all(read.startswith("anonymous.") for read in reads(path)), path.name
        assert "anonymous.tokens" not in reads(path), path.name


def test_only_anonymous_models_read_tokens() -> None:
    for path in SQL.glob("*/*.sql"):
        if "anonymous.tokens" in reads(path):
            assert path.parent.name == "anonymous"


def test_facts_hold_no_identifier_and_the_token_table_is_dropped(world: World) -> None:
    world.compute()
    found = world.con.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'anonymous'").fetchall()
    tables = {table for (table,) in found}
    assert "tokens" not in tables
    values = world.con.execute(
        "SELECT customer_id FROM staged.customers UNION SELECT order_id FROM staged.orders "
        "UNION SELECT username FROM staged.customers UNION SELECT lower(email) FROM staged.customers").fetchall()
    known = {value for (value,) in values}
    for table in tables:
        for row in world.con.execute(f"SELECT * FROM anonymous.{table}").fetchall():
            assert not known & {value for value in row if isinstance(value, str)}, table


def test_tokens_differ_from_run_to_run_and_within_one_name_one_person(world: World) -> None:
    world.compute()
    first = world.con.execute("SELECT DISTINCT token FROM anonymous.sales").fetchall()
    assert len(first) == 24
    world.compute()
    second = world.con.execute("SELECT DISTINCT token FROM anonymous.sales").fetchall()
    assert not set(first) & set(second)


def test_a_table_of_an_earlier_policy_does_not_linger(world: World) -> None:
    world.compute()
    world.con.execute("CREATE TABLE published.old AS SELECT 1 AS one")
    world.compute()
    assert world.con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'old'").fetchall() == [(0,)]


def test_tokens_are_gone_before_anything_is_suppressed_however_the_run_ends(
        world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> dict[str, int]:
        raise ReleaseError("nothing goes")

    monkeypatch.setattr(gates, "suppress_more", fail)
    with pytest.raises(ReleaseError, match="nothing goes"):
        world.publish()
    assert world.con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'tokens'").fetchall() == [(0,)]
    assert world.con.execute("SELECT count(*) > 0 FROM anonymous.sales").fetchall() == [(True,)]
