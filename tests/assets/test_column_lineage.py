"""Column lineage as Dagster shows it at each materialisation."""

from types import SimpleNamespace

import dagster as dg
from ajprivacy_pipeline.assets.build import column_lineage

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.retention.bind import catalogue_of
from ajprivacy_pipeline.settings import NOTICE

RUN = SimpleNamespace(policy=load_policy(NOTICE))


def test_every_model_says_what_its_columns_are_made_of() -> None:
    for name, model in catalogue_of(RUN.policy).items():
        found = column_lineage(RUN, name)["dagster/column_lineage"]  # type: ignore[arg-type]
        assert found.deps_by_column
        reads = {dg.AssetKey(read.split(".")) for read in model.reads}
        assert {dep.asset_key for deps in found.deps_by_column.values() for dep in deps} <= reads


def test_revenue_is_made_of_the_layer_below() -> None:
    found = column_lineage(RUN, "published.sales_monthly")["dagster/column_lineage"]  # type: ignore[arg-type]
    assert found.deps_by_column["revenue_nok"] == [
        dg.TableColumnDep(asset_key=dg.AssetKey(["anonymous", "sales"]), column_name="revenue_nok")]
