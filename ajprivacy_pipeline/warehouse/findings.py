"""A remark about a mapping, and how grave it is.

Belongs here: its shape and order. Does not belong here: finding anything.
"""

from dataclasses import dataclass
from typing import Literal

Level = Literal["fault", "evidence", "note"]
Rank = Literal["dangerous", "missing", "harmless"]
_ORDER = ("fault", "evidence", "dangerous", "missing", "harmless")


@dataclass(frozen=True)
class Finding:
    """A remark: counts, names and masked shapes, never a value.

    `fault` stops a run, `evidence` lets nothing become due, a `note` has a rank: `dangerous` may be a misreading that
    nobody notices, `missing` counts as empty, `harmless` is for information.
    """

    level: Level
    table: str
    column: str | None
    message: str
    rank: Rank | None = None

    @property
    def shown(self) -> str:
        """How grave it is, in a word."""
        return self.rank or self.level


def note(rank: Rank, table: str, column: str | None, message: str) -> Finding:
    """Returns a note."""
    return Finding("note", table, column, message, rank)


def ranked(findings: list[Finding]) -> list[Finding]:
    """Returns findings with the gravest first, else in the order in which they were found."""
    return sorted(findings, key=lambda finding: _ORDER.index(finding.shown))
