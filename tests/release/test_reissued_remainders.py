"""A month that is issued again: what is left of a total's change beside the changes of its shown parts."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ajprivacy_pipeline.release import GuaranteeError, ReleaseRequest
from tests.release.release_world import World, add, all_but, months, register

FEBRUARY = date(2024, 2, 9)
CODES = {"0": "0150", "3": "3003", "5": "5003"}
FEW = r"G6: sales_monthly: \d+ remainders of totals of a published month .* fewer than 10 contributors"
TOTAL = ("SELECT customers FROM sales_monthly WHERE month = DATE '2024-02-01' AND product_category = '(all)' "
         "AND postal_region = '(all)' AND customer_type = '(all)'")
SHOWN = TOTAL.replace("customers FROM", "postal_region, customers FROM").replace("AND postal_region = '(all)' ", "")


def buy(world: World, who: list[str], region: str, on: date = FEBRUARY, products: tuple[str, ...] = ("P1",)) -> None:
    """An order of each, of a unit of each product."""
    add(world.con, "staged.orders", [{"order_id": f"{on:%m}{w}{region}", "customer_id": w, "ordered_on": on,
                                      "delivery_postal_code": CODES[region], "currency": "NOK"} for w in who])
    add(world.con, "staged.order_lines", [
        {"order_id": f"{on:%m}{w}{region}", "line_number": n, "product_id": product, "quantity": 1, "unit_price": 100}
        for w in who for n, product in enumerate(products, start=1)])


def come(world: World, people: int, region: str, products: tuple[str, ...] = ("P1",)) -> list[str]:
    """So many new customers, each with a late order in February."""
    who = [f"N{region}{i}" for i in range(people)]
    add(world.con, "staged.customers", [{"customer_id": w, "customer_type": "consumer", "country": "NO"} for w in who])
    buy(world, who, region, products=products)
    return who


@pytest.fixture
def shop(tmp_path: Path) -> World:
    """Forty who buy each month: 28 in region 0, which is shown, six each in 3 and 5, which are not; published."""
    world = World(tmp_path, left_out=all_but("sales_monthly"))
    people = {"0": [f"C{i}" for i in range(28)], "3": [f"C{i}" for i in range(28, 34)],
              "5": [f"C{i}" for i in range(34, 40)]}
    add(world.con, "staged.products", [{"product_id": "P1", "name": "Locker", "category": "lockers"},
                                       {"product_id": "P2", "name": "Desk", "category": "desks"}])
    add(world.con, "staged.customers", [*register(tuple(CODES)), *(
        {"customer_id": w, "customer_type": "consumer", "country": "NO", "postal_code": CODES[region]}
        for region, who in people.items() for w in who)])
    for month in months("2024-03"):
        for region, who in people.items():
            buy(world, who, region, month, ("P1", "P2") if region == "0" else ("P1",))
    assert world.publish("2024-03").proven
    assert world.query(SHOWN) == [("(all)", 40), ("0", 28), ("3", None), ("5", None)]
    return world


def again(world: World) -> list[tuple[int]]:
    """Issue February again; returns its customers in all."""
    assert world.publish("2024-03", request=ReleaseRequest(reissue="2024-02")).proven
    return world.query(TOTAL)


@pytest.mark.parametrize("people", [1, pytest.param(9, marks=pytest.mark.soak)])
def test_what_is_left_of_a_total_that_changed_by_many_may_not_be_a_few(shop: World, people: int) -> None:
    """Eleven more in the shown region, one in the suppressed ones: 12 and 11 would tell what that one bought."""
    come(shop, 11, "0")
    come(shop, people, "5")
    with pytest.raises(GuaranteeError, match=FEW):
        again(shop)
    assert shop.query(TOTAL) == [(40,)]


def test_many_on_either_side_are_issued_again(shop: World) -> None:
    """Ten buy more, or for the first time, in the suppressed regions: region 3 stays suppressed, for 5 has nine."""
    come(shop, 11, "0")
    who = come(shop, 3, "5")
    buy(shop, [*who, *(f"C{i}" for i in range(28, 34)), "C35"], "3")
    assert again(shop) == [(54,)]


def test_newcomers_to_shown_parts_alone_leave_the_rest_as_it_was(shop: World) -> None:
    """Each in two categories at once: of now it is counted that nothing of theirs is in the suppressed regions."""
    come(shop, 11, "0", ("P1", "P2"))
    assert again(shop) == [(51,)]


def test_a_price_that_was_wrong_for_everybody_is_mended(shop: World) -> None:
    """Twelve stand behind the suppressed regions, and of each of them the amount changes."""
    shop.con.execute("UPDATE staged.order_lines SET unit_price = 120 WHERE product_id = 'P1'")
    assert again(shop) == [(40,)]
    revenue = TOTAL.replace("customers", "revenue_nok").replace("'(all)' AND", "'lockers' AND", 1)
    assert shop.query(revenue) == [(Decimal("4800.00"),)]


def test_a_price_that_was_wrong_for_nine_of_twelve_is_not(shop: World) -> None:
    shop.con.execute("UPDATE staged.order_lines SET unit_price = 120 WHERE product_id = 'P1' AND "
                     "order_id NOT IN ('02C375', '02C385', '02C395')")
    with pytest.raises(GuaranteeError, match=FEW):
        again(shop)


def test_whoever_moves_from_a_suppressed_part_to_a_shown_one_changes_the_rest(shop: World) -> None:
    """Region 0 gains eleven newcomers and one of region 5, where a newcomer takes the place: two are the rest."""
    come(shop, 11, "0")
    come(shop, 1, "5")
    shop.con.execute("UPDATE staged.orders SET delivery_postal_code = '0150' WHERE order_id = '02C345'")
    with pytest.raises(GuaranteeError, match=FEW):
        again(shop)


def test_a_shown_cell_that_is_gone_tells_no_more_what_is_left(shop: World) -> None:
    """Everybody's desks of February were never bought: nothing tells any more which cells they stood in."""
    shop.con.execute("DELETE FROM staged.order_lines WHERE product_id = 'P2' AND order_id LIKE '02%'")
    with pytest.raises(GuaranteeError, match="cells of a published month would not be listed any more"):
        again(shop)
