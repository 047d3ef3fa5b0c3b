"""What each database leaves in its files and statistics after an apply is cleared away, or said with its end."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.enforcement.bodies import Residue
from ajprivacy_pipeline.enforcement.residue import Touched, tidy_up
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.policy.enforcement import Backup
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.warehouse.mapping_file import Elsewhere
from ajprivacy_pipeline.warehouse.writer import open_writer
from tests import mariadb
from tests.enforcement.enforcement_world import new_database

TODAY = date(2026, 11, 28)
NO_REGISTER = "no register of backups"


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy(NOTICE)


def _tidy(url: str, policy: Policy, table: str = "kunde",
          histories: Mapping[tuple[str, ...], int] = MappingProxyType({})) -> list[Residue]:
    with open_writer(url, 1) as writer, closing(zones.memory()) as con:
        return tidy_up(con, writer, policy, {(table,): ["navn"]}, None, TODAY, histories)


@contextmanager
def _open(url: str, *statements: str) -> Iterator[sa.Connection]:
    """A connection of another system's, with each statement committed by itself."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        yield connection
    engine.dispose()


def _places(found: list[Residue]) -> list[str]:
    return [line["where"] for line in found]


def _sqlite(path: Path, journal: str) -> str:
    url = f"sqlite:///{path}"
    with _open(url, f"PRAGMA journal_mode = {journal}", "CREATE TABLE kunde (nr integer PRIMARY KEY, navn text)",
               "CREATE INDEX navnet ON kunde (navn)",
               "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) "
               "INSERT INTO kunde SELECT i, 'Kari Nordmann ' || i FROM n", "UPDATE kunde SET navn = NULL"):
        pass
    return url


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_sqlite_holds_nothing_of_it_in_its_files(tmp_path: Path, policy: Policy, journal: str) -> None:
    url = _sqlite(tmp_path / "shop.db", journal)

    found = _tidy(url, policy)

    assert _places(found) == ["backups"]
    assert NO_REGISTER in found[0]["what"]
    for file in tmp_path.iterdir():
        assert b"Nordmann" not in file.read_bytes(), file.name


def test_a_history_is_said_with_the_day_of_its_end(tmp_path: Path, policy: Policy) -> None:
    url = _sqlite(tmp_path / "shop.db", "delete")

    found = _tidy(url, policy, histories={("kunde",): 90, ("ordre",): 10})

    assert [(line["where"], line["ends"]) for line in found if "history" in line["where"]] == [
        ("the history of kunde", "2027-02-26")]


@pytest.mark.parametrize(("journal", "where"), [("delete", "shop.db"), ("wal", "shop.db-wal")])
def test_a_reader_of_sqlite_is_named(tmp_path: Path, policy: Policy, journal: str, where: str) -> None:
    url = _sqlite(tmp_path / "shop.db", journal)
    with _open(url) as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT * FROM kunde").fetchone()
        found = _tidy(url, policy)

    assert _places(found) == [where, "backups"]
    assert f"process {os.getpid()}" in found[0]["what"]


def test_postgres_keeps_no_statistics_of_partitions_and_their_parents(postgres_url: str, policy: Policy) -> None:
    url = new_database(postgres_url, "residue")
    with _open(url, "CREATE TABLE alle (nr integer, navn text) PARTITION BY RANGE (nr)",
               "CREATE TABLE kunde PARTITION OF alle FOR VALUES FROM (0) TO (10000)",
               "CREATE INDEX uttrykk ON kunde (lower(navn))",
               "INSERT INTO alle SELECT i, 'Kari Nordmann ' || mod(i, 7) FROM generate_series(1, 500) AS i",
               "VACUUM ANALYZE alle", "ANALYZE kunde") as other:
        assert _kept_by_postgres(other) == {"alle", "kunde", "uttrykk"}
        other.exec_driver_sql("UPDATE alle SET navn = NULL")

        found = _tidy(url, policy)

        assert _kept_by_postgres(other) == set()
    assert "write-ahead log" in _places(found)
    assert "free space inside pages of kunde" in _places(found)
    assert "row versions" not in _places(found)
    assert "kunde" not in _places(found)


def _kept_by_postgres(connection: sa.Connection) -> set[Any]:
    return {row[0] for row in connection.exec_driver_sql(
        "SELECT tablename FROM pg_stats WHERE attname <> 'nr' AND schemaname = 'public' AND lower("
        "coalesce(most_common_vals::text, '') || coalesce(histogram_bounds::text, '')) LIKE '%%nordmann%%'")}


def test_an_old_transaction_of_postgres_is_named(postgres_url: str, policy: Policy) -> None:
    url = new_database(postgres_url, "residue_read")
    with _open(url, "CREATE TABLE kunde (nr integer, navn text)", "INSERT INTO kunde VALUES (1, 'Kari')",
               "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT * FROM kunde") as reader:
        pid = reader.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        found = _tidy(url, policy)
        reader.exec_driver_sql("ROLLBACK")

    assert f"process {pid}" in next(line["what"] for line in found if line["where"] == "row versions")


def test_mariadb_keeps_no_statistics_of_columns(mariadb_url: str, policy: Policy) -> None:
    url = mariadb.fresh_database(mariadb_url, "residue")
    with _open(url, "CREATE TABLE kunde (nr integer PRIMARY KEY, navn varchar(60)) ENGINE=InnoDB",
               "INSERT INTO kunde SELECT seq, concat('Kari Nordmann ', seq) FROM seq_1_to_200",
               "ANALYZE TABLE kunde PERSISTENT FOR ALL") as other:
        assert _kept_by_mariadb(other) == {"navn"}
        other.exec_driver_sql("UPDATE kunde SET navn = NULL")

        found = _tidy(url, policy)

        assert _kept_by_mariadb(other) == set()
    assert _places(found) == ["undo log", "free space inside pages of kunde", "backups"]


@pytest.mark.soak
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])  # the day of one of them is never that of UTC
def test_the_binary_log_of_mariadb_ends_on_a_local_day(policy: Policy, zone: str) -> None:
    local = policy.model_copy(update={"retention": policy.retention.model_copy(update={"time_zone": zone})})
    with (mariadb.server("--log-bin=log", "--server-id=1", "--binlog-expire-logs-seconds=172800") as url,
          _open(url, "CREATE TABLE kunde (nr integer PRIMARY KEY, navn varchar(60)) ENGINE=InnoDB")):
        first, found, last = (today(zone), _tidy(url, local), today(zone))
    (ends,) = [line["ends"] for line in found if line["where"] == "binary log"]
    assert ends in {(day + timedelta(days=2)).isoformat() for day in (first, last)}


def _kept_by_mariadb(connection: sa.Connection) -> set[Any]:
    return {row[0] for row in connection.exec_driver_sql(
        "SELECT column_name FROM mysql.column_stats WHERE db_name = DATABASE() AND min_value LIKE 'Kari%%'")}


def test_what_cannot_be_tidied_up_is_told_and_raises_nothing(tmp_path: Path, policy: Policy) -> None:
    (tmp_path / "shop.db").write_bytes(b"no database" * 1000)

    found = _tidy(f"sqlite:///{tmp_path / 'shop.db'}", policy)

    assert _places(found) == ["the warehouse", "backups"]


def test_backups_end_by_the_register(tmp_path: Path, policy: Policy) -> None:
    register = {"nightly": Backup(where="nightly dump", what="a dump", life_days=35)}
    enforcement = policy.enforcement.model_copy(update={"backups": register})

    found = _tidy(_sqlite(tmp_path / "shop.db", "wal"), policy.model_copy(update={"enforcement": enforcement}))

    assert found == [{"where": "nightly dump", "what": "a dump", "ends": "2027-01-02"}]


@pytest.mark.parametrize("tables", [{("kunde",): ["navn"]}, {}])
def test_places_that_no_sql_reaches_are_told_where_anything_was_carried_out(
        tables: Touched, tmp_path: Path, policy: Policy) -> None:
    url = _sqlite(tmp_path / "shop.db", "delete")
    files = Elsewhere(where="files below wp-content", what="invoices as PDF")
    with closing(zones.memory()) as con, open_writer(url, 1) as writer:
        found = tidy_up(con, writer, policy, tables, None, TODAY, {}, [files])
    told = [line for line in found if line["where"] == files.where]
    assert told == [{"where": "files below wp-content", "what": "invoices as PDF: not carried out by us",
                     "ends": None}] * len(tables)
