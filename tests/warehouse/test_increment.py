"""Months that take over what has not changed: what they hold is what reading everything gives, in every table."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.calendar import shift
from ajprivacy_pipeline.errors import MappingError
from ajprivacy_pipeline.policy import read_texts
from ajprivacy_pipeline.run.month import MonthRun, open_month
from ajprivacy_pipeline.run.progress import Progress
from ajprivacy_pipeline.run.steps import run_all, run_decisions
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage.catalogue import layer_models
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.policy_versions import record_policy
from ajprivacy_pipeline.warehouse import joined
from ajprivacy_pipeline.warehouse.marks import question
from ajprivacy_pipeline.warehouse.resolved import ResolvedColumn, ResolvedTable
from ajprivacy_pipeline.warehouse.source import ColumnType
from tests.enforcement.enforcement_world import World, empty_database, sample_shop
from tests.test_month import ROOT_KEY, published

SERVERS = ("postgresql", "mariadb")
FIRST = "2025-11"
INCREMENTS = "increments = { full_months = 12 }\n"
THREE = "increments = { full_months = 3 }\n"
SETTLED = """
source_timezone = "UTC"
[tables.orders.columns]
delivery_note = { column = "delivery_note", empty = ["Ring"] }
paid_at = { column = "paid_at", empty_before_beginning = true }
[tables.order_lines.columns]
delivered_at = { column = "delivered_at", empty_before_beginning = true }
[tables.invoices.columns]
settled_at = { sql = "settled_at" }
[tables.customers.columns]
last_login_at = { column = "last_login_at", empty = ["1753-01-01"] }
"""
SCHEMAS = ("raw", "staged", "retention")
OF_ITSELF = ("moment",)  # when a run read is its own
KEYED = ("source", "token")  # hashes of effects, under a random key of the home
LINKS = ("customer_id", "contact_id", "order_id", "product_id")
LEAVES = ("web_events", "app_logs", "communications", "newsletter_subscriptions")  # nothing hangs on their rows
Tables = dict[str, tuple[int, Any]]  # of each the number of its rows, and a hash of them all


@dataclass
class Reader:
    """A home over a warehouse, and what it has read of each table in its newest month."""

    world: World
    read: dict[str, int] = field(default_factory=dict)

    def month(self, month: str, steps: Callable[[MonthRun], None] = run_decisions) -> Tables:
        """Run a month by some steps and finish it; returns what it holds."""
        self.read.clear()
        with open_month(self.world.settings, month, f"test {month}", logs=list, report=self._note) as run:
            steps(run)
            if steps is run_decisions:
                run.finish()
            return held(run)

    @property
    def has_taken_over(self) -> bool:
        """Whether it has read what had changed alone, and no answer was in doubt."""
        return any("what has changed" in table for table in self.read) and not any("doubt" in t for t in self.read)

    def _note(self, progress: Progress) -> None:
        if progress.what.startswith("raw."):
            self.read[progress.what.removeprefix("raw.")] = progress.rows or 0


def held(run: MonthRun) -> Tables:
    """Every table of a month that is made of the source, as far as it does not depend on when it was made."""
    names = run.con.execute("SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = "
                            "current_database() AND list_contains($schemas, schema_name) ORDER BY ALL",
                            {"schemas": list(SCHEMAS)}).fetchall()
    return {f"{schema}.{table}": run.con.execute(
        f"SELECT count(*), bit_xor(hash(t)) FROM (SELECT COLUMNS(c -> NOT list_contains($keyed, c)) FROM "
        f'{schema}."{table}") AS t', {"keyed": list(KEYED)}).fetchall()[0]
        for schema, table in names if table not in OF_ITSELF}


def extracted(run: MonthRun) -> None:
    """Do a month up to its faults."""
    run.extract()
    for model in layer_models(run.catalogue, ("staged",)):
        run.model(model.name)
    run.quality()


def reader(folder: Path, name: str, url: str, mapping: str) -> Reader:
    """A home of its own over a warehouse, whose keyed hashes are those of every other one here."""
    file = folder / f"{name}.toml"
    file.write_text(mapping)
    return Reader(World(folder / name, url, AJPRIVACY_MAPPING=str(file), AJPRIVACY_ROOT_KEY=ROOT_KEY))


@pytest.fixture(params=SERVERS)
def both(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Reader, Reader]:
    """Two homes over one shop: the first takes over what has not changed, the second reads everything every month."""
    url = empty_database(request.param, request, tmp_path, "increment")
    sample_shop(url, 60 if request.node.get_closest_marker("soak") is None else 400, 1, tmp_path)
    return reader(tmp_path, "taking", url, INCREMENTS + SETTLED), reader(tmp_path, "reading", url, SETTLED)


@pytest.fixture
def one(request: pytest.FixtureRequest, tmp_path: Path) -> Reader:
    """A home that takes over for three months, and has read everything once."""
    url = empty_database("postgresql", request, tmp_path, "increment")
    sample_shop(url, 60, 1, tmp_path)
    taking = reader(tmp_path, "taking", url, THREE)
    taking.month(FIRST, MonthRun.extract)
    return taking


def change(world: World, chance: random.Random, share: float = 0.02) -> None:
    """Let rows of every table change at random, as any software changes them; some go, and some come."""
    with world.connection() as connection:
        for name, spec in world.policy.sources.tables.items():
            table = sa.Table(name, sa.MetaData(), autoload_with=connection)
            rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            free = [column for column in table.columns if column.name not in (*spec.key, *LINKS)]
            for row in chance.sample(rows, max(1, int(len(rows) * share))) if rows else ():
                where = sa.and_(*(table.c[key] == row[key] for key in spec.key))
                column = chance.choice(free)
                value = chance.choice(rows)[column.name]
                if column.nullable and not spec.columns[column.name].required:
                    value = chance.choice([value, None, "" if isinstance(value, str) else None])
                connection.execute(table.update().where(where).values({column.name: _fitting(value, column)}))
                if name in LEAVES and chance.random() < 0.3:
                    came = {**row, spec.key[0]: f"{row[spec.key[0]]}-{chance.randrange(10**9)}"}
                    connection.execute(table.insert().values(came))
                if name in LEAVES and chance.random() < 0.3:
                    connection.execute(table.delete().where(where))


def _fitting(value: object, column: sa.Column[Any]) -> object:
    """An empty text only where the column holds texts."""
    return None if value == "" and not isinstance(column.type, sa.String) else value


def test_what_is_taken_over_and_what_is_read_are_what_reading_everything_gives(both: tuple[Reader, Reader]) -> None:
    taking, reading = both
    chance = random.Random(7)
    assert taking.month(FIRST, extracted) == reading.month(FIRST, extracted)
    assert not taking.has_taken_over
    change(taking.world, chance)
    assert taking.month(shift(FIRST, 1), extracted) == reading.month(shift(FIRST, 1), extracted)
    assert taking.has_taken_over


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
def test_twelve_months_are_decided_and_published_alike(both: tuple[Reader, Reader], seed: int) -> None:
    taking, reading = both
    chance = random.Random(seed)
    assert taking.month(FIRST, run_all) == reading.month(FIRST, run_all)
    for later in range(1, 12):
        change(taking.world, chance)
        month = shift(FIRST, later)
        assert taking.month(month, run_all) == reading.month(month, run_all)
        assert taking.has_taken_over
        assert published(taking.world.settings, month) == published(reading.world.settings, month)


def test_one_row_that_is_another_one_is_seen(one: Reader) -> None:
    first = "WHERE order_id = (SELECT min(order_id) FROM orders)"
    known = [one.month(shift(FIRST, 1), MonthRun.extract)]
    assert not sum(rows for table, rows in one.read.items() if "what has changed" in table)
    for statement in (f"UPDATE orders SET delivery_note = 'Ring', delivery_city = 'Moss' {first}",
                      f"UPDATE orders SET delivery_note = '' {first}",
                      f"UPDATE orders SET delivery_note = NULL {first}",
                      f"UPDATE orders SET delivery_city = delivery_note, delivery_note = delivery_city {first}",
                      f"DELETE FROM order_lines {first} AND line_number = 1"):
        one.world.execute(statement)
        found = one.month(shift(FIRST, 1), MonthRun.extract)
        assert one.has_taken_over
        assert found not in known, statement
        known.append(found)


def test_who_went_from_the_warehouse_is_in_no_later_file(one: Reader) -> None:
    one.world.execute("UPDATE customers SET email = 'gå@eksempel.example' "
                      "WHERE customer_id = (SELECT min(customer_id) FROM customers)")
    assert "gå@eksempel.example" in addresses(one, shift(FIRST, 1))
    one.world.execute("UPDATE customers SET email = NULL WHERE email = 'gå@eksempel.example'")
    assert "gå@eksempel.example" not in addresses(one, shift(FIRST, 2))
    assert one.has_taken_over


def addresses(home: Reader, month: str) -> set[str]:
    """The addresses of which a month keeps a key, and those of its customers."""
    found: set[str] = set()

    def looked(run: MonthRun) -> None:
        run.extract()
        found.update(row[0] for row in run.con.execute(
            "SELECT email FROM raw.email_keys UNION SELECT email FROM raw.customers").fetchall())

    home.month(month, looked)
    return found


def test_everything_is_read_again_after_so_many_months(one: Reader) -> None:
    taken = {}
    for later in range(1, 5):
        one.month(shift(FIRST, later), MonthRun.extract)
        taken[later] = one.has_taken_over
    assert taken == {1: True, 2: True, 3: False, 4: True}


def test_a_run_again_takes_over_from_the_run_before(one: Reader) -> None:
    assert one.month(FIRST, MonthRun.extract) == one.month(FIRST, MonthRun.extract)
    assert one.has_taken_over


def test_another_mapping_reads_everything(one: Reader) -> None:
    mapping = one.world.settings.mapping_file
    assert mapping is not None
    mapping.write_text(THREE + '[tables.orders.columns]\ndelivery_note = { absent = "none" }\n')
    one.month(shift(FIRST, 1), MonthRun.extract)
    assert not one.has_taken_over


def test_a_column_of_another_type_is_read_as_a_whole(one: Reader) -> None:
    one.world.execute("ALTER TABLE invoices ALTER amount TYPE numeric(20, 4)")
    one.month(shift(FIRST, 1), MonthRun.extract)
    assert one.has_taken_over
    read = {table.removesuffix(" (what has changed)"): rows for table, rows in one.read.items()}
    assert {table: rows for table, rows in read.items() if rows} == {"invoices": len(one.world.cells_of("invoices"))}


def test_a_column_of_another_name_is_read_as_a_whole(one: Reader, tmp_path: Path) -> None:
    one.world.execute("ALTER TABLE customers DROP COLUMN username")
    one.month(FIRST, MonthRun.extract)
    one.world.execute("ALTER TABLE customers RENAME COLUMN phone TO username")  # the next one in the contract
    reading = reader(tmp_path, "reading", one.world.url, "")
    found = one.month(shift(FIRST, 1), MonthRun.extract)
    assert one.has_taken_over
    assert found == reading.month(shift(FIRST, 1), MonthRun.extract)


@pytest.mark.parametrize("then", ["SET", "DROP"])
def test_a_column_that_takes_null_or_does_not_any_more_is_read_as_a_whole(one: Reader, tmp_path: Path,
                                                                          then: str) -> None:
    one.world.execute("UPDATE customers SET name = CASE WHEN customer_id LIKE '%1' THEN 'Anonymised' "
                      "ELSE coalesce(name, 'Kari') END")
    if then == "DROP":
        one.world.execute("ALTER TABLE customers ALTER name SET NOT NULL")
    one.month(FIRST, MonthRun.extract)
    one.world.execute(f"ALTER TABLE customers ALTER name {then} NOT NULL")
    reading = reader(tmp_path, "reading", one.world.url, "")
    found = one.month(shift(FIRST, 1), MonthRun.extract)
    assert one.has_taken_over
    assert found == reading.month(shift(FIRST, 1), MonthRun.extract)


def test_what_looks_at_the_rows_around_is_read_as_a_whole(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = empty_database("postgresql", request, tmp_path, "increment")
    sample_shop(url, 60, 1, tmp_path)
    around = '[tables.orders.columns]\ndelivery_note = { sql = "count(*) OVER (PARTITION BY customer_id)::text" }\n'
    taking = reader(tmp_path, "taking", url, INCREMENTS + around)
    taking.month(FIRST, MonthRun.extract)
    taking.world.execute("UPDATE orders SET delivery_city = 'Moss' WHERE order_id = (SELECT min(order_id) FROM orders)")
    found = taking.month(shift(FIRST, 1), MonthRun.extract)
    assert taking.has_taken_over
    assert found == reader(tmp_path, "reading", url, around).month(shift(FIRST, 1), MonthRun.extract)


def test_a_warehouse_that_does_not_answer_is_read_as_ever(one: Reader, tmp_path: Path) -> None:
    one.world.execute("DROP ROLE IF EXISTS increment_reader")
    one.world.execute("CREATE ROLE increment_reader LOGIN IN ROLE pg_read_all_data")
    one.world.execute("REVOKE EXECUTE ON FUNCTION hashtextextended(text, bigint) FROM PUBLIC")  # in this database alone
    url = sa.make_url(one.world.url).set(username="increment_reader").render_as_string(hide_password=False)
    asking, reading = reader(tmp_path, "asking", url, THREE), reader(tmp_path, "reading", url, "")
    asking.world.settings = replace(asking.world.settings, threads=2)
    threads = []

    def counted(run: MonthRun) -> None:
        run.extract()
        threads.append(run.con.execute("SELECT current_setting('threads')").fetchall()[0][0])

    asking.month(FIRST, counted)
    assert threads == [2]
    for month in (FIRST, shift(FIRST, 1)):
        assert asking.month(month, MonthRun.extract) == reading.month(month, MonthRun.extract)
        assert not asking.has_taken_over
    one.world.execute("GRANT EXECUTE ON FUNCTION hashtextextended(text, bigint) TO PUBLIC")
    taken = []
    for month in (shift(FIRST, 2), shift(FIRST, 3)):
        assert asking.month(month, MonthRun.extract) == reading.month(month, MonthRun.extract)
        taken.append(asking.has_taken_over)
    assert taken == [False, True]
    one.world.execute("REVOKE EXECUTE ON FUNCTION hashtextextended(text, bigint) FROM PUBLIC")
    assert asking.month(shift(FIRST, 4), MonthRun.extract) == reading.month(shift(FIRST, 4), MonthRun.extract)
    assert not asking.has_taken_over
    one.world.execute("DROP ROLE increment_reader")


def test_a_warehouse_without_marks_is_read_into_the_file_as_ever(request: pytest.FixtureRequest,
                                                                 tmp_path: Path) -> None:
    url = empty_database("sqlite", request, tmp_path, "increment")
    sample_shop(url, 60, 1, tmp_path)
    taking = reader(tmp_path, "taking", url, INCREMENTS)
    months = [(taking.month(shift(FIRST, later), MonthRun.extract), dict(taking.read)) for later in range(2)]
    assert months[0] == months[1]
    assert set(taking.read) == set(taking.world.policy.sources.tables)  # nothing is called what has changed


def test_what_another_policy_left_meanwhile_is_empty_in_what_is_taken_over_too(one: Reader, tmp_path: Path) -> None:
    one.world.execute("UPDATE customers SET name = CASE WHEN customer_id LIKE '%1' THEN 'Fjernet' ELSE 'Kari' END")
    one.world.execute("ALTER TABLE customers ALTER name SET NOT NULL")
    one.month(FIRST, MonthRun.extract)
    reading = reader(tmp_path, "reading", one.world.url, "")
    other = tmp_path / "notice"
    other.mkdir()
    for name, text in read_texts(NOTICE).items():
        (other / name).write_text(text.replace('"Anonymised"', '"Fjernet"'), encoding="utf-8")
    for home in (one, reading):
        record_policy(home.world.control, other, "Ada")
    assert one.month(shift(FIRST, 1), MonthRun.extract) == reading.month(shift(FIRST, 1), MonthRun.extract)
    assert not one.has_taken_over


def test_a_column_that_the_mapping_has_emptied_is_no_evidence_in_later_months(
        request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = empty_database("postgresql", request, tmp_path, "increment")
    sample_shop(url, 60, 1, tmp_path)
    taking = reader(tmp_path, "taking", url, INCREMENTS + SETTLED)
    taking.world.execute("UPDATE customers SET last_login_at = NULL")
    taking.world.execute("UPDATE customers SET last_login_at = '1753-01-01' WHERE customer_id = "
                         "(SELECT min(customer_id) FROM customers)")
    months = [taking.month(shift(FIRST, later), MonthRun.extract)["raw.extraction"] for later in range(2)]
    assert months[0] == months[1]
    assert not taking.has_taken_over  # whether a value was emptied is not known of what would be taken over
    assert ("last_login_at",) in noted(taking)


def noted(home: Reader) -> list[tuple[str, ...]]:
    """The columns that are no evidence by the newest month's extraction."""
    with open_month(home.world.settings, shift(FIRST, 1), "test", logs=list) as run:
        return run.con.execute("SELECT DISTINCT unnest(evidence_missing) FROM raw.extraction").fetchall()


def test_a_part_that_lacks_a_row_in_the_earlier_file_puts_all_in_doubt(one: Reader) -> None:
    with open_month(one.world.settings, FIRST, "test", logs=list) as run:
        run.con.execute("DELETE FROM raw.orders WHERE order_id = (SELECT min(order_id) FROM raw.orders)")
    whole = one.month(shift(FIRST, 1), MonthRun.extract)
    assert not one.has_taken_over
    assert whole["raw.orders"][0] == one.read["orders"]


def test_an_extraction_that_fails_leaves_what_was_there(one: Reader) -> None:
    before = one.month(FIRST, MonthRun.extract)
    one.world.execute("ALTER TABLE customers RENAME TO kunder")
    with pytest.raises(MappingError):
        one.month(FIRST, MonthRun.extract)
    with open_month(one.world.settings, FIRST, "test", logs=list) as run:
        assert held(run) == before


def test_what_is_ended_in_the_middle_is_taken_over_the_next_time(one: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(joined, "complete", ended)
        with pytest.raises(KeyboardInterrupt):
            one.month(shift(FIRST, 1), MonthRun.extract)
    found = one.month(shift(FIRST, 1), MonthRun.extract)
    assert one.has_taken_over
    assert found == one.month(FIRST, MonthRun.extract)


def test_the_earlier_file_may_be_of_another_key(one: Reader) -> None:
    KeyStore(one.world.settings.keys, one.world.settings.root_key).destroy(FIRST)
    one.month(shift(FIRST, 1), MonthRun.extract)
    assert not one.has_taken_over


def test_every_type_of_mariadb_has_a_mark_and_so_has_nothing(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = empty_database("mariadb", request, tmp_path, "increment")
    types = ["VARCHAR(9) CHARACTER SET latin1", "VARCHAR(9) COLLATE utf8mb4_unicode_ci", "BLOB", "DATETIME(6)",
             "VARCHAR(9) COLLATE utf8mb4_danish_ci", "DECIMAL(9,2)", "BIT(3)", "JSON"]
    values = ["'å'", "'å'", "x'ff00'", "'2026-01-01 00:00:00.000001'", "'NULL'", "1.50", "b'101'", "'[1]'"]
    engine = sa.create_engine(url)
    seen = set()
    with engine.begin() as connection:
        listed = ", ".join(f"c{number} {type_}" for number, type_ in enumerate(types))
        connection.exec_driver_sql(f"CREATE TABLE t (id INT PRIMARY KEY, {listed})")
        connection.exec_driver_sql(f"INSERT INTO t VALUES (1, {', '.join(values)})")
        columns = {name: ResolvedColumn(name, ColumnType("text", "text"), name)
                   for name in ("id", *(f"c{number}" for number in range(len(types))))}
        asked = question("mariadb", "id", ResolvedTable("t", ("t",), dict(columns)))
        for change in (None, *(f"c{number} = NULL" for number in range(len(types)))):
            if change is not None:
                connection.exec_driver_sql(f"UPDATE t SET {change}")
            part, rows, mark = connection.exec_driver_sql(f"SELECT part, row_count, mark FROM {asked.relation}").one()
            assert (part, rows, mark in seen) == ("", 1, False)
            assert mark is not None
            seen.add(mark)
    engine.dispose()


def test_bytes_of_another_character_set_and_what_is_too_large_have_no_mark_as_before(
        request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = empty_database("mariadb", request, tmp_path, "increment")
    engine = sa.create_engine(url)
    asked = question("mariadb", "id", ResolvedTable("t", ("t",), {
        name: ResolvedColumn(name, ColumnType("text", "text"), name) for name in ("id", "c")}))
    mark = f"SELECT mark FROM {asked.relation}"
    with engine.begin() as connection:
        for statement in ("CREATE TABLE t (id INT PRIMARY KEY, c VARCHAR(9) CHARACTER SET latin1)",
                          "INSERT INTO t VALUES (1, _latin1 x'c3a5')"):
            connection.exec_driver_sql(statement)
        before = connection.exec_driver_sql(mark).scalar()
        for type_ in ("VARBINARY(9)", "VARCHAR(9) CHARACTER SET utf8mb4"):  # how such texts are mended
            connection.exec_driver_sql(f"ALTER TABLE t MODIFY c {type_}")
        assert connection.exec_driver_sql("SELECT c FROM t").scalar() == "å"
        assert before is not None
        assert connection.exec_driver_sql(mark).scalar() not in (before, None)
        connection.exec_driver_sql("ALTER TABLE t MODIFY c LONGTEXT")
        connection.exec_driver_sql("UPDATE t SET c = repeat(char(39), @@max_allowed_packet / 2 + 9)")
        assert connection.exec_driver_sql(mark).scalar() is None  # quoted it is larger than a packet
    engine.dispose()


def test_what_is_destroyed_in_the_end_takes_nothing_over_and_asks_for_no_marks(one: Reader) -> None:
    with open_month(one.world.settings, shift(FIRST, 1), "test", logs=list, report=one._note) as run:
        run.file = None  # as an apply decides
        run.extract()
        assert not run.con.execute("SELECT 1 FROM duckdb_tables() WHERE schema_name = 'increment' AND "
                                   "database_name = current_database()").fetchall()
    assert not one.has_taken_over
