"""A remark about a mapping, and how grave it is.

Belongs here: its shape and order. Does not belong here: finding anything.
"""

from dataclasses import dataclass
from typing import Literal, get_args

Level = Literal["fault", "evidence", "dangerous", "missing", "harmless"]
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True)
class Finding:
    """A remark: counts, names and masked shapes, never a value.

    `fault` stops a run, `evidence` lets nothing become due, `dangerous` may be a misreading that nobody notices,
    `missing` counts as empty, `harmless` is for information.
    """

    level: Level
    table: str
    column: str | None
    message: str


def ranked(findings: list[Finding]) -> list[Finding]:
    """Returns findings with the gravest first, else in the order in which they were found."""
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))
