"""How a run looks in a terminal: a line a table while it works, a summary at its end.

Belongs here: text for people. Does not belong here: figures (they come from the run's own metadata).
"""

from collections.abc import Iterator, Mapping
from textwrap import wrap
from types import TracebackType
from typing import Self

from rich.console import Console

from ajprivacy_pipeline.run.expected import Expected
from ajprivacy_pipeline.run.progress import Progress
from ajprivacy_pipeline.run.summary import Missing, PlanLine, ReleaseSummary, RunSummary

_VISIBLE = "percent seen: totals, by one dimension, by two, ...; – is not told"

_MINUTE = 60
_COUNT = 11  # "123 of 123" and a blank; eighty columns altogether
_WIDTH = 42  # of the longest name of a model or a step, and a blank
_LABEL = 14  # before what a line of the summary says
_TO_COPY = ("approve", "apply", "query", "decisions", "run")  # commands and places, which stay in one line


class Lines:
    """Progress on stderr, so that stdout holds results alone; a moving line only where a terminal shows it."""

    def __init__(self, expected: Expected | None = None) -> None:
        """Write to stderr; `expected` knows how much is left."""
        self._expected = expected
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._status = self._console.status("starting")

    def __enter__(self) -> Self:
        """Start the moving line."""
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        """Clear the moving line."""
        self._status.stop()

    def report(self, done: Progress) -> None:
        """A finished table or step."""
        rows = f"{done.rows:>11,} rows" if done.rows is not None else " " * 16
        count = self._expected.note(done) if self._expected else ""
        left = self._expected.seconds_left() if self._expected else None
        self._console.print(f"  {done.what:{_WIDTH}}{rows}{done.seconds:>7.1f} s{count:>{_COUNT}}".rstrip(),
                            markup=False)
        self._status.update(f"after {done.what}" if left is None else
                            f"{count}, after {done.what}, about {_duration(left)} left")

    def note(self, line: str) -> None:
        """A line of the sample shop's own."""
        self._console.print(f"  {line}", markup=False)


def _duration(seconds: float) -> str:
    """Seconds, or whole minutes from two on."""
    return f"{seconds:.0f} s" if seconds < 2 * _MINUTE else f"{seconds / _MINUTE:.0f} min"


def summary_lines(summary: RunSummary) -> list[str]:
    """The end of a run for people; the same figures as its JSON."""
    return [
        f"{summary['month']} done in {summary['seconds']:.0f} s, policy {summary['policy_version']}",
        *(line for label, text in _rows(summary) for line in _broken(label, text)),
    ]


def _broken(label: str, text: str) -> list[str]:
    """A row of the summary in lines of eighty columns; no sign of a percentage stands apart from its number."""
    whole = text.replace(" %", "\N{NO-BREAK SPACE}%")
    parts = [whole] if label in _TO_COPY else wrap(
        whole, 80 - _LABEL, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    lines = (f"  {'' if number else label:{_LABEL - 2}}{part}" for number, part in enumerate(parts))
    return [line.replace("\N{NO-BREAK SPACE}%", " %") for line in lines]


def _rows(summary: RunSummary) -> list[tuple[str, str]]:
    return [
        ("read", f"{summary['source_rows']:,} rows of {summary['source_tables']} tables"),
        *_missing_rows(summary["missing"]),
        ("faults", f"{summary['quality_faults']:,} (staged.quality)"),
        ("attributes", _counts(summary["attribute_decisions"])),
        ("records", _counts(summary["record_decisions"])),
        *_release_rows(summary["release"]),
        *_plan_rows(summary["plan"]),
        ("destroyed", ", ".join(summary["destroyed_months"]) or "nothing; no earlier month was there"),
        ("query", str(summary["published"])),
        ("decisions", f"ajprivacy decisions --month {summary['month']} --out DIR"),
        ("run", str(summary["run_id"])),
    ]


def _plan_rows(plan: PlanLine | str | None) -> list[tuple[str, str]]:
    """What waits for somebody's approval, or was approved by itself and waits for the job `apply` or somebody."""
    if plan is None or isinstance(plan, str):
        return [("plan", f"none: {plan or 'nothing is due'}")]
    brake = ", the brake stands (--release-brake)" if plan["brakes"] else ""
    refused = f", {plan['refused']} thing(s) refused (`ajprivacy plan show`)" if plan["refused"] else ""
    told = f"{plan['rows']:,} decisions about {plan['subjects']:,} people, oldest due since {plan['oldest_due_on']}"
    if plan["approved"]:
        return [("plan", f"{told}, approved by itself"), ("apply", f"ajprivacy plan apply {plan['plan']}")]
    return [("plan", f"{told}{brake}{refused}"),
            ("approve", f"ajprivacy plan approve {plan['plan']} --by NAME")]


def _missing_rows(missing: Missing) -> list[tuple[str, str]]:
    """What counts as empty because the warehouse or the mapping has none of it."""
    rows = []
    if gone := [*missing["tables"], *missing["columns"]]:
        rows.append(("not there", f"{', '.join(gone)}: counted as empty"))
    rows += [("nobody due", reason) for reason in missing["evidence"]]
    return rows


def _release_rows(release: ReleaseSummary | None) -> list[tuple[str, str]]:
    if release is None:
        return []
    closed = [] if release["status"] == "published" else [
        ("release", "left as it is: the month is closed; this is what was found when it was")]
    proven = ("proven anonymous" if release["proven"] else
              "not proven anonymous, must not be shared outside the organisation")
    unconverted = release["unconverted_lines"]
    left_out = f"{unconverted:,} order lines, not in revenue_nok: the mapping has no rate for their currency"
    visible = [f"{table}: {line}" for table, line in release["visible"].items()]
    return [
        *closed,
        ("release", f"{release['rows']:,} rows from {release['history_from']} on; {proven}"),
        ("suppressed", f"{release['cells_suppressed']:,} of {release['cells']:,} new cells"),
        *([("visible", _VISIBLE)] if visible else []),
        *(("", line) for line in visible),
        *([("no rate", left_out)] if unconverted else []),
        *(("absent", f"{', '.join(column for column, why in release['absent'].items() if why == reason)}: {reason}")
          for reason in dict.fromkeys(release["absent"].values())),
        ("gates", "; ".join(_gates(release["gates"]))),
    ]


def _gates(verdicts: Mapping[str, str]) -> Iterator[str]:
    """How many guarantees have which verdict, and which, in runs of their numbers: "15 passed (G1 to G15)"."""
    for verdict in dict.fromkeys(verdicts.values()):
        numbers = [int(gate.removeprefix("G")) for gate, word in verdicts.items() if word == verdict]
        starts = [number for number in numbers if number - 1 not in numbers]
        ends = [number for number in numbers if number + 1 not in numbers]
        runs = (f"G{start}" if start == end else f"G{start} to G{end}"
                for start, end in zip(sorted(starts), sorted(ends), strict=True))
        yield f"{len(numbers)} {verdict} ({', '.join(runs)})"


def _counts(found: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {found.get(name, 0):,}" for name in ("due", "hold", "retain", "absent"))
