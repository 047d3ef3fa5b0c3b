"""Fingerprints of what a decision would change, computed where the rows are: one keyed hash for each due part of a row.

Belongs here: their text and their SQL. A fingerprint is the HMAC of table, id, part and every column of it with its
value, each with its length before it, so that no two of them read alike. Does not belong here: comparing (`fresh`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ajprivacy_pipeline.enforcement.stages import LINK, SUBJECTS, Stage
from ajprivacy_pipeline.storage.keystore import pads
from ajprivacy_pipeline.storage.zones import literal, quote

_BETWEEN = "chr(31)"
_LENGTH = 32  # of hex digits: 16 bytes
IS_OF_COMPANY = "coalesce(f.customer_type, 'business') = 'business'"


@dataclass(frozen=True)
class Marking:
    """The keys under which the parts of each row are marked; none of them, or one, or one for each use."""

    keys: Sequence[bytes] = ()

    @property
    def bound(self) -> dict[str, bytes]:
        """The values that `select` binds."""
        halves = [pads(key) for key in self.keys]
        return {f"{name}_{i}": value for i, half in enumerate(halves)
                for name, value in (("inner", half.inner), ("outer", half.outer))}

    def select(self, stages: Mapping[tuple[str, str], Stage], entity: str) -> str:
        """SQL of a list for each key, `marks_0`, `marks_1`, …, in the order of `d.parts`, with a comma after each."""
        return "".join(f"list_transform(d.parts, lambda p: {_hashed(stages, entity, 'p', i)}) AS marks_{i}, "
                       for i, _ in enumerate(self.keys))

    def of_part(self, stages: Mapping[tuple[str, str], Stage], entity: str) -> str:
        """SQL of the fingerprint under the first key, where `d` has one part, `d.part`, in a row."""
        return _hashed(stages, entity, "d.part", 0)


def cells_of(stages: Mapping[tuple[str, str], Stage], entity: str) -> str | None:
    """SQL of a hash of each cell of `d.part`, in the order of its columns, under the bound `$salt`.

    NULL of a part of one column or of one whose rows go as a whole; None where a table has no others.
    """
    several = [stage for (table, _), stage in stages.items()
               if table == entity and len(stage.columns) > 1 and not stage.deletes]
    told = " ".join(f"WHEN {literal(stage.part)} THEN [{', '.join(f'hash($salt || {x})' for x in _columns(stage))}]"
                    for stage in several)
    return f"CASE d.part {told} END" if told else None


def _hashed(stages: Mapping[tuple[str, str], Stage], entity: str, part: str, key: int) -> str:
    text = _text(stages, entity, part)
    return f"left(sha256($outer_{key} || unhex(sha256($inner_{key} || encode({text})))), {_LENGTH})"


def _text(stages: Mapping[tuple[str, str], Stage], entity: str, part: str) -> str:
    """SQL of what is hashed of a part of a row `r`."""
    own = [stage for (table, _), stage in stages.items() if table == entity]
    told = " ".join(f"WHEN {literal(stage.part)} THEN concat({', '.join(_columns(stage))})" for stage in own)
    return f"concat({_told(literal(entity))}, {_told('d.record_id')}, {_told(part)}, CASE {part} {told} END)"


def _columns(stage: Stage) -> list[str]:
    """SQL of each column of a part with its value; of a company's row only the columns that go with a person."""
    found = []
    for column in stage.columns:
        value = f"r.{quote(column)}::VARCHAR"
        told = _told(f"CASE WHEN {value} IS NULL THEN '' ELSE concat('=', {value}) END")
        text = f"{_told(literal(column))} || {told}"
        company = stage.company if stage.entity in SUBJECTS else {"customer_id"} if stage.part == LINK else ()
        found.append(f"CASE WHEN {IS_OF_COMPANY} THEN '' ELSE {text} END" if column in company else text)
    return found


def _told(text: str) -> str:
    return f"concat(length({text}), ':', {text}, {_BETWEEN})"
