"""G5 against readers who know prices: units and revenue of a product are two sums of one unknown.

Belongs here: which suppressed products follow too closely from shown sums of units and revenue with a price list, what
is suppressed so that none does, and the check. Does not belong here: the programs (`price_programs`), sums without
prices (`intervals`).

A product counts as sold at list price where all its lines of the period have one price: a reader knows it exactly.
Others are known to the policy's `price_band`. Products whose total is shown are one line; those of all suppressed
totals are one line too, because their sum is what the total above them leaves. A line of which prices tell too much
loses a further product, then its total; the line of suppressed totals a further total. Where a category has few
products, its cells by region and type are sums of them, too (`price_cells`): what these tell takes them, the finest and
smallest first. Where a category has one price, its cells are held against all sums at once (`price_sums`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ajprivacy_pipeline.disclosure.cells.measure_groups import population_of
from ajprivacy_pipeline.disclosure.cells.price_cells import Category, Pairs, Sold, read_sold
from ajprivacy_pipeline.disclosure.cells.price_programs import Hidden, LinePrograms, is_wide
from ajprivacy_pipeline.disclosure.cells.price_sums import PricedSums, one_price
from ajprivacy_pipeline.disclosure.cells.primary import shape_of
from ajprivacy_pipeline.disclosure.cells.table_rows import Row, keys_of_rows
from ajprivacy_pipeline.disclosure.cells.table_system import System
from ajprivacy_pipeline.disclosure.verdict import Place
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.release import Priced
from ajprivacy_pipeline.storage.zones import Connection, quote

Prices = dict[tuple[Any, str], float | None]  # of (month, product): the one price of all its lines, None where several
_AT_ONCE = 4  # products of a line that were taken one by one, for each that is taken along with the next


@dataclass(frozen=True)
class PriceList:
    """What a reader knows of a population's prices: which table shows products, and the price of each by month."""

    table: str
    priced: Priced
    prices: Prices
    sold: Mapping[Any, Mapping[Pairs, list[Sold]]] = field(default_factory=dict)  # of categories of few products
    same: Mapping[Any, Mapping[Pairs, float]] = field(default_factory=dict)  # the price of categories that have one

    def categories(self, policy: Policy, system: System) -> list[Category]:
        """The categories of few products of a system's month; none where so little is shown that none is listed."""
        month, prices = system.month, self.prices
        rows = [row for found in system.rows for row in found
                if row.table == self.table and self.priced.by in row.level]
        if 100 * sum(not row.suppressed for row in rows) < policy.release.thresholds.listed_percent * len(rows):
            return []
        return [Category(policy, system, key, sold, self.priced, lambda product: prices.get((month, product)))
                for key, sold in self.sold.get(month, {}).items()]

    def sums(self, policy: Policy, system: System) -> PricedSums:
        """The suppressed cells of categories of one price of a system's month."""
        return PricedSums(policy, system, self.priced, self.same.get(system.month, {}))

    def of(self, month: Any, row: Row) -> float | None:
        """The exact price of a product's row, None where it is known to the band alone."""
        return self.prices.get((month, dict(row.key)[self.priced.by]))


def read_price_lists(con: Connection, policy: Policy, tables: Mapping[str, str]) -> dict[str, PriceList]:
    """The price list of each population of which a public table shows products."""
    found = {}
    for table in sorted(tables):
        declared = policy.release.tables[table]
        if declared.priced is not None:
            by, time = quote(declared.priced.by), quote(shape_of(policy, table).time)
            rows = con.execute(f"SELECT {time}, {by}, lowest, highest FROM {declared.priced.relation}").fetchall()
            prices = {(month, product): float(lowest) if lowest is not None and lowest == highest else None
                      for month, product, lowest, highest in rows}
            apart = [d for d in keys_of_rows(shape_of(policy, table)) if d != declared.priced.by]
            found[declared.population or table] = PriceList(
                table, declared.priced, prices, _sold(con, policy, tables, table, declared.priced, apart),
                one_price(con, declared.priced, shape_of(policy, table).time, apart) if apart else {})
    return found


def _sold(con: Connection, policy: Policy, tables: Mapping[str, str], table: str, priced: Priced,
          apart: Sequence[str]) -> dict[Any, dict[Pairs, list[Sold]]]:
    """What was sold in each finest cell of the tables that tell of the same facts."""
    shape, facts = shape_of(policy, table), population_of(policy, table)
    same = [other for other in sorted(tables) if population_of(policy, other) == facts]
    dimensions = sorted({d for other in same for d in keys_of_rows(shape_of(policy, other))} - {priced.by})
    return read_sold(con, priced, shape.time, dimensions, apart, policy.release.thresholds.integer_cells)


def lines_of_products(system: System, known: PriceList) -> Iterator[tuple[list[int], list[int]]]:
    """Totals of a system with the products below them: each that is shown, then all that are suppressed together.

    The only product of a total has the total's figures, and stands beside other totals in their line.
    """
    gone: tuple[list[int], list[int]] = ([], [])
    for total, parts in system.lines:
        products = [part for part in parts if _product_row(system, part, known) is not None]
        if len(products) < len(parts):
            alone = [part for part in products if system.is_suppressed(part)]
            gone[0].extend(alone)
            gone[1].extend(alone)
        elif system.is_suppressed(total):
            gone[0].append(total)
            gone[1].extend(parts)
        else:
            yield [total], list(parts)
    if gone[0] and _sum_is_shown(system, gone[0]):
        yield gone


def _sum_is_shown(system: System, totals: list[int]) -> bool:
    """Whether a shown total stands above suppressed ones, so that what they come to together is known."""
    return any(not system.is_suppressed(total) and set(totals) & set(parts) for total, parts in system.lines)


def _product_row(system: System, unknown: int, known: PriceList) -> Row | None:
    return next((row for row in system.rows[unknown]
                 if row.table == known.table and known.priced.by in dict(row.key)), None)


def told_by_prices(policy: Policy, system: System, known: PriceList, parts: list[int],
                   among: Collection[int] | None = None) -> list[int]:
    """The suppressed products of a line of which prices tell too much; only some of them are looked at, or all.

    As by sums alone, units and revenue must each have an interval of `interval_percent` on both sides, as far down as
    one unit goes, and units more than one whole number in it. What is suppressed only to hide others need not be
    hidden from prices; nor is nothing, of which only returns are listed, given away by the price of it.
    """
    at, measures = policy.release.thresholds, (known.priced.units, known.priced.amount)
    hidden = [part for part in parts if system.is_suppressed(part)]
    wanted = [part for part in hidden if (among is None or part in among)
              and any(system.is_protected(part, measure) for measure in measures)]
    if not wanted:
        return []
    products = [_hidden(system, known, part) for part in hidden]
    place = {part: at for at, part in enumerate(hidden)}
    wanted = [part for part in wanted if not products[place[part]].is_known]
    programs = LinePrograms(products, at.price_band / 100, whole=len(hidden) <= at.integer_cells)
    return [part for part in wanted
            if not is_wide(programs, place[part], products[place[part]], at.interval_percent / 100)]


def _hidden(system: System, known: PriceList, part: int) -> Hidden:
    row = _product_row(system, part, known)
    price = known.of(system.month, row) if row is not None else None
    return Hidden(system.value(part, known.priced.units), system.value(part, known.priced.amount), price)


def close_price_gaps(policy: Policy, system: System, known: PriceList,
                     suppress: Callable[[System, int], None]) -> int:
    """Suppress until no line tells too much by its prices; returns how many cells that took."""
    taken = 0
    while chosen := list(_further(policy, system, known, suppress)):
        taken += len(chosen)
    for category in known.categories(policy, system):
        while told := category.told():
            for *_, cell in sorted((-system.depth(cell), not category.has_sold(cell, told),
                                    system.value(cell, known.priced.units), cell)
                                   for cell in category.shown())[:1 + taken // _AT_ONCE]:
                suppress(system, cell)
                taken += 1
    while told := (sums := known.sums(policy, system)).told():
        further = [cell for one in told for cell in sums.beside(one)[:1]]
        for cell in dict.fromkeys(further):
            suppress(system, cell)
        taken += len(set(further))
        if not further:
            break  # what is left of its lines is all suppressed: the gates say so
    return taken


def _further(policy: Policy, system: System, known: PriceList,
             suppress: Callable[[System, int], None]) -> Iterator[int]:
    """Suppress the products that each line lacks, and totals where there are none left; yields each cell."""
    lines = list(lines_of_products(system, known))
    totals = [total for line, _ in lines for total in line]
    above = [total for total, parts in system.lines if set(parts) & set(totals)]
    for line, parts in lines:
        told, taken = told_by_prices(policy, system, known, parts), 0
        while told:
            choices = _cheapest(system, known, parts, 1 + taken // _AT_ONCE)
            if not choices:
                choices = next((cells for group in (line, totals, above)
                                if (cells := _cheapest(system, known, group, 1))), [])
                told = []  # the lines are others now
            for choice in choices:
                suppress(system, choice)
                yield choice
            taken += len(choices)
            told = told and told_by_prices(policy, system, known, parts, set(told))


def _cheapest(system: System, known: PriceList, cells: list[int], count: int) -> list[int]:
    """The shown cells that cost least, of those that are worth something: a price of nothing hides nothing."""
    shown = [cell for cell in cells if not system.is_suppressed(cell) and cell not in system.zeros]
    return sorted(shown, key=lambda cell: (system.value(cell, known.priced.amount) <= 0,
                                           system.value(cell, known.priced.units), cell))[:count]


def price_faults(policy: Policy, system: System, known: PriceList) -> list[Place]:
    """The suppressed products of a month that prices tell too closely."""
    told = [part for _, parts in lines_of_products(system, known)
            for part in told_by_prices(policy, system, known, parts)]
    rows = [_product_row(system, part, known) for part in told]
    rows += [_product_row(system, part, known) for category in known.categories(policy, system)
             for part in category.told()]
    rows += [system.rows[cell][0] for cell in known.sums(policy, system).told()]
    return [Place(row.table, known.priced.amount, system.month, row.key) for row in rows if row is not None]
