"""How far the units of one product can be moved when a reader knows prices: programs over one line of products.

Belongs here: integer and linear programs of a line whose total is shown, and what is wide enough. Does not belong here:
which lines there are (`prices`).

A reader who knows each product's price has two sums of the same unknowns: the units left of a total, and the revenue
left of it. Units are whole numbers, at least one where a product is listed. Short lines are solved as integer programs,
longer ones by their relaxation. What is returned is a world that was found and verified: it may fall short of the
furthest one, never beyond.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import highspy
import numpy as np
from scipy.sparse import coo_array

from ajprivacy_pipeline.disclosure.cells.intervals import MORE
from ajprivacy_pipeline.disclosure.cells.linear_programs import Programs, accept
from ajprivacy_pipeline.disclosure.cells.table_system import Array

_NODES = 100  # of an integer program's search; what was found until then counts
_PARTNERS = 40  # products with the most units, and as many with the most revenue, that others are exchanged with
_EXACTLY = 1e-9  # of a goal: it is reached but for arithmetic
NOTHING = 1e-8  # of the dearest price: what costs so little adds nothing to a sum, and no solver takes it
_SLACK = 1e-6
_EXACT = 0.005  # kroner: revenue is published to the øre


@dataclass(frozen=True)
class Hidden:
    """A product whose units and revenue are suppressed, as a reader knows it.

    `price` is what every unit of it costs, or None where he knows it only to within the band. `elsewhere` are units of
    it that stand in other sums.
    """

    units: float
    revenue: float
    price: float | None
    elsewhere: float = 0.0

    @property
    def floor(self) -> float:
        """How far the units may go down: to one in all where there is one at least, to nothing, or without end."""
        if self.units < 0:
            return -np.inf
        return max(-self.units, 1 - self.units - self.elsewhere) if self.units + self.elsewhere >= 1 else -self.units

    @property
    def unit_price(self) -> float:
        """What a unit costs, on average where not every one costs the same."""
        return self.price if self.price is not None else self.revenue / self.units

    @property
    def is_known(self) -> bool:
        """Whether nothing is assumed to move: a product without units or revenue whose price is not known."""
        return self.price is None and (self.units <= 0 or self.revenue <= 0)


class Moves(Protocol):
    """How far sums that are shown let hidden products move."""

    def units(self, at: int, goal: float, *, up: bool) -> float:
        """How far the units of one were moved to one side: as far as the goal, or as far as was found."""

    def revenue(self, at: int, goal: float, *, up: bool) -> float:
        """How far its revenue was moved to one side."""


def is_wide(moves: Moves, at: int, product: Hidden, share: float) -> bool:
    """Returns whether units and revenue of a product each have the interval asked for.

    That is a share of what they are on both sides, as far down as one unit goes, and one whole unit at least.
    """
    side = abs(product.units) * share
    up = moves.units(at, max(side, 1.0), up=True)
    down = moves.units(at, max(lowest := min(side, -product.floor), 1 - up), up=False)
    if min(up - side, down - lowest, up + down - 1) < -_SLACK:
        return False
    side = abs(product.revenue) * share
    lowest = side if product.price is None else min(side, max(0.0, -product.floor * product.price))
    return all(moves.revenue(at, goal, up=goes_up) >= goal * (1 - _SLACK)
               for goal, goes_up in ((side, True), (lowest, False)) if goal > 0)


class LinePrograms:
    """Moves of the hidden products of one line, with the sums of their units and of their revenue unchanged."""

    def __init__(self, products: Sequence[Hidden], band: float, *, whole: bool) -> None:
        """Keep the line.

        Args:
            products: the hidden ones.
            band: how much a price that is not known exactly may be off, as a share.
            whole: whether units move in whole numbers.
        """
        self._products, self._band, self._whole = products, band, whole
        self._scale = max((abs(p.unit_price) for p in products if not p.is_known), default=0.0) or 1.0
        self._in_bands = [0.0 if p.price is not None or p.is_known else band * p.revenue for p in products]
        self._in_all_bands = sum(self._in_bands)
        self._relaxed: Programs | None = None
        self._down: Array = np.zeros(len(products))
        self._up: Array = self._down
        if not whole:
            self._down, self._up = exchanges(products)

    def units(self, at: int, goal: float, *, up: bool) -> float:
        """How far the units of a product were moved to one side: as far as the goal, or as far as was found."""
        if self._products[at].is_known or goal <= 0:
            return 0.0
        if (cheap := float((self._up if up else self._down)[at])) >= goal:
            return cheap
        return self._integer(at, goal, up=up) if self._whole else self._furthest(at, goal, up=up)

    def revenue(self, at: int, goal: float, *, up: bool) -> float:
        """How far the revenue of a product was moved to one side; with its units where its price is known."""
        price = self._products[at].price
        if price is not None:
            return self.units(at, goal / price, up=up) * price if price > 0 else 0.0
        if self._products[at].is_known or goal <= 0:
            return 0.0
        # With all units as they are, prices alone move it as far as the bands of the product and of the others reach.
        if (banded := min(self._in_bands[at], self._in_all_bands - self._in_bands[at])) >= goal * (1 - _EXACTLY):
            return banded
        if (cheap := float((self._up if up else self._down)[at]) * self._products[at].unit_price) >= goal:
            return cheap
        return self._furthest(len(self._products) + at, goal / self._scale, up=up) * self._scale

    def _furthest(self, column: int, goal: float, *, up: bool) -> float:
        self._relaxed = self._relaxed or self._programs()
        moves = self._relaxed.furthest({column: MORE * goal if up else -MORE * goal})
        return 0.0 if moves is None else max(0.0, float(moves[column] if up else -moves[column]))

    def _programs(self) -> Programs:
        """The relaxation: a column of units for each product, then one of revenue, in units of the dearest price."""
        count = len(self._products)
        lines = [(0, i, 1.0) for i in range(count)] + [(1, count + i, 1.0) for i in range(count)]
        limits, slack, least = list[tuple[int, int, float]](), list[float](), np.zeros(2 * count)
        for i, product in enumerate(self._products):
            if product.is_known:
                lines += [(2 + 2 * i, i, 1.0), (3 + 2 * i, count + i, 1.0)]
            elif product.price is not None:
                least[i], least[count + i] = product.floor, -np.inf
                lines += [(2 + 2 * i, count + i, 1.0)]
                lines += [(2 + 2 * i, i, -factor)] if abs(factor := product.price / self._scale) > NOTHING else []
            else:
                mean = product.unit_price / self._scale
                least[i], least[count + i] = product.floor, -product.revenue / self._scale
                for sign, share in ((1.0, 1 + self._band), (-1.0, 1 - self._band)):
                    limits += [(len(slack), count + i, sign), (len(slack), i, -sign * share * mean)]
                    slack.append(self._band * product.revenue / self._scale)
        return Programs(_matrix(lines, 2 * count), least, _matrix(limits, 2 * count), np.array(slack))

    def _integer(self, at: int, goal: float, *, up: bool) -> float:
        """The same by an integer program that asks for the goal, verified in whole units and øre; 0 without one."""
        count, sign = len(self._products), 1.0 if up else -1.0
        solver = highspy.Highs()  # type: ignore[no-untyped-call]  # its authors left it untyped
        for option, value in (("output_flag", False), ("threads", 1), ("mip_max_nodes", _NODES), ("random_seed", 0),
                              ("mip_heuristic_run_feasibility_jump", False)):  # most of such a program's time
            accept(solver.setOptionValue(option, value))
        room = sum(max(0.0, -p.floor) for p in self._products if np.isfinite(p.floor)) + np.ceil(goal)
        for i, product in enumerate(self._products):
            least = 0.0 if product.is_known else max(product.floor, -room)
            most = 0.0 if product.is_known else room
            if i == at:
                least, most = (np.ceil(goal), most) if up else (least, -np.ceil(goal))
            if np.ceil(least) > np.floor(most):
                return 0.0
            accept(solver.addVar(np.ceil(least), np.floor(most)))
            accept(solver.changeColIntegrality(i, highspy.HighsVarType.kInteger))
        places, ones = np.arange(count, dtype=np.int32), np.ones(count)
        accept(solver.addRow(0.0, 0.0, count, places, ones))
        known = [(i, factor) for i, p in enumerate(self._products)
                 if p.price and abs(factor := p.price / self._scale) > NOTHING]
        low, high = self._band_rows(solver)
        columns = [i for i, _ in known] + low
        factors = [factor for _, factor in known] + [1.0] * len(low)
        accept(solver.addRow(-high, high, len(columns), np.array(columns, dtype=np.int32), np.array(factors)))
        solver.run()
        found = np.array(solver.getSolution().col_value)
        if not len(found) or solver.getInfo().primal_solution_status != 2:
            return 0.0
        moves = np.rint(found[:count])
        return max(0.0, float(sign * moves[at])) if self._is_true(moves) else 0.0

    def _band_rows(self, solver: highspy.Highs) -> tuple[list[int], float]:
        """A column of revenue for each product whose price is known to the band; and how far the sum may be off."""
        columns = []
        for i, product in enumerate(self._products):
            if product.price is None and not product.is_known:
                column = solver.getNumCol()
                revenue, mean = product.revenue / self._scale, product.unit_price / self._scale
                accept(solver.addVar(-revenue, highspy.kHighsInf))
                for sign, share in ((1.0, 1 + self._band), (-1.0, 1 - self._band)):
                    accept(solver.addRow(-highspy.kHighsInf, self._band * revenue, 2,
                                         np.array([column, i], dtype=np.int32), np.array([sign, -sign * share * mean])))
                columns.append(column)
        return columns, 0.0

    def _is_true(self, moves: Array) -> bool:
        """Whether whole moves leave both sums as they are, the revenue by what the bands can take."""
        if moves.sum() or any(move < p.floor - 1e-9 for move, p in zip(moves, self._products, strict=True)):
            return False
        low = high = -sum(p.price * move for p, move in zip(self._products, moves, strict=True) if p.price)
        for product, move in zip(self._products, moves, strict=True):
            if product.price is None and not product.is_known:
                at = product.unit_price * (product.units + move)
                low -= max(0.0, (1 + self._band) * at) - product.revenue
                high -= max(0.0, (1 - self._band) * at) - product.revenue
        return bool(low <= _EXACT and high >= -_EXACT)


def exchanges(products: Sequence[Hidden]) -> tuple[Array, Array]:
    """How far the units of each product go down and up by an exchange with two others, each at its mean price.

    A cheap bound: with units d of one product, a share of them comes from a second and the rest from a third, so that
    what all three cost stays the same. Products at one price need no third. Of many products, those that give the most
    are tried as the second and the third: whom none of them serve, the programs decide.
    """
    price = np.array([np.nan if p.is_known else p.unit_price for p in products])
    room = np.array([0.0 if p.is_known else -p.floor for p in products])
    down, up = np.zeros(len(products)), np.zeros(len(products))
    worth = np.where(np.isnan(price), -np.inf, room * np.nan_to_num(price))
    most = {int(i) for order in (np.where(np.isnan(price), -np.inf, room), worth)
            for i in np.argsort(-order, kind="stable")[:_PARTNERS]}
    others = np.array(sorted(most), dtype=np.intp)
    prices, rooms = price[others], room[others]
    with np.errstate(divide="ignore", invalid="ignore"):
        for at in range(len(products)):
            share = (prices[None, :] - price[at]) / (prices[None, :] - prices[:, None])  # what the second (row) gives
            is_itself = others == at
            usable = np.isfinite(share) & ~(is_itself[:, None] | is_itself[None, :])
            rest = 1 - share
            gives = np.minimum(np.where(share > 0, rooms[:, None] / share, np.inf),
                               np.where(rest > 0, rooms[None, :] / rest, np.inf))
            takes = np.minimum(np.where(share < 0, rooms[:, None] / -share, np.inf),
                               np.where(rest < 0, rooms[None, :] / -rest, np.inf))
            same = np.flatnonzero(price == price[at])
            pairs = room[same[same != at]]
            up[at] = max(np.where(usable, gives, 0).max(initial=0), pairs.max(initial=0))
            down[at] = min(room[at], max(np.where(usable, takes, 0).max(initial=0), np.inf if len(pairs) else 0))
    return down, up


def _matrix(entries: Sequence[tuple[int, int, float]], columns: int) -> coo_array:
    numbers = {row: i for i, row in enumerate(sorted({row for row, _, _ in entries}))}
    return coo_array(([value for _, _, value in entries],
                      ([numbers[row] for row, _, _ in entries], [column for _, column, _ in entries])),
                     shape=(len(numbers), columns))
