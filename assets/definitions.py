"""The Dagster code location: everything that Dagster sees, in one place.

Belongs here: putting the parts together. Does not belong here: parts.
"""

from collections.abc import Mapping

import dagster as dg
from ajprivacy_pipeline.assets import (
    alerts,
    checks,
    enforce,
    jobs,
    month_page,
    published,
    quality,
    review,
    rights,
    steps,
)
from ajprivacy_pipeline.assets.build import EXTRACTION, WATCHED, Check, key, layer, model_table
from ajprivacy_pipeline.assets.resources import MONTH, month_resource

from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.run.whole import questions
from ajprivacy_pipeline.settings import notice_folder, sql_folder
from ajprivacy_pipeline.storage.catalogue import LAYERS, Model, layer_models, load_catalogue


def build_defs() -> dg.Definitions:
    """Assets from the SQL catalogue and the policy, with their steps, jobs, schedules, sensors and the month."""
    policy = load_policy(notice_folder())
    catalogue = load_catalogue(sql_folder(), vocabulary_of(policy))
    work = [
        steps.extraction(policy.sources),
        *(_layer(name, catalogue, policy) for name in LAYERS),
        steps.pseudonymised(layer_models(catalogue, ("pseudonymised",))),
        checks.release(layer_models(catalogue, ("published",)), policy),
        published.tables(policy),
        review.review(),
    ]
    made = [*work, steps.close([key(EXTRACTION), steps.ZONE, checks.RELEASE, review.OPEN]), steps.destination(),
            enforce.plan(), enforce.certificate(), month_page.page()]
    monthly = jobs.monthly_job(dg.AssetSelection.assets(*(asset_key for asset in made for asset_key in asset.keys)))
    apply = enforce.apply_job()
    daily = rights.daily_job()
    maintenance = jobs.maintenance_job(policy.periods["log_months"])
    return dg.Definitions(
        assets=[*steps.source_specs(policy.sources), *made, enforce.applied(), rights.requests()],
        asset_checks=[quality.tables_were_read(list(policy.sources.tables))],
        jobs=[monthly, apply, daily, maintenance],
        schedules=[jobs.monthly_schedule(monthly), rights.daily_schedule(daily),
                   jobs.maintenance_schedule(maintenance)],
        sensors=[alerts.failed_runs, alerts.alerts, enforce.approved_plans(apply)],
        resources={MONTH: month_resource()},
        executor=dg.in_process_executor,
    )


def _layer(name: str, catalogue: Mapping[str, Model], policy: Policy) -> dg.AssetsDefinition:
    """The tables of a layer; with the staged ones what does not fit, found in all that do not read it themselves."""
    models = layer_models(catalogue, (name,))
    tables = [model_table(model, policy.sources) for model in models]
    asked: dict[str, list[Check]] = {
        "staged": [quality.values_fit(), *map(quality.table_fits, policy.sources.tables)],
        "retention": [quality.facts_are_evidence(), *map(quality.has_rows, (
            table for table in WATCHED if table != "retention.due"))]}  # that nothing is due is good news
    whole = [quality.is_whole(model.name, asking) for model in models
             if (asking := questions(policy).get(model.name)) is not None]
    if name == "staged":
        tables.append(steps.quality([EXTRACTION, *(model.name for model in models
                                                   if "staged.quality" not in model.reads)]))
    return layer(name, tables, [*asked.get(name, []), *whole])


defs = build_defs()
