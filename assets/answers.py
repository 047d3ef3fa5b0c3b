"""What the newest page of a month says in short, as Dagster shows it: seven answers, and what did not pass.

Belongs here: the metadata of the page's asset, the links to what answers a question, the page anew after an apply. Does
not belong here: what is asked and answered (`monthly.answers`), the step that ends a month (`month_page`).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.monthly.answers import LOOK_AT
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.boundary import boundary

if TYPE_CHECKING:
    from ajprivacy_pipeline.monthly.answers import Failed
    from ajprivacy_pipeline.monthly.figures import MonthFigures

PAGE = dg.AssetKey(["month", "page"])
PLACE = "/month/"  # below which Dagster's pages show them; at the place itself the newest
_FAILED = "checks_not_passed"


def ways() -> str:
    """Returns the seven questions with links to what answers each, as Markdown."""
    lines = "\n".join(f"- {question} Look at [{place}](/assets/{place})" for question, place in LOOK_AT.items())
    return (f"{lines}\n\nAll of it in short: [month/page](/assets/{'/'.join(PAGE.path)}). In full, with who changed "
            f"the policy: [the page of the month]({PLACE}).")


def told(found: "MonthFigures", failed: "list[Failed]", pages: Sequence[Path]) -> dict[str, Any]:
    """Returns what the newest page says in short: its addresses, the answers, checks that did not pass, figures.

    Texts and no tables: Dagster's page cuts off a table that is wider than its column, and breaks the lines of a text.
    """
    from ajprivacy_pipeline.monthly.answers import answers
    norwegian, english = pages
    return {
        "page": dg.MetadataValue.url(f"{PLACE}{norwegian.name}"),
        "page_in_english": dg.MetadataValue.url(f"{PLACE}{english.name}"),
        **{f"{number} {one['question']}": one["answer"] for number, one in enumerate(answers(found, failed), 1)},
        **{f"not passed: {one['check']} of {one['of']}": f"{one['says']}. To do: {one['to_do'] or 'see the check'}"
           for one in failed},
        **({_FAILED: [dict(one) for one in failed]} if failed else {}),
        "due": sum(part["due"] for part in found["decided"]), "overdue_days": found["overdue_days"],
        "requests_overdue": sum(row["overdue"] for row in found["requests"])}


def failed_checks(instance: dg.DagsterInstance, run_id: str) -> "Iterator[Failed]":
    """The checks of a run that did not pass so far."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        if entry.dagster_event is not None:
            said = entry.dagster_event.asset_check_evaluation_data
            if not said.passed:
                yield {"check": said.check_name, "of": "/".join(said.asset_key.path), "says": said.description or "",
                       "to_do": _to_do(said.metadata)}


def _to_do(metadata: Mapping[str, Any]) -> str:
    """What a check says is to be done: `to_do` or, of a guarantee, `remedy`; by fault where there are several."""
    said = metadata.get("to_do") or metadata.get("remedy")
    value = said.value if said is not None else ""
    return "; ".join(f"{fault}: {what}" for fault, what in value.items()) if isinstance(value, Mapping) else str(value)


def _known(instance: dg.DagsterInstance) -> "list[Failed]":
    """The checks that the page before named: an apply asks none of the month again."""
    event = instance.get_latest_materialization_event(PAGE)
    before = event.asset_materialization if event is not None else None
    said = before.metadata.get(_FAILED) if before is not None else None
    rows = said.data if isinstance(said, dg.JsonMetadataValue) and isinstance(said.data, list) else []
    return [{"check": str(row["check"]), "of": str(row["of"]), "says": str(row["says"]), "to_do": str(row["to_do"])}
            for row in rows]


def renewed(instance: dg.DagsterInstance, found: "MonthFigures", pages: Sequence[Path], policy: Policy,
            why: str) -> dg.AssetMaterialization:
    """Returns the event that a month's page was written anew: what it says, and what the run of the month checked."""
    return dg.AssetMaterialization(
        PAGE, partition=f"{found['month']}-01", description=why,
        metadata={**told(found, _known(instance), pages), "policy_version": policy.version, "made": True})


def renew_page(context: dg.AssetExecutionContext, settings: Settings, policy: Policy) -> None:
    """Write the newest month's page anew after an apply, and note it; a page that cannot be written is a warning."""
    from ajprivacy_pipeline.monthly.renew import renew
    try:
        with boundary("page of the month"):
            found, pages = renew(settings, policy, today(policy.retention.time_zone))
    except PrivacyError as error:
        context.log.warning(str(error))
        return
    context.log_event(renewed(context.instance, found, pages, policy, "anew, after an apply"))
