"""The SQL catalogue refuses models that do not say what they are."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import ModelError
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.vocabulary import Vocabulary
from ajprivacy_pipeline.retention.bind import catalogue_of
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import load_catalogue, run_model

GOOD = """-- model: staged.{name}
-- grain: one row
-- params: {params}
-- reads: {reads}
-- doc: A model.
{sql}
"""


def model(folder: Path, name: str = "a", params: str = "", reads: str = "raw.t", sql: str = "SELECT * FROM raw.t",
          layer: str = "staged") -> Path:
    path = folder / layer / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(GOOD.format(name=name, params=params, reads=reads, sql=sql))
    return folder


def test_models_come_after_what_they_read(tmp_path: Path) -> None:
    model(tmp_path, "a", reads="staged.b", sql="SELECT * FROM staged.b")
    model(tmp_path, "b")
    assert list(load_catalogue(tmp_path, Vocabulary())) == ["staged.b", "staged.a"]


@pytest.mark.parametrize(("change", "said"), [
    ({"reads": "raw.other"}, "reads in the header"),
    ({"params": "x"}, "params in the header"),
    ({"sql": "SELECT $x FROM raw.t"}, "params in the header"),
    ({"reads": "staged.c", "sql": "SELECT * FROM staged.c"}, "which no model makes"),
    ({"layer": "elsewhere"}, "known layer"),
])
def test_a_header_that_does_not_fit_is_refused(tmp_path: Path, change: dict[str, str], said: str) -> None:
    model(tmp_path, **change)
    with pytest.raises(ModelError, match=said):
        load_catalogue(tmp_path, Vocabulary())


def test_a_circle_is_refused(tmp_path: Path) -> None:
    model(tmp_path, "a", reads="staged.b", sql="SELECT * FROM staged.b")
    model(tmp_path, "b", reads="staged.a", sql="SELECT * FROM staged.a")
    with pytest.raises(ModelError, match="circle"):
        load_catalogue(tmp_path, Vocabulary())


def test_a_header_without_a_key_is_refused(tmp_path: Path) -> None:
    model(tmp_path)
    path = tmp_path / "staged" / "a.sql"
    path.write_text(path.read_text().replace("-- grain: one row\n", ""))
    with pytest.raises(ModelError, match="lacks grain"):
        load_catalogue(tmp_path, Vocabulary())


def test_a_failing_model_says_no_value(tmp_path: Path) -> None:
    model(tmp_path, sql="SELECT CAST(v AS INTEGER) AS v FROM raw.t")
    con = zones.memory()
    con.execute("CREATE SCHEMA raw")
    con.execute("CREATE TABLE raw.t AS SELECT 'kari@example.no' AS v")
    with pytest.raises(ModelError) as caught:
        run_model(con, load_catalogue(tmp_path, Vocabulary())["staged.a"], {})
    assert "kari" not in str(caught.value)
    assert "staged.a" in str(caught.value)


def test_the_house_has_a_sound_catalogue() -> None:
    assert len(catalogue_of(load_policy(NOTICE))) > 50
