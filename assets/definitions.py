"""The Dagster code location: everything that Dagster sees, in one place.

Belongs here: putting the parts together. Does not belong here: parts.
"""

from collections.abc import Mapping

import dagster as dg
from ajprivacy_pipeline.assets import alerts, checks, enforce, jobs, quality, review, rights, steps
from ajprivacy_pipeline.assets.build import EXTRACTION, build_assets
from ajprivacy_pipeline.assets.resources import MONTH, month_resource

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.retention.bind import catalogue_of
from ajprivacy_pipeline.settings import notice_folder
from ajprivacy_pipeline.storage.catalogue import Model, layer_models


def build_defs() -> dg.Definitions:
    """Assets from the SQL catalogue and the policy, with their steps, jobs, schedules, sensors and the month."""
    policy = load_policy(notice_folder())
    catalogue = catalogue_of(policy)
    work = [
        steps.extraction(policy.sources),
        *build_assets(list(catalogue.values())),
        steps.quality(_before_quality(catalogue)),
        steps.pseudonymised(layer_models(catalogue, ("pseudonymised",))),
        checks.release(layer_models(catalogue, ("published",)), policy),
        review.review(),
    ]
    made = [*work, steps.close([asset_key for asset in work for asset_key in asset.keys]), steps.destination(),
            enforce.plan(), enforce.certificate()]
    monthly = jobs.monthly_job(dg.AssetSelection.assets(*(asset_key for asset in made for asset_key in asset.keys)))
    apply = enforce.apply_job()
    daily = rights.daily_job()
    maintenance = jobs.maintenance_job(policy.periods["log_months"])
    return dg.Definitions(
        assets=[*steps.source_specs(policy.sources), *made, enforce.applied(), rights.requests()],
        asset_checks=quality.checks(),
        jobs=[monthly, apply, daily, maintenance],
        schedules=[jobs.monthly_schedule(monthly), rights.daily_schedule(daily),
                   jobs.maintenance_schedule(maintenance)],
        sensors=[alerts.failed_runs, alerts.alerts, enforce.approved_plans(apply)],
        resources={MONTH: month_resource()},
        executor=dg.in_process_executor,
    )


def _before_quality(catalogue: Mapping[str, Model]) -> list[str]:
    """The quality step looks at every staged table that does not itself read what the step writes."""
    return [EXTRACTION, *(model.name for model in layer_models(catalogue, ("staged",))
                                if "staged.quality" not in model.reads)]


defs = build_defs()
