"""What a month came to, in counts alone: the record that the command line prints and the last asset notes.

Belongs here: its shape. Does not belong here: counting (`month`), how it looks in a terminal (`cli.console`).
"""

from typing import TypedDict


class Missing(TypedDict):
    """What the warehouse does not have, as table or table.column, and why that leaves nobody due, if it does."""

    tables: list[str]
    columns: list[str]
    evidence: list[str]


class ReleaseSummary(TypedDict):
    """What became of the release.

    `gates`: guarantee -> verdict; `visible`: table -> its visible shares, in words; `absent`: column (table.column) ->
    why it is absent. Of a month that is closed already it is what the release that closed it came to.
    """

    status: str
    proven: bool
    history_from: str
    cells: int
    cells_suppressed: int
    unconverted_lines: int
    rows: int
    visible: dict[str, str]
    gates: dict[str, str]
    absent: dict[str, str]


class MonthSummary(TypedDict):
    """A month's counts; `release` is None where the month was run without one. Decisions: decision -> rows."""

    month: str
    run_id: str
    policy_version: str
    source_tables: int
    source_rows: int
    missing: Missing
    quality_faults: int
    attribute_decisions: dict[str, int]
    record_decisions: dict[str, int]
    release: ReleaseSummary | None


class ClosedSummary(MonthSummary):
    """The same once the month is closed, with the months that were destroyed."""

    destroyed_months: list[str]


class PlanLine(TypedDict):
    """The plan that a month ended with, in short."""

    plan: str
    rows: int
    subjects: int
    oldest_due_on: str | None
    brakes: int
    refused: int


class RunSummary(ClosedSummary):
    """The same of a whole run: its plan, or why there is none, the seconds it took, and where analysts look."""

    plan: PlanLine | str | None  # None: nothing is due
    seconds: float
    published: str
