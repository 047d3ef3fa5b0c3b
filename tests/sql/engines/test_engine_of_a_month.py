"""AJPRIVACY_ENGINE=spark: a month that Spark decides is the month that DuckDB decides."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pytest

from ajprivacy_pipeline.errors import ModelError, PrivacyError
from ajprivacy_pipeline.run.engines import ON_SPARK, Beside, options
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.sample import generate
from ajprivacy_pipeline.settings import load_settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import Model, layer_models
from ajprivacy_pipeline.storage.engine import DuckDB
from tests.sql.engines.sparkbench import SMALL

MONTH = "2026-10"
DAYS = Model("staged.days", "", "", ("least",), ("raw.days",),
             "SELECT CAST(n AS HUGEINT) AS n, [d] AS days FROM raw.days WHERE n >= $least")
LATER = Model("retention.later", "", "", (), ("staged.days",), "SELECT n, days[1] AS d FROM staged.days", is_view=True)


def decided(home: Path, shop: Path, **env: str) -> dict[str, pa.Table]:
    """The tables of a month's decisions by name, rows in order."""
    settings = load_settings({"AJPRIVACY_HOME": str(home), "AJPRIVACY_WAREHOUSE": f"sqlite:///{shop}",
                              "AJPRIVACY_ROOT_KEY": "5a" * 32, "AJPRIVACY_THREADS": "1", **env})
    with open_month(settings, MONTH, "test") as run:
        run_decisions(run)
        names = [model.name for model in layer_models(run.catalogue, ON_SPARK)]
        return {name: run.con.execute(f"SELECT * FROM {name} ORDER BY ALL").to_arrow_table() for name in names}


@pytest.mark.soak
@pytest.mark.parametrize("master", ["local[2]", "local-cluster[2,1,1024]"])
def test_a_month_is_decided_alike(master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table and type of it, with nothing of Spark's left beside it; one home, since tokens follow its keys."""
    generate(f"sqlite:///{tmp_path / 'shop.db'}", customers=200, seed=3)
    conf, empty = tmp_path / "conf", tmp_path / "started here"
    conf.mkdir()
    (conf / "spark-defaults.conf").write_text(
        "".join(f"{name} {value}\n" for name, value in SMALL.items() if name != "spark.driver.memory"))
    monkeypatch.setenv("SPARK_CONF_DIR", str(conf))
    empty.mkdir()
    monkeypatch.chdir(empty)
    expected = decided(tmp_path / "home", tmp_path / "shop.db")
    found = decided(tmp_path / "home", tmp_path / "shop.db", AJPRIVACY_ENGINE="spark", AJPRIVACY_SPARK=master,
                    AJPRIVACY_MEMORY="1500MB")
    assert [name for name in expected if not found[name].equals(expected[name])] == []
    assert sum(table.num_rows for table in expected.values()) > 1_000
    assert list(empty.iterdir()) == []
    assert [path.name for path in (tmp_path / "home" / "restricted").rglob("*spark*")] == []


def test_without_pyspark_nothing_is_decided_and_one_sentence_says_so(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    generate(f"sqlite:///{tmp_path / 'shop.db'}", customers=20, seed=3)
    with pytest.raises(ModelError, match=r"extra \[spark\]: PySpark is not installed"):
        decided(tmp_path / "home", tmp_path / "shop.db", AJPRIVACY_ENGINE="spark")
    assert not (tmp_path / "home" / "restricted" / "spill" / MONTH / "spark").exists()


@pytest.mark.soak
def test_a_cluster_that_cannot_be_joined_is_said_in_one_sentence(tmp_path: Path) -> None:
    """A port at which nobody listens, and no secret to join with."""
    generate(f"sqlite:///{tmp_path / 'shop.db'}", customers=20, seed=3)
    with pytest.raises(ModelError, match=r"^spark://127.0.0.1:1: Spark did not start; see whether the cluster can be"):
        decided(tmp_path / "home", tmp_path / "shop.db", AJPRIVACY_ENGINE="spark", AJPRIVACY_SPARK="spark://127.0.0.1:1")
    assert not (tmp_path / "home" / "restricted" / "spill" / MONTH / "spark").exists()


@pytest.mark.parametrize(("name", "value", "says"), [
    ("AJPRIVACY_ENGINE", "polars", "AJPRIVACY_ENGINE must be duckdb or spark"),
    ("AJPRIVACY_SPARK", "sc://cluster.example.no", "a Spark Connect address"),
    ("AJPRIVACY_SPARK", "local[two]", "AJPRIVACY_SPARK must be a master of Spark"),
    ("AJPRIVACY_SPARK", "local-cluster[2,1]", "AJPRIVACY_SPARK must be a master of Spark")])
def test_what_is_no_engine_is_refused(name: str, value: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(PrivacyError, match=says):
        load_settings({"AJPRIVACY_HOME": str(tmp_path), name: value})


@pytest.mark.parametrize(("limit", "memory"), [("2GB", "1907m"), ("1500 MB", "1430m"), ("4GiB", "4096m")])
def test_spark_takes_no_more_than_it_may_and_writes_encrypted(limit: str, memory: str, tmp_path: Path) -> None:
    told = options(load_settings({"AJPRIVACY_HOME": str(tmp_path), "AJPRIVACY_MEMORY": limit}), tmp_path / "spark")
    assert told["spark.driver.memory"] == memory
    assert told["spark.io.encryption.enabled"] == "true"
    assert {Path(told[name]).relative_to(tmp_path).parts[0]
            for name in ("spark.local.dir", "spark.sql.warehouse.dir")} == {"spark"}


@pytest.mark.parametrize(("master", "encrypted", "secret"), [
    ("local", False, False), ("local[*]", False, False), ("local-cluster[2,1,1024]", True, True),
    ("spark://host:7077", True, False), ("yarn", True, False), ("k8s://https://host", True, False)])
def test_people_travel_encrypted_between_processes(master: str, encrypted: bool, secret: bool, tmp_path: Path) -> None:
    """In one process nothing travels; a secret of our own where no cluster has one, another each time."""
    told, again = (options(load_settings({"AJPRIVACY_HOME": str(tmp_path), "AJPRIVACY_SPARK": master}), tmp_path)
                   for _ in range(2))
    wire = {name: value for name, value in told.items() if name.startswith(("spark.network", "spark.auth"))}
    own = wire.pop("spark.authenticate.secret", "")
    assert wire == ({"spark.authenticate": "true", "spark.network.crypto.enabled": "true"} if encrypted else {})
    assert (len(own) == 64) is secret
    assert ("spark.pyspark.python" in told) is master.startswith("local")  # a path of this machine is none of another's
    assert not secret or own != again["spark.authenticate.secret"]


def test_what_is_written_anew_is_handed_over_anew_and_types_come_back(tmp_path: Path) -> None:
    """Held by a second DuckDB in Spark's place."""
    con, other = zones.memory(), zones.memory()
    beside = Beside(con, DuckDB(other))
    con.execute("CREATE SCHEMA raw; CREATE TABLE raw.days AS SELECT range AS n, DATE '2026-10-01' AS d FROM range(5)")
    assert beside.run(DAYS, {"least": 2, "other": 1}) == 3
    con.execute("INSERT INTO raw.days VALUES (9, NULL)")
    assert beside.run(DAYS, {"least": 2}) == 4
    assert beside.run(LATER, {}) == 4
    assert con.execute("SELECT n, d FROM retention.later ORDER BY n").fetchall()[-1] == (9, None)
    assert con.execute("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'days' "
                       "AND schema_name = 'staged'").fetchall() == [("n", "HUGEINT"), ("days", "DATE[]")]
    assert con.execute("SELECT count(*) FROM duckdb_views() WHERE view_name = 'later'").fetchall() == [(1,)]
