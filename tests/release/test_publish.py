"""`ajprivacy releases publish`: the tables in PostgreSQL and SQLite, whole or not at all, and never outside the EEA."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.release import sql_copy as module
from ajprivacy_pipeline.release.destination import destination_of
from ajprivacy_pipeline.release.inspect import open_release
from ajprivacy_pipeline.release.sql_copy import PublishResult, publish, publishable
from ajprivacy_pipeline.settings import Settings
from tests import forked
from tests.release.release_world import World, all_but, tree
from tests.warehouse.shopkit import connect, fresh_database

PASSWORD = "Zq9-geheimnis"  # marks what must be in no message


@pytest.fixture(scope="module")
def left_out() -> tuple[str, ...]:
    """Two tables are enough to be sent."""
    return all_but("sales_monthly", "service_health_daily")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty destination of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'analysts.db'}"
    return fresh_database(request.getfixturevalue("postgres_url"), "analysts")


@pytest.fixture
def proven(published: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose releases count as proven; everything else about them is verified as ever."""
    def as_proven(settings: Settings, month: str) -> Any:
        release = open_release(settings, month)
        return replace(release, manifest={**release.manifest, "proven": True})

    monkeypatch.setattr(module, "open_release", as_proven)
    return published


def to(world: World, url: str, country: str | None = "NO", **more: Any) -> Settings:
    return replace(world.settings, publish_url=url, publish_country=country, **more)


def send(world: World, url: str, **more: Any) -> PublishResult:
    return publish(to(world, url, **more), world.policy)


def ask(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Rows by another program's own driver; `{}` is where the tables are."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as con:
            found = con.execute(sql.format("")).fetchall()
        con.close()
        return found
    with connect(url) as con:
        return con.execute(sql.format("published.")).fetchall()


def do(url: str, sql: str) -> None:
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as con:
            con.execute(sql.format(""))
        con.close()
    else:
        with connect(url) as con:
            con.execute(sql.format("published."))


def everything(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every table there with its rows; a list is text with commas in both."""
    engine = sa.create_engine(url)
    schema = None if url.startswith("sqlite") else "published"
    names = sa.inspect(engine).get_table_names(schema=schema)
    engine.dispose()
    return {name: sorted(ask(url, f"SELECT * FROM {{}}{name}"), key=str) for name in names}


def test_all_tables_arrive_with_their_types(proven: World, url: str) -> None:
    done = send(proven, url)
    there = everything(url)
    assert done.changed
    assert set(there) == {row[0] for row in proven.query("SELECT table_name FROM duckdb_tables() WHERE schema_name = "
                                                         "'published'")} | {"publication"}
    for name in set(there) - {"publication"}:
        assert len(there[name]) == proven.query(f"SELECT count(*) FROM {name}")[0][0], name
    assert done.rows == sum(len(rows) for name, rows in there.items() if name != "publication")
    assert done.tables == len(there) - 1
    if url.startswith("sqlite"):
        types = {row[1]: row[2] for row in ask(url, "SELECT * FROM pragma_table_info('sales_monthly')")}
    else:
        types = dict(ask(url, "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
                              "WHERE attrelid = '{}sales_monthly'::regclass AND attnum > 0"))
    assert {name: types[name].lower() for name in ("month", "orders", "revenue_nok", "suppressed")} == {
        "month": "date", "orders": "bigint", "suppressed": "boolean",
        "revenue_nok": "decimal(18,2)" if url.startswith("sqlite") else "numeric(18,2)"}


def test_values_are_those_of_the_release_and_lists_arrays_or_text(proven: World, url: str) -> None:
    send(proven, url)
    sql = "SELECT month, orders, revenue_nok, suppressed, suppressed_measures FROM {}sales_monthly"
    expected = proven.query(sql.format(""))
    assert any(row[4] for row in expected)
    assert any(row[1] is None for row in expected)
    if url.startswith("sqlite"):
        expected = [(str(month), orders, nok and float(nok), int(gone), ",".join(names))
                    for month, orders, nok, gone, names in expected]
    assert sorted(ask(url, sql), key=str) == sorted(expected, key=str)


def test_amounts_are_exact_up_to_fifteen_digits(proven: World, tmp_path: Path) -> None:
    """What SQLite's own rule promises of text in a DECIMAL column; the charter of the module says it."""
    url = f"sqlite:///{tmp_path / 'exact.db'}"
    engine = destination_of(to(proven, url), proven.policy).engine()
    exact = sa.Table("t", sa.MetaData(), sa.Column("x", module._Exact(18, 2)))
    with engine.begin() as connection:
        exact.create(connection)
        connection.execute(exact.insert(), [{"x": "9999999999999.99"}, {"x": "0.10"}])
    engine.dispose()
    assert ask(url, "SELECT printf('%.2f', x) FROM {}t ORDER BY x") == [("0.10",), ("9999999999999.99",)]


def test_postgresql_has_comments(proven: World, postgres_url: str) -> None:
    url = fresh_database(postgres_url, "analysts")
    send(proven, url)
    comments = dict(ask(url, "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute "
                             "WHERE attrelid = '{}sales_monthly'::regclass AND attnum > 0"))
    assert comments["orders"] == proven.policy.release.tables["sales_monthly"].columns["orders"].meaning
    table = ask(url, "SELECT obj_description('{}sales_monthly'::regclass)")
    assert table == [(proven.policy.release.tables["sales_monthly"].description,)]


def test_a_second_time_changes_nothing_and_what_somebody_deleted_comes_back(proven: World, url: str) -> None:
    send(proven, url)
    before = everything(url)
    assert not send(proven, url).changed
    do(url, "DELETE FROM {}sales_monthly WHERE orders IS NULL")
    assert send(proven, url).changed
    assert everything(url) == before


def test_the_next_month_replaces_the_last(proven: World, url: str) -> None:
    send(proven, url)
    proven.publish("2024-04")
    done = send(proven, url)
    assert (done.month, done.changed) == ("2024-04", True)
    assert {row[0] for row in ask(url, "SELECT month FROM {}publication")} == {"2024-04"}
    months = len(ask(url, "SELECT DISTINCT month FROM {}sales_monthly"))
    assert months == 4


@pytest.mark.soak
def test_a_failure_in_the_middle_leaves_the_old_tables(proven: World, url: str,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    send(proven, url)
    before = everything(url)
    proven.publish("2024-04")
    whole = module._batches

    def broken(release: Any, name: str, *more: Any) -> Iterator[Any]:
        yield from whole(release, name, *more)
        if name == "service_health_daily":
            raise OSError("the disk is gone")

    monkeypatch.setattr(module, "_batches", broken)
    with pytest.raises(ReleaseError, match=r"cannot be written \(OSError\); nothing was changed"):
        send(proven, url)
    assert everything(url) == before


def test_a_reader_sees_the_old_tables_until_the_end(proven: World, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In PostgreSQL a reader asks in the middle; SQLite's readers of its plain journal wait, or see the old file."""
    send(proven, url)
    if url.startswith("sqlite"):
        do(url, "PRAGMA journal_mode = wal")
    before = ask(url, "SELECT count(*) FROM {}sales_monthly")
    proven.publish("2024-04")
    seen = []
    destination = to(proven, url)
    publish(destination, proven.policy, lambda _table, _rows: seen.append(ask(url, "SELECT count(*) FROM "
                                                                                     "{}sales_monthly")))
    assert seen
    assert all(rows == before for rows in seen)
    assert ask(url, "SELECT count(*) FROM {}sales_monthly") > before


@pytest.mark.soak
def test_rights_and_views_of_others_stay(proven: World, postgres_url: str) -> None:
    url = fresh_database(postgres_url, "analysts")
    send(proven, url)
    do(url, "CREATE VIEW public.totals AS SELECT month, orders FROM {}sales_monthly")
    do(url, "GRANT SELECT ON {}sales_monthly TO public")
    proven.publish("2024-04")
    assert send(proven, url).changed
    assert len(ask(url, "SELECT DISTINCT month FROM public.totals")) == 4
    assert ask(url, "SELECT count(*) FROM information_schema.table_privileges WHERE table_name = 'sales_monthly' "
                    "AND grantee = 'PUBLIC'") == [(1,)]


def test_a_table_whose_columns_changed_is_made_anew(proven: World, url: str) -> None:
    send(proven, url)
    before = everything(url)
    do(url, "ALTER TABLE {}sales_monthly ADD COLUMN remark VARCHAR")
    do(url, "DELETE FROM {}publication WHERE table_name = 'sales_monthly'")
    do(url, "INSERT INTO {}publication (table_name, month, manifest_sha256) VALUES ('sales_monthly', '2024-02', 'x')")
    assert send(proven, url).changed
    assert everything(url) == before


def test_tables_that_are_not_ours_are_left_alone(proven: World, url: str) -> None:
    if not url.startswith("sqlite"):
        do(url, "CREATE SCHEMA published")
    do(url, "CREATE TABLE {}invoices (x INTEGER)")
    do(url, "CREATE TABLE {}sales_monthly (mine INTEGER)")
    do(url, "INSERT INTO {}sales_monthly VALUES (7)")
    before = everything(url)
    with pytest.raises(ReleaseError, match=r"1 table\(s\) of these names that were not published from here"):
        send(proven, url)
    assert everything(url) == before
    do(url, "DROP TABLE {}sales_monthly")
    send(proven, url)
    assert ask(url, "SELECT * FROM {}invoices") == []


@pytest.mark.parametrize(("country", "message"), [
    (None, "declares no country"), ("  ", "declares no country"), ("US", "US, is not in the EEA"),
    ("GB", "GB, is not in the EEA"), ("CH", "CH, is not in the EEA"), ("Norway", "NORWAY, is not in the EEA")])
def test_outside_the_eea_or_undeclared_is_refused(proven: World, url: str, country: str | None, message: str) -> None:
    with pytest.raises(ReleaseError, match=message):
        send(proven, url, country=country)
    if url.startswith("sqlite"):
        assert not Path(url.removeprefix("sqlite:///")).exists()
    else:
        assert everything(url) == {}


@pytest.mark.parametrize("country", ["NO", "se", " is "])
def test_inside_the_eea_is_accepted(proven: World, tmp_path: Path, country: str) -> None:
    assert send(proven, f"sqlite:///{tmp_path / 'a.db'}", country=country).country == country.strip().upper()


def test_what_is_not_proven_stays_in_the_house(published: World, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    def as_unproven(settings: Settings, month: str) -> Any:
        release = open_release(settings, month)
        return replace(release, manifest={**release.manifest, "proven": False})

    monkeypatch.setattr(module, "open_release", as_unproven)
    with pytest.raises(ReleaseError, match="2024-03 is not proven anonymous and must not be shared outside"):
        send(published, f"sqlite:///{tmp_path / 'a.db'}")
    assert not (tmp_path / "a.db").exists()


def test_a_release_that_is_not_what_its_manifest_says_is_refused(proven: World, tmp_path: Path) -> None:
    file = proven.settings.published / "releases" / "2024-03" / "sales_monthly" / "2024-02.parquet"
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(ReleaseError, match=r"sales_monthly/2024-02\.parquet"):
        send(proven, f"sqlite:///{tmp_path / 'a.db'}")
    assert not (tmp_path / "a.db").exists()


def test_before_the_first_release_there_is_nothing(world: World) -> None:
    with pytest.raises(ReleaseError, match="nothing is published yet"):
        publishable(world.settings)


@pytest.mark.parametrize(("url", "message"), [
    (f"nonsense {PASSWORD}", "is not a valid database address"), ("sqlite://", "names no file"),
    (f"mysql://me:{PASSWORD}@host/db", "mysql cannot exchange tables in one transaction"),
    (f"postgresql://me:{PASSWORD}@127.0.0.1:1/db", "127.0.0.1:1/db: nobody answers there"),
    ("sqlite:///no/such/folder/a.db", "the file cannot be made")])
def test_a_bad_address_is_told_without_its_secrets(proven: World, url: str, message: str) -> None:
    with pytest.raises(ReleaseError, match=message) as error:
        send(proven, url)
    assert PASSWORD not in str(error.value)
    assert error.value.__cause__ is None
    assert PASSWORD not in repr(to(proven, url))


def test_a_schema_must_be_a_plain_name(proven: World, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="AJPRIVACY_PUBLISH_SCHEMA must be a plain name"):
        send(proven, f"sqlite:///{tmp_path / 'a.db'}", publish_schema='a"; DROP')


def call(world: World, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AJPRIVACY")}
    return forked.call(["releases", "publish", "--json"], {**kept, "AJPRIVACY_HOME": str(world.settings.home), **env},
                       world.settings.home)


def test_the_command_says_what_is_missing_and_changes_nothing(published: World, tmp_path: Path) -> None:
    before = tree(published.settings.published)
    done = call(published)
    assert (done.returncode, done.stdout) == (2, "")
    assert "set AJPRIVACY_PUBLISH_URL" in done.stderr
    done = call(published, AJPRIVACY_PUBLISH_URL=f"sqlite:///{tmp_path / 'a.db'}", AJPRIVACY_PUBLISH_COUNTRY="US")
    assert (done.returncode, done.stdout) == (2, "")
    assert "EEA-1" in done.stderr
    assert not (tmp_path / "a.db").exists()
    assert tree(published.settings.published) == before


def test_the_command_publishes_what_is_proven_and_nothing_else(published: World, tmp_path: Path) -> None:
    """Whichever this version's releases are."""
    done = call(published, AJPRIVACY_PUBLISH_URL=f"sqlite:///{tmp_path / 'a.db'}", AJPRIVACY_PUBLISH_COUNTRY="NO")
    if open_release(published.settings, "2024-03").manifest["proven"]:
        assert json.loads(done.stdout)["month"] == "2024-03"
        assert (tmp_path / "a.db").is_file()
    else:
        assert done.returncode == 2
        assert "must not be shared outside the organisation" in done.stderr
        assert not (tmp_path / "a.db").exists()
