"""Column lineage as Dagster shows it at each materialisation."""

from pathlib import Path

import dagster as dg
import pytest
from ajprivacy_pipeline.assets import lineage
from ajprivacy_pipeline.assets.lineage import MadeOf, kept_lineage, shown

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.retention.bind import catalogue_of
from ajprivacy_pipeline.settings import NOTICE

POLICY = load_policy(NOTICE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dagster")


@pytest.fixture(scope="module")
def made_of(folder: Path) -> MadeOf:
    return kept_lineage(POLICY, folder)


def test_every_model_says_what_its_columns_are_made_of(made_of: MadeOf) -> None:
    for name, model in catalogue_of(POLICY).items():
        found = shown(made_of, name)["dagster/column_lineage"]
        assert found.deps_by_column
        reads = {dg.AssetKey(read.split(".")) for read in model.reads}
        assert {dep.asset_key for deps in found.deps_by_column.values() for dep in deps} <= reads
    assert shown(made_of, "staged.quality") == {}


def test_revenue_is_made_of_the_layer_below(made_of: MadeOf) -> None:
    found = shown(made_of, "published.sales_monthly")["dagster/column_lineage"]
    assert found.deps_by_column["revenue_nok"] == [
        dg.TableColumnDep(asset_key=dg.AssetKey(["anonymous", "sales"]), column_name="revenue_nok")]


def test_what_is_kept_is_what_was_read(made_of: MadeOf, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read once, and again where a model is another one, or the file is no file of ours."""
    kept = folder / "lineage.json"
    first = kept.stat().st_ino
    for name in made_of:
        assert shown(kept_lineage(POLICY, folder), name) == shown(made_of, name)
        break
    assert kept.stat().st_ino == first
    kept.write_text("[", encoding="utf-8")
    assert list(kept_lineage(POLICY, folder)) == list(made_of)
    monkeypatch.setattr(lineage, "macros", lambda *_: "-- another text")
    before = kept.stat().st_ino
    kept_lineage(POLICY, folder)
    assert kept.stat().st_ino != before
