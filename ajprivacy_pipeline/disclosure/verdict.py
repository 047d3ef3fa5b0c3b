"""What a guarantee's check returns.

Belongs here: the verdict alone. It is never a bare bool: whoever reads it sees the figure it rests on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

PASSED, FAILED, UNCHECKED = "passed", "failed", "not checked"


@dataclass(frozen=True)
class Place:
    """A cell of a public table at which a measure is told: its period's first day, and the dimensions it names."""

    table: str
    measure: str
    month: date
    named: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check.

    `figure` is published with the release: it holds no number that follows the exact size of the warehouse.
    `violations` name tables, columns and counts, never a value. `figures` are for the run's own metadata.
    `places` are where suppressing more would help: they stay in the process, and are in no message.
    """

    guarantee: str
    passed: bool
    figure: str
    violations: tuple[str, ...] = ()
    figures: dict[str, int] = field(default_factory=dict)
    is_checked: bool = True
    places: frozenset[Place] = field(default=frozenset(), repr=False)

    @property
    def word(self) -> str:
        """The verdict as the release says it."""
        if not self.is_checked:
            return UNCHECKED
        return PASSED if self.passed else FAILED


def verdict(guarantee: str, figure: str, violations: list[str], figures: dict[str, int] | None = None,
            places: Iterable[Place] = ()) -> Verdict:
    """Returns a verdict that passes when nothing violates the guarantee."""
    return Verdict(guarantee, not violations, figure, tuple(violations), figures or {}, places=frozenset(places))


def stored(guarantee: str, entry: Mapping[str, str]) -> Verdict:
    """Returns the verdict that a manifest tells of; what it does not call passed or failed was not checked."""
    return Verdict(guarantee, entry["verdict"] == PASSED, entry["figure"],
                   is_checked=entry["verdict"] in (PASSED, FAILED))
