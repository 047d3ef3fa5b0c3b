"""The outsider with a price list, with true contributions and with a list of people, against shops made for it.

The shops are small (300 to 10,000 people) and sell 3, 10 or 100 products a category, at list prices or at prices that
vary by line, three months in a row. What is published is made by the release as a whole, with two tables.
"""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from tests.outsider import contributions, names, pricelist, splits
from tests.outsider.lines import Cell
from tests.outsider.published import ALL, Finding, Published, Shape, Thresholds, read
from tests.outsider.test_outsider import kinds
from tests.release.release_world import World, fill

LIMITS = Thresholds()
TABLES = ("sales_monthly", "product_demand_monthly", "data_dictionary", "release_info")
LEFT_OUT = tuple(name for name in load_policy(NOTICE).release.tables if name not in TABLES)
Groups = dict[tuple[str, str], tuple[str, str]]
MONTHS = [date(2024, month, 1) for month in (1, 2, 3)]


def shop(seed: int, people: int, products: int, *, fixed: bool, categories: int = 3,
         regions: int = 4, steepness: float = 1.1) -> dict[str, list[dict[str, Any]]]:
    """Rows of a shop: a few products sell most, the steeper the more, some customers are firms that buy a lot."""
    rng = np.random.default_rng(seed)
    rows: dict[str, list[dict[str, Any]]] = {"customers": [], "orders": [], "order_lines": [], "products": []}
    listed = rng.integers(10, 500, categories * products) * 10
    for i in range(categories * products):
        rows["products"].append({"product_id": f"P{i}", "name": f"Thing number {i}",
                                 "category": f"category {i // products}"})
    liked = 1 / (1 + np.arange(products)) ** steepness
    weight = np.concatenate([rng.permutation(liked) for _ in range(categories)])
    for i in range(people):
        business, code = rng.random() < 0.25, f"{min(regions, rng.geometric(0.4)):d}001"
        rows["customers"].append({"customer_id": f"C{i}", "customer_type": "business" if business else "consumer",
                                  "name": f"Kunde{i} Nummermann{i:04d}", "country": "NO",
                                  "postal_code": code})
        for first in MONTHS:
            if rng.random() > 0.5:
                continue
            order = f"O{first:%m}-{i}"
            rows["orders"].append({"order_id": order, "customer_id": f"C{i}", "currency": "NOK",
                                   "ordered_on": first + timedelta(days=int(rng.integers(0, 28))),
                                   "delivery_postal_code": code})
            for line in range(1 + int(rng.poisson(0.5))):
                place = int(rng.choice(len(weight), p=weight / weight.sum()))
                price = int(listed[place]) if fixed else round(float(listed[place]) * rng.uniform(0.9, 1.05))
                rows["order_lines"].append({
                    "order_id": order, "line_number": line + 1, "product_id": f"P{place}", "unit_price": price,
                    "quantity": int(rng.integers(1, 30) if business and rng.random() < 0.2 else rng.integers(1, 4))})
    return rows


def facts_of(rows: dict[str, list[dict[str, Any]]], groups: Groups) -> pd.DataFrame:
    """A row per line: period, who, the dimensions as they are published, units, revenue and unit price."""
    lines = pd.DataFrame(rows["order_lines"]).merge(pd.DataFrame(rows["orders"]), on="order_id")
    lines = lines.merge(pd.DataFrame(rows["customers"]), on="customer_id")
    lines = lines.merge(pd.DataFrame(rows["products"]), on="product_id", suffixes=("", "_product"))
    described = [groups[kind, code[0]] for kind, code in
                 zip(lines["customer_type"], lines["delivery_postal_code"], strict=True)]
    return pd.DataFrame({
        "period": pd.to_datetime(lines["ordered_on"]).dt.strftime("%Y-%m-01"), "who": lines["customer_id"],
        "customer_type": [kind for kind, _ in described], "postal_region": [region for _, region in described],
        "product_category": lines["category"], "product_id": lines["product_id"],
        "units": lines["quantity"].astype(float), "unit_price": lines["unit_price"].astype(float),
        "revenue_nok": lines["quantity"].astype(float) * lines["unit_price"].astype(float)})


def known_of(facts: pd.DataFrame) -> pricelist.Knowledge:
    """The price list, and which products must be hidden: fewer than k buyers, or one or two that dominate."""
    rows = []
    for (period, product), lines in facts.groupby(["period", "product_id"]):
        wrong = [contributions.dominated(lines, measure, LIMITS) for measure in ("units", "revenue_nok")]
        rows.append({"period": period, "product_id": product, "lowest": lines["unit_price"].min(),
                     "highest": lines["unit_price"].max(), "units": lines["units"].sum(),
                     "revenue_nok": lines["revenue_nok"].sum(), "protected": any(wrong)})
    return pricelist.Knowledge(pd.DataFrame(rows), cells_of(facts))


def cells_of(facts: pd.DataFrame) -> dict[tuple[str, Cell], dict[str, object]]:
    """The same of cells by category, type and region, of categories that are sold at one price in a period."""
    found = {}
    by_category = facts.groupby(["period", "product_category"])["unit_price"]
    one = facts[by_category.transform("min") == by_category.transform("max")]
    for more in ([], ["customer_type"], ["postal_region"], ["customer_type", "postal_region"]):
        for (period, *values), lines in one.groupby(["period", "product_category", *more]):
            cell = frozenset(zip(["product_category", *more], values, strict=True))
            found[str(period), cell] = {
                "lowest": lines["unit_price"].min(), "highest": lines["unit_price"].max(),
                "units": lines["units"].sum(), "revenue_nok": lines["revenue_nok"].sum(),
                "protected": any(contributions.dominated(lines, m, LIMITS) for m in ("units", "revenue_nok"))}
    return found


def people_of(rows: dict[str, list[dict[str, Any]]]) -> pd.DataFrame:
    people = pd.DataFrame(rows["customers"])
    return people.assign(birth_date=people.get("birth_date", pd.Series(None, index=people.index, dtype=object)))


def publish(home: Path, rows: dict[str, list[dict[str, Any]]]) -> tuple[Published, Groups]:
    """The release of three months, as its folder says, and how people of few are described in it."""
    world = World(home, left_out=LEFT_OUT)
    fill(world.con, rows)
    world.publish("2024-03")
    groups = {(kind, region): (shown_type, shown_region) for kind, region, shown_type, shown_region in world.rows(
        "SELECT customer_type, postal_region, shown_type, shown_region FROM anonymous.people_groups")}
    return read(next(path for path in (home / "published" / "releases").iterdir() if path.is_dir())), groups


def everything(home: Path, rows: dict[str, list[dict[str, Any]]]) -> list[Finding]:
    """What a reader of the shop's release finds with a price list, with the contributions, with everybody's name."""
    published, groups = publish(home, rows)
    facts = facts_of(rows, groups)
    return [*pricelist.attack(published, known_of(facts), LIMITS),
            *splits.attack(published, known_of(facts), LIMITS),
            *contributions.remainders(published, facts, LIMITS), *names.attack(published, people_of(rows))]


@pytest.mark.parametrize(("people", "products", "fixed"), [
    (300, 3, True), pytest.param(600, 10, False, marks=pytest.mark.soak)])
def test_a_shop_gives_nothing_away_to_who_knows_prices_and_buyers(tmp_path: Path, people: int, products: int, *,
                                                                  fixed: bool) -> None:
    assert everything(tmp_path, shop(people + products, people, products, fixed=fixed)) == []


@pytest.mark.parametrize(("people", "products", "steepness"), [
    (300, 3, 2.5), *(pytest.param(*size, marks=pytest.mark.soak) for size in [
        (600, 3, 3.0), (600, 4, 2.5), (1_000, 4, 3.0), (2_000, 5, 3.0), (5_000, 6, 3.0)])])
def test_cells_by_region_and_type_do_not_tell_products_that_few_bought(tmp_path: Path, people: int, products: int,
                                                                      steepness: float) -> None:
    """Of each category nearly everybody buys one product; the others are in cells that show units and revenue."""
    rows = shop(people + products, people, products, fixed=True, steepness=steepness)
    assert everything(tmp_path, rows) == []


@pytest.mark.parametrize(("people", "categories", "regions"), [
    (200, 4, 2), *(pytest.param(*size, marks=pytest.mark.soak) for size in [
        (300, 6, 3), (600, 8, 3), (1_500, 10, 4), (3_000, 12, 4)])])
def test_categories_of_one_price_are_not_told_by_the_sums_of_a_region(tmp_path: Path, people: int, categories: int,
                                                                     regions: int) -> None:
    """Each category is one product: what a region's shown cells leave of units and revenue is of few unknowns."""
    rows = shop(people, people, 1, fixed=True, categories=categories, regions=regions)
    assert everything(tmp_path, rows) == []


@pytest.mark.soak
@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize(("people", "products"), [(300, 10), (1_000, 3), (1_000, 10), (1_000, 100), (2_000, 3),
                                                  (2_000, 10), (2_000, 100), (10_000, 3), (10_000, 10),
                                                  (10_000, 100)])
def test_more_shops_give_nothing_away(tmp_path: Path, people: int, products: int, *, fixed: bool) -> None:
    assert everything(tmp_path, shop(people * products, people, products, fixed=fixed)) == []


# --- releases made up by hand ---


def made_up(rows: list[tuple[str, str, str, int | None, int | None]]) -> Published:
    """A table of demand from month, category, product, units and revenue."""
    frame = pd.DataFrame(rows, columns=["month", "product_category", "product_id", "units", "revenue_nok"])
    frame = frame.astype({"units": "Float64", "revenue_nok": "Float64"})
    shape = Shape("demand", "month", "orders", ("product_category", "product_id"), ("units", "revenue_nok"),
                  dict.fromkeys(("units", "revenue_nok"), frozenset({"product_category", "product_id"})),
                  {"units": "units", "revenue_nok": "NOK"}, frozenset({"revenue_nok"}), frozenset())
    return Published("made up", {"demand": frame}, {"demand": shape})


def price_list(month: str, truth: dict[str, tuple[int, float, float]], protected: str) -> pricelist.Knowledge:
    """Units, lowest and highest price of each product, and the products that must be hidden."""
    return pricelist.Knowledge(pd.DataFrame([
        {"period": month, "product_id": name, "lowest": low, "highest": high, "units": float(units),
         "revenue_nok": units * (low + high) / 2, "protected": name in protected}
        for name, (units, low, high) in truth.items()]))


SEPTEMBER = [("2024-09-01", ALL, ALL, 62, 11_600), ("2024-09-01", "desks", ALL, 62, 11_600)]


def of_desks(**shown: int) -> Published:
    """The three products of the issue: the shown ones with their units, the others withheld."""
    price = {"A": 100, "B": 250, "C": 700}
    return made_up([*SEPTEMBER, *(("2024-09-01", "desks", name, shown.get(name), shown[name] * price[name]
                                   if name in shown else None) for name in "ABC")])


def test_three_products_and_two_sums_give_four_and_eight() -> None:
    """B and C: b + c = 12 and 250 b + 700 c = 6,600: by a price list both follow."""
    known = price_list("2024-09-01", {"A": (50, 100, 100), "B": (4, 250, 250), "C": (8, 700, 700)}, "BC")
    found = list(pricelist.attack(of_desks(A=50), known, LIMITS))
    assert kinds(found) == {"price list, exact"}
    assert {(f.cell, f.learnt) for f in found} == {
        ("product_category desks, product_id B", "units in 4.00 .. 4.00, truly 4.00"),
        ("product_category desks, product_id B", "revenue_nok in 1000.00 .. 1000.00, truly 1000.00"),
        ("product_category desks, product_id C", "units in 8.00 .. 8.00, truly 8.00"),
        ("product_category desks, product_id C", "revenue_nok in 5600.00 .. 5600.00, truly 5600.00")}
    assert list(pricelist.attack(of_desks(A=50), replace(known, products=known.products.assign(protected=False)),
                                 LIMITS)) == [], "what is hidden only for others need not be hidden from prices"


def test_cells_below_a_category_give_its_products_where_its_sums_do_not() -> None:
    """Two cells of A at 100, B at 250 and C at 700: 9 units make 1,200 kroner in one way, and so do 2 units 800."""
    def cells(*values: tuple[str, str, int | None, int | None]) -> pd.DataFrame:
        frame = pd.DataFrame(values, columns=["customer_type", "postal_region", "units", "revenue_nok"])
        return frame.assign(month="2024-09-01", product_category="desks")

    demand = made_up([("2024-09-01", "desks", ALL, None, None),
                      *(("2024-09-01", "desks", name, None, None) for name in "ABC")]).tables["demand"]
    truth = {"A": (8, 100, 100), "B": (2, 250, 250), "C": (1, 700, 700)}

    def found(*values: tuple[str, str, int | None, int | None]) -> list[str]:
        published = Published("made up", {"product_demand_monthly": demand, "sales_monthly": cells(*values)})
        return [f.learnt for f in splits.attack(published, price_list("2024-09-01", truth, "C"), LIMITS)]

    assert found((ALL, ALL, None, None), ("consumer", "1", None, None)) == []
    both = ("consumer", "1", 9, 1_200), ("consumer", "2", 2, 800)
    assert found((ALL, ALL, 11, 2_000), *both) == ["units in 1 .. 1 of 1"]


def test_with_another_of_its_price_hidden_or_prices_to_ten_percent_they_do_not() -> None:
    exact = {"A": (50, 100, 100), "B": (4, 250, 250), "C": (8, 700, 700), "D": (10, 250, 250)}
    totals = [("2024-09-01", ALL, ALL, 72, 14_100), ("2024-09-01", "desks", ALL, 72, 14_100)]
    hidden = [("2024-09-01", "desks", name, None, None) for name in "BCD"]
    release = made_up([*totals, ("2024-09-01", "desks", "A", 50, 5_000), *hidden])
    found = list(pricelist.attack(release, price_list("2024-09-01", exact, "BC"), LIMITS))
    assert {f.cell for f in found} == {"product_category desks, product_id C"}
    banded = {"A": (50, 100, 100), "B": (4, 200, 300), "C": (8, 600, 800)}
    found = list(pricelist.attack(of_desks(A=50), price_list("2024-09-01", banded, "BC"), LIMITS))
    assert "price list, exact" not in kinds(found)


def test_whole_numbers_tell_what_fractions_do_not() -> None:
    """9 a + 901 = 130 b, of whole numbers up to ten only 1 and 7."""
    totals = [("2024-09-01", ALL, ALL, 12, 1_093), ("2024-09-01", "desks", ALL, 12, 1_093)]
    release = made_up([*totals, *(("2024-09-01", "desks", name, None, None) for name in "ABC")])
    known = price_list("2024-09-01", {"A": (1, 7, 7), "B": (7, 146, 146), "C": (4, 16, 16)}, "A")
    assert kinds(pricelist.attack(release, known, LIMITS)) == {"price list, exact"}
    assert list(pricelist.attack(release, replace(known, whole=0), LIMITS)) == []


@pytest.mark.parametrize(("largest", "second", "found"), [
    (11, 1, set()), (12, 1, {"remainder"}), (15, 15, set()), (15, 16, {"remainder"})])
def test_a_remainder_that_one_or_two_made(largest: int, second: int, found: set[str]) -> None:
    """Twelve buyers of what is hidden below a shown total, of whom two buy more; the rest is ten buyers of one each."""
    release = made_up([("2024-09-01", ALL, ALL, 500, None), ("2024-09-01", "desks", ALL, 478, None),
                       ("2024-09-01", "chairs", ALL, None, None)])
    bought = {"big": largest, "next": second, **{f"small {i}": 1 for i in range(10)}}
    facts = pd.DataFrame([
        *({"period": "2024-09-01", "who": f"other {i}", "product_category": "desks", "product_id": "A", "units": 1.0}
          for i in range(478)),
        *({"period": "2024-09-01", "who": who, "product_category": "chairs", "product_id": "B", "units": float(count)}
          for who, count in bought.items())])
    assert kinds(contributions.remainders(release, facts, LIMITS)) == found
    few = facts[~facts["who"].str.startswith("small")]
    assert [f.learnt for f in contributions.remainders(release, few, LIMITS)] == [
        "units less ('product_category',): 2 contributors"]


@pytest.mark.parametrize(("text", "found"), [
    ("Nordmann, Kari", {"name"}), ("KariNordmann", {"name"}), ("nordmannkari", {"name"}), ("K. Nordmann", {"name"}),
    ("Skap Nordmann K", {"name"}), ("Kari", set()), ("Skap Nordmann", set()), ("Karin Nordmann", set()),
    ("Skap 3.2.1980", {"birth date"}), ("1980-02-03", {"birth date"}), ("skap 030280", {"birth date"}),
    ("3. februar 1980", {"birth date"}), ("04.02.1980", set()), ("30302801", set())])
def test_names_and_birth_dates_in_words(text: str, found: set[str]) -> None:
    people = pd.DataFrame({"name": ["Kari Nordmann", "Ola Li"], "birth_date": ["1980-02-03", None]})
    assert kinds(names.attack(Published("made up", {"t": pd.DataFrame({"x": [text, None]}, dtype=object)}),
                              people)) == found
