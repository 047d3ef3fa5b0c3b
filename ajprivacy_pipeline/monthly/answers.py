"""The seven things that somebody who has never seen the pages wants to know of a month, each with its answer.

Belongs here: one sentence a question, made of the month's figures; where each leads. Does not belong here: the figures
(`figures`), how they are shown (the page, Dagster).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from ajprivacy_pipeline.calendar import last_full_month, runs_on

if TYPE_CHECKING:  # the questions alone are read without a month
    from ajprivacy_pipeline.monthly.figures import MonthFigures

# Question -> the asset that says more, by its path; what else says more is on the page of the month.
LOOK_AT: Mapping[str, str] = {
    "Did last month run?": "control/months",
    "Who is overdue, and why?": "retention/due",
    "Is the standing release proven?": "release/analytics",
    "What happens next month?": "retention/attribute_decisions",
    "Which check failed, and what is to be done?": "staged/quality",
    "Which policy decided, and who changed it?": "month/page",
    "What waits for me?": "review/open",
}


class Failed(TypedDict):
    """A check of the month that did not pass, in its own words; `to_do` is empty where it names none."""

    check: str
    of: str
    says: str
    to_do: str


class Answer(TypedDict):
    """A question, its answer, and the asset that says more."""

    question: str
    answer: str
    look_at: str


def answers(found: "MonthFigures", failed: Sequence[Failed]) -> list[Answer]:
    """Returns the seven answers, in the order of the questions; counts, days and months alone."""
    said = (_ran(found), _overdue(found), _release(found), _next(found), _checks(failed),
            _policy(found),
            "; ".join(_waiting(found)) or "nothing")
    return [{"question": question, "answer": answer, "look_at": place}
            for (question, place), answer in zip(LOOK_AT.items(), said, strict=True)]


def _ran(found: "MonthFigures") -> str:
    """Whether the last full month is the one that is told of; of another one this says nothing."""
    last = last_full_month(found["seen_on"])
    if found["month"] == last:
        return f"yes, {last}, seen on {found['seen_on']:%d %B %Y}"
    return f"this is the page of {found['month']}; whether {last}, the last full month, ran stands in control/months"


def _overdue(found: "MonthFigures") -> str:
    due = sum(part["due"] for part in found["decided"])
    if not due:
        return "nobody: nothing is due"
    oldest = f"the oldest for {found['overdue_days']:,} days"
    if done := found["carried_out"]:
        told = f"{done:,} of {due:,} decisions are carried out"
        return f"nobody: {told}" if found["overdue_since"] is None else f"{told}; of the rest, {oldest}"
    most = sorted(found["decided"], key=lambda part: part["due"], reverse=True)[:3]
    why = ", ".join(f"{part['due']:,} of {part['entity']}.{part['part']} ({part['clause']})" for part in most
                    if part["due"])
    return f"{due:,} decisions are due, {oldest}; most: {why}"


def _release(found: "MonthFigures") -> str:
    standing = found["standing"]
    if standing is None:
        return "there is none yet"
    if not standing["whole"]:
        return f"no: files of {standing['month']} are not what was published (ajprivacy releases verify)"
    is_proven = any(one["proven"] for one in found["releases"] if one["month"] == standing["month"])
    passed = sum(word == "passed" for word in standing["verdicts"].values())
    return f"{'yes' if is_proven else 'no'}, {standing['month']}: {passed} guarantees passed"


def _next(found: "MonthFigures") -> str:
    coming = found["forecast"]["months"]
    if not coming:
        return "nothing becomes due"
    first = coming[0]
    return (f"{first['attributes'] + first['records']:,} more become due by the end of {first['when']}; "
            f"the run is on {runs_on(first['when']):%d %B %Y}")


def _checks(failed: Sequence[Failed]) -> str:
    if not failed:
        return "none"
    names = ", ".join(f"{one['check']} of {one['of']}" for one in failed[:3])
    return f"{len(failed)}: {names}{', ...' if failed[3:] else ''}; below stands what to do"


def _policy(found: "MonthFigures") -> str:
    """Which one, since when, and how much it changed; who did stands on the page alone, as names do."""
    one = next((one for one in found["policies"] if one["version"] == found["policy_version"]), None)
    if one is None:
        return f"policy {found['policy_version']}; the page of the month names who changed what"
    changed = "the first one" if one["changes"] is None else f"{len(one['changes']):,} key(s) changed"
    return (f"policy {one['version']}, stored on {one['stored_at']:%d %B %Y}, {changed}; "
            "the page of the month names who changed what")


def _waiting(found: "MonthFigures") -> Iterator[str]:
    from ajprivacy_pipeline.enforcement.plans import WAITING
    plan = found["plan"]
    if plan["state"] in WAITING and plan["rows"]:
        yield f"a plan of {plan['rows']:,} decisions waits for approval (ajprivacy plan show)"
    if reviews := sum(found["reviews_undecided"].values()):
        yield f"{reviews:,} case(s) to decide (ajprivacy review list)"
    requests = found["requests"]
    if overdue := sum(row["overdue"] for row in requests):
        yield f"{overdue:,} request(s) beyond the deadline (ajprivacy request list)"
    if soon := sum(row["soon"] for row in requests):
        yield f"{soon:,} request(s) due soon (ajprivacy request list)"
