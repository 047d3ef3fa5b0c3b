"""What to round otherwise where a period of rounded counts is told too closely.

Belongs here: which cells are to go the other way, and when draws and base are given up. Does not belong here: what is
told and what would mend it (rounded_audit), the rounding (rounding).
"""

from collections.abc import Mapping

from ajprivacy_pipeline.disclosure.cells.primary import shape_of
from ajprivacy_pipeline.disclosure.cells.rounded_audit import Mend, Told
from ajprivacy_pipeline.disclosure.cells.rounded_counts import Period, dimensions_of
from ajprivacy_pipeline.disclosure.cells.table_rows import Key
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.release import Rounded

_PATIENCE = 4  # attempts with the same draws, none of which tells less than the best before


def learn(policy: Policy, table: str, asked: Rounded, period: Period, told: Told,
          published: Mapping[Key, int]) -> None:
    """Note what would leave what is told too closely more room, and go on to the next base after some attempts.

    Where nothing is left to move, and after some attempts in vain, other draws are taken; in vain, with the next base.

    Args:
        policy: along which dimensions the exact table adds up.
        table: the table of rounded counts.
        asked: how often a base is tried.
        period: what is decided so far.
        told: what is told.
        published: the published count of every finest cell.
    """
    dimensions = dimensions_of(policy, table)
    keys: list[Key] = [tuple(sorted(zip(dimensions, one, strict=True))) for one in period.values]
    columns = policy.release.tables[asked.beside].columns
    leading = columns[shape_of(policy, asked.beside).measures[0]].additive_over
    apart = [d for d in dimensions if d not in leading]  # along which only the largest part bounds a total
    learning = _Learning(period, keys, [published[key] for key in keys])
    for mend in sorted(told.mends, key=lambda one: one.short):
        learning.mend(mend)
    learning.spare(apart)
    _go_on(period, asked, len(told.cells) + len(told.others), is_stuck=not learning.turned)


class _Learning:
    """Which finest cells of a period go the other way, for all that is told together."""

    def __init__(self, period: Period, keys: list[Key], published: list[int]) -> None:
        self._period, self._keys, self._published = period, keys, published
        self._place = {key: at for at, key in enumerate(keys)}
        self.turned = set[int]()

    def mend(self, mend: Mend) -> None:
        """Turn as many cells as give the missing room, those first that give most of it.

        What was turned before for something else counts; what an earlier attempt has turned stays.
        """
        gains = {self._place[key]: gain for key, gain in mend.gains.items()}
        missing = mend.short - sum(gain for at, gain in gains.items() if at in self.turned)
        forced = self._period.up | self._period.down
        for at in sorted(gains.keys() - forced, key=lambda at: (-gains[at], -self._off(at), at)):
            if missing <= 0:
                break
            self._period.force(at, up=not self._is_up(at))
            self.turned.add(at)
            missing -= gains[at]

    def spare(self, apart: list[str]) -> None:
        """Where a cell goes down, no other small one that hides as little goes up instead."""
        for at in [at for at in self.turned if self._is_up(at)]:
            for dimension in apart:
                rest = {pair for pair in self._keys[at] if pair[0] != dimension}
                self._period.down |= {other for other, key in enumerate(self._keys) if rest <= set(key)
                                      and self._published[other] == 0 and other not in self._period.up}

    def _is_up(self, at: int) -> bool:
        return self._published[at] > int(self._period.counts[at])

    def _off(self, at: int) -> int:
        """How far the published count is from the true one: the further, the nearer it is the other way round."""
        return abs(self._published[at] - int(self._period.counts[at]))


def _go_on(period: Period, asked: Rounded, told: int, *, is_stuck: bool) -> None:
    """Count an attempt in vain, and decide whether these draws and this base are tried again."""
    period.attempt += 1
    period.left = (asked.attempts if period.left is None else period.left) - 1
    period.vain, period.fewest = period.vain + 1 if told >= period.fewest else 0, min(told, period.fewest)
    in_vain, is_last = period.vain == _PATIENCE, period.multiple == len(asked.multiples) - 1
    if not period.left or (in_vain and not is_last):
        period.multiple, period.left = period.multiple + 1, None
        period.draw_anew()
    elif in_vain or is_stuck:
        period.draw_anew()
