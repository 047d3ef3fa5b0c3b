"""G5 against readers who know prices and see more than one sum of the same few products: by region and by type.

Belongs here: what was sold where of categories of few products, and which suppressed products the shown cells of their
category tell together. Does not belong here: the line of a total (`prices`), programs (`price_programs`).

Each shown cell of a category has a sum of units and one of revenue over the same products. Of a small cell often one
split into products alone fits both, and the splits add up to a product that may not be shown. What of a category lies
in the same shown cells is one block: whatever moves within it changes no shown sum. So a product is hidden as far as it
moves within blocks. Where no cell below the total is shown, the block is the total's line, which is judged by itself;
categories of more than `integer_cells` products have more splits than anybody can tell apart.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ajprivacy_pipeline.disclosure.cells.price_programs import Hidden, LinePrograms, is_wide
from ajprivacy_pipeline.disclosure.cells.table_system import System
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.release import Priced
from ajprivacy_pipeline.storage.zones import Connection, quote

Pairs = frozenset[tuple[str, str]]
_Part = tuple[float, LinePrograms, int]  # units of a product in a block, the block's programs, its place there


@dataclass(frozen=True)
class Sold:
    """What was sold of a product in a finest cell: all its dimensions but the product."""

    product: str
    cell: Pairs
    units: float
    revenue: float


def read_sold(con: Connection, priced: Priced, time: str, dimensions: Sequence[str], apart: Sequence[str],
              most: int) -> dict[Any, dict[Pairs, list[Sold]]]:
    """Returns what was sold in each finest cell, by month and category of few products.

    Args:
        con: holds the facts.
        priced: the table of products.
        time: the column of the month.
        dimensions: what tells the cells of the population's tables apart, the product excepted.
        apart: of these the ones that a category is.
        most: products of a category that has few.
    """
    by, named, group = quote(priced.by), ", ".join(map(quote, dimensions)), ", ".join(map(quote, (time, *apart)))
    rows = con.execute(f"""
        WITH facts AS (
            SELECT {quote(time)}, {by}, {named}, CAST(sum({quote(priced.units)}) AS DOUBLE) AS units,
                CAST(coalesce(sum({quote(priced.amount)}), 0) AS DOUBLE) AS amount
            FROM {priced.facts} GROUP BY ALL HAVING units <> 0 OR amount <> 0
        )
        SELECT {quote(time)}, {by}, {named}, units, amount
        FROM facts JOIN (SELECT {group} FROM facts GROUP BY ALL HAVING count(DISTINCT {by}) <= $most) USING ({group})
        ORDER BY ALL""", {"most": most}).fetchall()
    found = defaultdict[Any, dict[Pairs, list[Sold]]](lambda: defaultdict(list))
    for month, product, *values, units, revenue in rows:
        cell = frozenset(zip(dimensions, values, strict=True))
        found[month][frozenset(pair for pair in cell if pair[0] in apart)].append(Sold(product, cell, units, revenue))
    return {month: dict(categories) for month, categories in found.items()}


class Category:
    """A category of few products in a system: its shown cells below the total, and its suppressed products."""

    def __init__(self, policy: Policy, system: System, key: Pairs, sold: Sequence[Sold], priced: Priced,
                 price: Callable[[str], float | None]) -> None:
        """Find its cells and products."""
        self._at, self._system, self._sold, self._price = policy.release.thresholds, system, sold, price
        self._measures = (priced.units, priced.amount)
        self.cells: dict[int, Pairs] = {}
        self._products: dict[str, int] = {}
        for unknown, rows in enumerate(system.rows):
            for named in (frozenset(row.key) for row in rows):
                product = dict(named).get(priced.by)
                if product is None and key < named:
                    self.cells[unknown] = named
                elif product is not None and key <= named:
                    self._products[product] = unknown

    def told(self) -> list[int]:
        """The suppressed products, protected for their own sake, that the shown cells tell too closely."""
        hidden = {name: at for name, at in self._products.items() if self._system.is_suppressed(at)}
        wanted = [name for name, at in hidden.items()
                  if any(self._system.is_protected(at, m) for m in self._measures)]
        shown = [self.cells[unknown] for unknown in self.shown()]
        if not wanted or not shown:
            return []
        blocks = list(self._blocks(hidden, shown))
        return [hidden[name] for name in wanted if not self._is_wide(name, hidden[name], blocks)]

    def shown(self) -> list[int]:
        """The shown cells below the total."""
        return [unknown for unknown in self.cells if not self._is_hidden(unknown)]

    def has_sold(self, cell: int, products: Collection[int]) -> bool:
        """Whether something of some products was sold in a cell."""
        return any(self.cells[cell] <= one.cell and self._products.get(one.product) in products for one in self._sold)

    def _is_hidden(self, unknown: int) -> bool:
        """Whether no row shows units or revenue: of a check that sees them apart, one is enough to tell."""
        return all(m in row.suppressed_measures for row in self._system.rows[unknown] for m in self._measures
                   if m in row.values)

    def _blocks(self, hidden: Mapping[str, int], shown: Sequence[Pairs]) -> Iterator[dict[str, _Part]]:
        """The suppressed products of each block: how many units of each, the block's programs, and the place there.

        What lies in no shown cell below the total is a block, too.
        """
        blocks = defaultdict[tuple[bool, ...], dict[str, list[float]]](dict)
        for one in self._sold:
            if one.product in hidden:
                own = blocks[tuple(named <= one.cell for named in shown)].setdefault(one.product, [0.0, 0.0])
                own[0] += one.units
                own[1] += one.revenue
        for block in blocks.values():
            names = sorted(block)
            all_units = [self._system.value(hidden[name], self._measures[0]) for name in names]
            products = [Hidden(block[name][0], block[name][1], self._price(name), units - block[name][0])
                        for name, units in zip(names, all_units, strict=True)]
            programs = LinePrograms(products, self._at.price_band / 100, whole=True)
            yield {name: (block[name][0], programs, at) for at, name in enumerate(names)}

    def _is_wide(self, name: str, unknown: int, blocks: Sequence[Mapping[str, _Part]]) -> bool:
        """Whether units and revenue of a product each have the interval asked for, as far as blocks let them move."""
        units, revenue = (self._system.value(unknown, m) for m in self._measures)
        product = Hidden(units, revenue, self._price(name))
        own = sorted((block[name] for block in blocks if name in block), key=lambda part: -abs(part[0]))
        return product.is_known or not own or is_wide(_Blocks(own), 0, product, self._at.interval_percent / 100)


class _Blocks:
    """A product moves as far as in the one of its blocks where it moves furthest, the largest looked at first."""

    def __init__(self, parts: Sequence[_Part]) -> None:
        self._parts = parts

    def units(self, _: int, goal: float, *, up: bool) -> float:
        """See `Moves`."""
        return self._furthest(goal, lambda programs, at: programs.units(at, goal, up=up))

    def revenue(self, _: int, goal: float, *, up: bool) -> float:
        """See `Moves`."""
        return self._furthest(goal, lambda programs, at: programs.revenue(at, goal, up=up))

    def _furthest(self, goal: float, moved: Callable[[LinePrograms, int], float]) -> float:
        found = 0.0
        for _, programs, at in self._parts:
            if found < goal:
                found = max(found, moved(programs, at))
        return found
