"""What two policies say differently, key by key.

Belongs here: comparing the files as data. Does not belong here: what a difference would do to people (`simulate`).
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from ajprivacy_pipeline.policy.load import parse_decision_policy
from ajprivacy_pipeline.policy.policy import DecisionPolicy

_NOTHING = object()


@dataclass(frozen=True)
class Change:
    """A key of a notice file that differs; `was` or `now` is None where the key does not exist."""

    file: str
    key: str
    kind: str
    was: str | None
    now: str | None

    def row(self) -> "ChangeRow":
        """The same as commands print it."""
        return {"file": self.file, "key": self.key, "kind": self.kind, "was": self.was, "now": self.now}


class ChangeRow(TypedDict):
    """A change as commands print it."""

    file: str
    key: str
    kind: str
    was: str | None
    now: str | None


class Head(TypedDict):
    """Which policy it is, and the day (ISO) from which it holds."""

    version: str
    valid_from: str


class Difference(TypedDict):
    """Two policies and every key that differs."""

    old: Head
    new: Head
    changes: list[ChangeRow]


def diff(old: Mapping[str, str], new: Mapping[str, str]) -> Difference:
    """Versions, days from which they hold, and every changed key of two policies given as texts by file name.

    Raises:
        PolicyError: the deciding part of either is not valid; every fault is listed.
    """
    before, after = parse_decision_policy(old), parse_decision_policy(new)
    return {"old": _head(before), "new": _head(after), "changes": [change.row() for change in changes(old, new)]}


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    """Returns every key that was added, removed or changed, by file and key."""
    found = []
    for file in sorted({*old, *new}):
        was, now = dict(_leaves(tomllib.loads(old.get(file, "")))), dict(_leaves(tomllib.loads(new.get(file, ""))))
        for key in sorted({*was, *now}):
            before, after = was.get(key, _NOTHING), now.get(key, _NOTHING)
            if before != after:
                kind = "added" if before is _NOTHING else "removed" if after is _NOTHING else "changed"
                found.append(Change(file, key, kind, _text(before), _text(after)))
    return found


def _head(policy: DecisionPolicy) -> Head:
    return {"version": policy.version, "valid_from": policy.retention.valid_from.isoformat()}


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    else:
        yield path, value


def _text(value: Any) -> str | None:
    if value is _NOTHING:
        return None
    if isinstance(value, list):
        return "[" + ", ".join(str(_text(item)) for item in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
