"""The review of the month: how much waits for a person's decision, and since when. Never who.

Belongs here: one asset. Does not belong here: what is under review (SQL), how it is decided (`review`).
"""

import dagster as dg
from ajprivacy_pipeline.assets.build import MONTHS, OWNERS, key
from ajprivacy_pipeline.assets.journey import group
from ajprivacy_pipeline.assets.resources import MONTH, step

OPEN = dg.AssetKey(["review", "open"])


def review() -> dg.AssetsDefinition:
    """Counts per reason, and the age of the oldest undecided case."""

    @dg.asset(key=OPEN, group_name=group("review"), kinds={"duckdb"}, owners=OWNERS, tags={"content": "counts"},
              deps=[key("retention.review_list")], partitions_def=MONTHS, required_resource_keys={MONTH},
              description="What a person must decide or look at this month, as counts per reason, with the age in days "
                          "of the oldest undecided case. `ajprivacy review list` names the cases.")
    def review__open(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from ajprivacy_pipeline.oversight.reviews import review_figures
        with step(context) as run:
            found = review_figures(run.con, run.control)
        return dg.MaterializeResult(metadata={
            "policy_version": run.policy.version, "counts": found["counts"], "undecided": found["undecided"],
            "oldest_undecided_days": found["oldest_undecided_days"]})

    return review__open
