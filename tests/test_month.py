"""A whole month from warehouse to release: on SQLite, on PostgreSQL, on a shop with names of its own, and twice."""

import hashlib
import random
import re
import resource
import shutil
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.errors import PolicyError, PrivacyError
from ajprivacy_pipeline.release import ReleaseRequest
from ajprivacy_pipeline.retention.export import export_decisions
from ajprivacy_pipeline.run.month import MonthRun, open_month
from ajprivacy_pipeline.run.steps import run_all
from ajprivacy_pipeline.sample import generate
from ajprivacy_pipeline.settings import Settings, load_settings, prepare_home
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import LAYERS, layer_models
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_lock
from tests.warehouse.shopkit import connect, fresh_database
from tests.warehouse.test_foreign_shop import MAPPING, SHOP

MONTH = "2026-10"
HISTORY_FROM = "2026-08"  # a shorter first history than the policy's: suppression is most of a release's time
CUSTOMERS = 1_500  # of fewer the microdata have more control groups, each with a build of its own
ROOT_KEY = "5a" * 32  # who is in the control group of the microdata follows from it
DECISIONS = ("purpose_status", "freezes", "attribute_decisions", "record_decisions", "bulk_decisions", "review_list")


def settings_for(home: Path, url: str, **more: str) -> Settings:
    return load_settings({"AJPRIVACY_HOME": str(home), "AJPRIVACY_WAREHOUSE": url, "AJPRIVACY_THREADS": "1",
                          "AJPRIVACY_ROOT_KEY": ROOT_KEY, **more})


def month(home: Path, url: str, history_from: str | None = HISTORY_FROM, **more: str) -> Settings:
    """A home with the month's release, whose history is the policy's where no first month of it is given."""
    settings = settings_for(home, url, **more)
    request = ReleaseRequest(history_from=history_from)
    with open_month(settings, MONTH, "test", logs=list, request=request) as run:  # nothing here keeps a log
        run_all(run)
        assert run.release_result is not None
        assert run.release_result.proven
    return settings


def decisions(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """The decision tables as rows, in order."""
    out = settings.home / "decisions"
    export_decisions(settings, MONTH, out, by="test")
    con = zones.memory()
    return {name: con.execute(f"SELECT * FROM read_parquet({zones.literal(str(out / f'{name}.parquet'))}) ORDER BY ALL")
            .fetchall() for name in DECISIONS}


def published(settings: Settings, month: str = MONTH) -> dict[str, str]:
    """The hash of every file of the release, by its name."""
    folder = settings.published / "releases" / month
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("sqlite")
    url = f"sqlite:///{folder / 'shop.db'}"
    generate(url, CUSTOMERS, 1, date(2026, 10, 31), progress=lambda _: None)
    return month(folder / "home", url)


@pytest.fixture(scope="module")
def on_postgres(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Settings:
    """The same shop, its rows in another order, read and decided by two threads."""
    url = fresh_database(postgres_url, "monthly")
    generate(url, CUSTOMERS, 1, date(2026, 10, 31), progress=lambda _: None)
    with connect(url) as con:
        for (table,) in con.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            con.execute(f"CREATE TEMP TABLE kept AS TABLE {table}")
            con.execute(f"DELETE FROM {table}")
            con.execute(f"INSERT INTO {table} SELECT * FROM kept ORDER BY md5(kept::text)")
            con.execute("DROP TABLE kept")
    return month(tmp_path_factory.mktemp("postgres") / "home", url, AJPRIVACY_THREADS="2")


@pytest.mark.soak
def test_both_databases_give_the_same_decisions(on_sqlite: Settings, on_postgres: Settings) -> None:
    left, right = decisions(on_sqlite), decisions(on_postgres)
    assert {name: len(rows) for name, rows in left.items()} == {name: len(rows) for name, rows in right.items()}
    assert left == right
    assert len(left["attribute_decisions"]) > CUSTOMERS
    con, out = zones.memory(), zones.literal(str(on_sqlite.home / "decisions" / "record_decisions.parquet"))
    names = [row[0] for row in con.execute(f"DESCRIBE SELECT * FROM read_parquet({out})").fetchall()]
    assert names == ["as_of", "entity", "record_id", "part", "subject_id", "decision", "due_on", "retained_by",
                     "held_by", "policy_version"], "and no number that means something within one file alone"


@pytest.mark.soak
def test_both_databases_give_the_same_release(on_sqlite: Settings, on_postgres: Settings) -> None:
    """G12 over a whole month, too: neither the order of rows nor the number of threads changes a byte."""
    assert published(on_sqlite) == published(on_postgres)
    assert {"manifest.json", "release.html"} < set(published(on_sqlite))


@pytest.mark.soak
def test_the_order_of_rows_in_the_warehouse_changes_no_byte(on_sqlite: Settings, tmp_path: Path) -> None:
    """The same in one database: every table in another order, Parquet, manifest and page compared."""
    shop = tmp_path / "shop.db"
    shutil.copyfile(on_sqlite.warehouse_url.removeprefix("sqlite:///"), shop)
    with sqlite3.connect(shop) as con:
        for (table,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = con.execute(f"SELECT * FROM {table}").fetchall()
            random.Random(2).shuffle(rows)
            con.execute(f"DELETE FROM {table}")
            con.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    shuffled = month(tmp_path / "home", f"sqlite:///{shop}", AJPRIVACY_THREADS="2")
    assert published(shuffled) == published(on_sqlite)
    assert {"manifest.json", "release.html"} < set(published(shuffled))


def extract_often(run: MonthRun) -> None:
    """Blocks that an attempt before has freed are taken first."""
    for _ in range(3):
        run.extract()


def test_a_full_disk_while_the_warehouse_is_read_keeps_what_was_extracted_before(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    generate(url, 1_000, 1, date(2026, 10, 31), progress=lambda _: None)
    with open_month(settings_for(tmp_path / "home", url), MONTH, "test") as run:
        run.extract()
        before = run.con.execute("SELECT * FROM raw.extraction ORDER BY ALL").fetchall()
        size = (tmp_path / "home" / "restricted" / f"{MONTH}.duckdb").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, resource.RLIM_INFINITY))
        try:
            with pytest.raises(PrivacyError, match="the disk is full or the file may not grow; free space and run"):
                extract_often(run)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with open_month(settings_for(tmp_path / "home", url), MONTH, "test") as run:
        assert run.con.execute("SELECT * FROM raw.extraction ORDER BY ALL").fetchall() == before


def test_a_run_in_a_text_shows_nothing_that_it_holds(tmp_path: Path) -> None:
    """It holds what its models are bound to, the keys of pseudonyms among them."""
    with open_month(settings_for(tmp_path / "home", "sqlite://"), MONTH, "test") as run:
        run._values["keys"] = {"inner": b"never to be seen"}
        assert re.fullmatch(r"<\S+MonthRun object at \w+>", repr(run))


def test_a_month_that_is_read_again_begins_a_new_file_under_a_new_key(tmp_path: Path) -> None:
    """What went from the warehouse since is in no old page; whoever kept the old file has no key to it."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    generate(url, 20, 1, date(2026, 10, 31), progress=lambda _: None)
    settings, kept = settings_for(tmp_path / "home", url), tmp_path / "kept.duckdb"
    keys, file = KeyStore(settings.keys, ROOT_KEY), settings.restricted / f"{MONTH}.duckdb"
    with open_month(settings, MONTH, "test") as run:
        run.extract()
    old = keys.data_key(MONTH)
    shutil.copy(file, kept)
    assert zones.opens(kept, old)
    with open_month(settings, MONTH, "again") as run:
        run.extract()
        rows = run.rows("raw.customers")
    assert keys.data_key(MONTH) != old
    assert not zones.opens(kept, keys.data_key(MONTH))
    with zones.open_zone(settings, keys, file, read_only=True) as con:
        assert con.execute("SELECT count(*) FROM raw.customers").fetchall() == [(rows,)]


@pytest.mark.soak
def test_a_second_run_changes_nothing_published(on_sqlite: Settings) -> None:
    before = published(on_sqlite)
    with open_month(on_sqlite, MONTH, "again", logs=list) as run:
        run_all(run)
        assert run.release_result is not None
        assert run.release_result.status == "already_closed"
    assert published(on_sqlite) == before


@pytest.mark.soak
def test_analysts_read_while_a_run_is_under_way(on_sqlite: Settings) -> None:
    reader = zones.memory()
    path = zones.literal(str(on_sqlite.published / "analytics.duckdb"))
    reader.execute(f"ATTACH {path} AS analytics (READ_ONLY)")
    with open_month(on_sqlite, MONTH, "beside") as run:
        run.extract()
        assert reader.execute("SELECT count(*) > 0 FROM analytics.published.sales_monthly").fetchall() == [(True,)]


def test_a_foreign_shop_runs_through(tmp_path: Path, postgres_url: str) -> None:
    url = fresh_database(postgres_url, "foreign_month")
    with connect(url) as connection:
        connection.execute(SHOP)
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    settings = month(tmp_path / "home", url, None, AJPRIVACY_MAPPING=str(mapping))
    found = decisions(settings)
    subjects = {row[1] for row in found["attribute_decisions"]}
    assert {"customer:1", "customer:2", "customer:3"} <= subjects
    con = zones.memory()
    con.execute(f"ATTACH {zones.literal(str(settings.published / 'analytics.duckdb'))} AS a (READ_ONLY)")
    said = "SELECT guarantee, figure FROM a.published.release_info WHERE verdict = 'absent'"
    absent = dict(con.execute(said).fetchall())
    assert absent.pop("customers_microdata") == "fewer than 10 people may be in it"
    assert absent == {
        "communications_monthly": "the warehouse has no communications",
        "web_activity_monthly": "the warehouse has no web_events",
        "service_health_daily": "the warehouse has no app_logs",
        "newsletter_monthly": "the warehouse has no newsletter_subscriptions",
        "deliveries_monthly.partial_orders": "the warehouse has no order_lines.delivered_at",
        "product_demand_monthly.returned_units": "the warehouse has no order_lines.returned_at"}
    tables = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'a'"
    assert {row[0] for row in con.execute(tables).fetchall()} == {
        "sales_monthly", "sales_counts", "product_demand_monthly", "deliveries_monthly", "service_monthly",
        "retention_monthly", "data_dictionary", "release_info"}
    assert "communications" in (settings.published / "releases" / MONTH / "release.html").read_text(encoding="utf-8")


@pytest.mark.soak
def test_pseudonyms_are_hmacs_and_leave_out_whoever_is_due(on_postgres: Settings) -> None:
    import hmac

    from ajprivacy_pipeline.pseudonyms.keys import pseudonym_parameters
    with open_month(on_postgres, MONTH, "look") as run:
        rows = run.con.execute("SELECT customer_id, contact_id, token, segment_token FROM pseudonyms.people").fetchall()
        due = {row[0] for row in run.con.execute(
            "SELECT DISTINCT subject_id FROM retention.attribute_decisions WHERE decision = 'due'").fetchall()}
    values = pseudonym_parameters(KeyStore(on_postgres.keys, ROOT_KEY), MONTH)
    inner = values["improvement_inner"]
    assert isinstance(inner, bytes)
    key = bytes(byte ^ 0x36 for byte in inner).rstrip(b"\0")
    assert rows
    for customer_id, contact_id, token, segment_token in rows:
        subject = f"contact:{contact_id}" if contact_id else f"customer:{customer_id}"
        assert token == hmac.new(key, subject.encode(), "sha256").hexdigest()
        assert token != segment_token
        assert subject not in due


@pytest.mark.soak
def test_no_model_compares_every_row_with_every_row(on_postgres: Settings) -> None:
    """A condition on the left side of a LEFT JOIN makes the engine loop: hours at a million customers."""
    slow = []
    with open_month(on_postgres, MONTH, "plans") as run:
        for layer in LAYERS:
            for model in layer_models(run.catalogue, (layer,)):
                if model.name == "anonymous.tokens" or "anonymous.tokens" in model.reads:
                    run.model("anonymous.tokens")  # dropped when a run closes
                values = run._bound(layer)
                plan = run.con.execute(f"EXPLAIN {model.sql}", {name: values[name] for name in model.params}).fetchall()
                slow += [model.name for join in ("BLOCKWISE_NL_JOIN", "NESTED_LOOP_JOIN") if join in plan[0][1]]
    assert slow == []


def test_what_killed_runs_left_is_swept_at_the_next_start(tmp_path: Path) -> None:
    """Spilled rows and the file with the warehouse's password; not those of a month that is under way."""
    settings = load_settings({"AJPRIVACY_HOME": str(tmp_path / "home")})
    prepare_home(settings)
    months = ("2026-06", "2026-07", "2026-08")
    left = {month: settings.restricted / "spill" / month / "ajprivacy_left" for month in months}
    for path in left.values():
        path.parent.mkdir(parents=True)
        path.touch()
    with month_lock(settings, "2026-07"), open_month(settings, "2026-08", "r1"):
        assert {month: path.exists() for month, path in left.items()} == {
            "2026-06": False, "2026-07": True, "2026-08": False}


def test_a_month_before_the_first_is_refused(tmp_path: Path) -> None:
    settings = load_settings({"AJPRIVACY_HOME": str(tmp_path / "home")})
    with (pytest.raises(PolicyError, match=r"purposes\.toml: first_month is 2018-01, after 2017-12"),
          open_month(settings, "2017-12", "r1")):
        pass
