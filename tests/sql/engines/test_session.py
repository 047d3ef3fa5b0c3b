"""A session that cannot be had is told in one sentence, and what Spark refuses without the words of a row."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from ajprivacy_pipeline.errors import ModelError
from ajprivacy_pipeline.storage.catalogue import Model
from ajprivacy_pipeline.storage.spark.session import Spark, session
from tests.sql.engines.sparkbench import small_session

ROOT = Path(__file__).resolve().parents[3]


def test_without_pyspark_one_sentence_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)

    with (pytest.raises(ModelError) as told, session("local[1]", "Europe/Oslo", {})):
        pytest.fail("it started")

    assert str(told.value) == "Spark needs Java 17 or 21 and the extra [spark]: PySpark is not installed"


@pytest.mark.soak
def test_without_java_one_sentence_names_it(tmp_path: Path) -> None:
    """In a process of its own: a Java that runs once is used again."""
    asked = ("from ajprivacy_pipeline.errors import ModelError\n"
             "from ajprivacy_pipeline.storage.spark.session import session\n"
             "try:\n    with session('local[1]', 'Europe/Oslo', {}):\n        print('it started')\n"
             "except ModelError as error:\n    print(error)\n")
    bare = {"PATH": str(tmp_path), "JAVA_HOME": "", "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}

    told = subprocess.run([sys.executable, "-c", asked], env=bare, capture_output=True, text=True, check=True)

    assert told.stdout.strip() == ("Spark needs Java 17 or 21 and the extra [spark]: it did not start; see whether "
                                   "`java -version` says one of them")


@pytest.mark.soak
def test_what_spark_refuses_is_told_without_a_row(capfd: pytest.CaptureFixture[str]) -> None:
    secret = "kari@example.no"
    failing = Model("staged.cases", "one row", "fails", (), ("raw.cases",),
                    "SELECT CAST(email AS INTEGER) AS n FROM raw.cases")
    missing = Model("staged.cases", "one row", "fails", (), ("raw.cases",), "SELECT nothing FROM raw.cases")
    unbound = Model("staged.cases", "one row", "fails", ("day",), (), "SELECT $day AS day")
    with small_session() as started:
        spark = Spark(started, {})
        spark.take("raw.cases", pa.table({"email": [secret]}))
        for model, says in ((failing, "CAST_INVALID_INPUT"), (missing, "UNRESOLVED_COLUMN"),
                            (unbound, "nothing binds day")):
            with pytest.raises(ModelError, match=says) as told:
                spark.run(model, {})
            assert secret not in str(told.value)
        assert spark.rows("raw.cases").to_pylist() == [{"email": secret}]
    assert secret not in "".join(capfd.readouterr())
