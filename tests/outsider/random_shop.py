"""The outsider against a shop drawn by a seed: everything he may know of it, and every attack.

Belongs here: what there is to know of the shop's own tables (`tests/release/random_shops.py`). Does not belong here:
attacks. A shop with credit notes has units and revenue below nothing: there he counts on no sign.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import pandas as pd

from tests.outsider import contributions, counted, names, presence, pricelist, rounded, splits, tables
from tests.outsider.published import Finding, Published, Shape, Thresholds

LOOKED_AT = 25  # products of a period whose price he tries: each takes four programs over all of them
GUEST = "guest"  # who ordered without a customer's number: all of them together are one contributor
Groups = dict[tuple[str, str], tuple[str, str]]


def everything(published: Published, shop: dict[str, pd.DataFrame], groups: Groups, last: str) -> Iterator[Finding]:
    """Whatever can be found.

    Args:
        published: the release, by months.
        shop: its tables.
        groups: by type and region of people how a release describes them.
        last: the month of the release, YYYY-MM.
    """
    limits = Thresholds()
    facts = facts_of(shop, groups)
    facts = facts[facts["period"].str[:7] <= last]
    if (facts["units"] < 0).any():
        published = replace(published, signed=frozenset({"units", "returned_units", "revenue_nok"}))
    published = replace(published, units=dict(_of_units(published, facts)))
    if facts[["period", "who", "customer_type"]].drop_duplicates().duplicated(["period", "who"]).any():
        published = replace(published, shapes={name: _of_several_types(shape)
                                               for name, shape in published.shapes.items()})
    others = counted.facts_of(shop)
    yield from (found for found in tables.attack(published, limits)
                if not hides_others(published, found, others.get(found.table, facts), limits))
    yield from counted.attack(published, others, limits)
    yield from rounded.attack(published, limits, _counts(published, facts))
    if "customers" in shop:
        yield from presence.attack(published, register_of(shop, groups), limits)
        yield from names.attack(published, shop["customers"].assign(birth_date=None))
    if len(facts):
        yield from contributions.remainders(published, facts, limits)
        if facts["unit_price"].notna().all():
            yield from pricelist.attack(published, known_of(facts, limits), limits)
            if (facts["units"] > 0).all():
                yield from splits.attack(published, known_of(facts, limits), limits)


def _counts(published: Published, facts: pd.DataFrame) -> rounded.Truth:
    """Who is truly counted in each finest cell: none in some, and of none nobody can be told."""
    return {(str(period), tuple(map(str, cell))): int(count) for shape in published.rounded.values()
            for (period, *cell), count in facts.groupby(["period", *shape.dimensions])["who"].nunique().items()}


def _of_units(published: Published, facts: pd.DataFrame,
              ) -> Iterator[tuple[tuple[str, frozenset[tuple[str, str]]], float]]:
    """The cells that hold a unit or more for each order that has a line, with their units."""
    shapes = [shape for shape in published.shapes.values() if "units" in shape.measures]
    for dimensions in sorted({tuple(d for d in shape.dimensions if d in facts) for shape in shapes}):
        for named in (list(part) for size in range(len(dimensions) + 1) for part in combinations(dimensions, size)):
            found = facts.groupby(["period", *named]).agg(units=("units", "sum"), orders=("order_id", "nunique"))
            for at, units, _ in found[found["units"] >= found["orders"]].itertuples(name=None):
                period, *values = (at,) if isinstance(at, str) else at
                yield (str(period), frozenset(zip(named, map(str, values), strict=True))), float(units)


def hides_others(published: Published, found: Finding, facts: pd.DataFrame, limits: Thresholds) -> bool:
    """Whether what has a narrow interval is suppressed to hide others: it must not follow exactly, no more."""
    measure, columns = found.learnt.partition(" ")[0], published.shapes.get(found.table)
    if found.attack != "complement, interval" or columns is None or not set(columns.dimensions) <= set(facts.columns):
        return False
    lines = facts[facts["period"] == found.period]
    for named in () if found.cell == "total" else found.cell.split(", "):
        dimension, _, value = named.partition(" ")
        lines = lines[lines[dimension] == value]
    if measure == "visitors":
        lines = lines[lines["counted"]]
    if measure in ("units", "revenue_nok"):
        return len(lines) > 0 and not contributions.dominated(lines, measure, limits)
    return lines["who"].nunique() >= limits.k


def _of_several_types(shape: Shape) -> Shape:
    """The shape where a customer need not be of one type: delivered to where few are, an order is of the type other."""
    return replace(shape, additive={measure: over - {"customer_type"} if shape.unit[measure] == "customers" else over
                                    for measure, over in shape.additive.items()})


def register_of(shop: dict[str, pd.DataFrame], groups: Groups) -> pd.DataFrame:
    """A row per customer: type and region as a release describes them, also where it lists no row of both."""
    people = shop["customers"]
    described = [groups[kind, code[0]] for kind, code in
                 zip(people["customer_type"], people["postal_code"], strict=True)]
    return pd.DataFrame(described, columns=list(presence.DESCRIBES))


def facts_of(shop: dict[str, pd.DataFrame], groups: Groups) -> pd.DataFrame:
    """A row per line that was not returned: period, who, the dimensions as they are published, units, revenue, price.

    An order without such a line is in no row: it has no units.
    """
    columns = ["period", "order_id", "who", "party", "customer_type", "postal_region", "product_category", "product_id",
               "units", "unit_price", "revenue_nok"]
    if "order_lines" not in shop:
        return pd.DataFrame({name: [] for name in columns}).astype({"period": str})
    lines = shop["order_lines"][shop["order_lines"]["returned_on"].isna()]
    lines = lines.merge(shop["orders"], on="order_id").merge(shop["products"], on="product_id")
    kinds = dict(shop["customers"][["customer_id", "customer_type"]].itertuples(index=False, name=None)) \
        if "customers" in shop else {}
    regions = [code[0] if code.isdigit() and len(code) == 4 else "abroad" for code in lines["delivery_postal_code"]]
    described = [groups.get((kinds.get(who, "unknown"), region), ("other", "other"))
                 for who, region in zip(lines["customer_id"], regions, strict=True)]
    price = lines["unit_price"].astype(float) if "unit_price" in lines else pd.Series(None, lines.index, dtype=float)
    return pd.DataFrame({
        "period": pd.to_datetime(lines["ordered_on"]).dt.strftime("%Y-%m-01"), "order_id": lines["order_id"],
        "who": lines["customer_id"].fillna(GUEST), "party": lines["customer_id"].fillna("order " + lines["order_id"]),
        "customer_type": [kind for kind, _ in described], "postal_region": [region for _, region in described],
        "product_category": lines["category"].fillna("unknown"), "product_id": lines["product_id"],
        "units": lines["quantity"].astype(float), "unit_price": price,
        "revenue_nok": lines["quantity"].astype(float) * price})


def known_of(facts: pd.DataFrame, limits: Thresholds) -> pricelist.Knowledge:
    """The price list, and which products must be hidden: fewer than k buyers, or one or two that dominate.

    Of very many the first ones are looked at: those that hide each other are alike.
    """
    rows, tried = list[dict[str, object]](), Counter[str]()
    for (period, product), lines in facts.groupby(["period", "product_id"]):
        wrong = [contributions.dominated(lines, measure, limits) for measure in ("units", "revenue_nok")]
        tried[str(period)] += any(wrong)
        rows.append({"period": period, "product_id": product, "lowest": lines["unit_price"].min(),
                     "highest": lines["unit_price"].max(), "units": lines["units"].sum(),
                     "revenue_nok": lines["revenue_nok"].sum(),
                     "protected": any(wrong) and tried[str(period)] <= LOOKED_AT})
    return pricelist.Knowledge(pd.DataFrame(rows))
