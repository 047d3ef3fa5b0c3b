"""G5 of rounded stocks: what totals and parts, each rounded by itself, leave a suppressed one of them."""

from collections.abc import Mapping
from datetime import date
from itertools import product
from pathlib import Path

import pytest

from ajprivacy_pipeline.disclosure.cells.stock_sums import check_sums, suppress_sums
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.release import GuaranteeError, gates
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage.zones import Connection, memory
from tests.release.release_world import World, add, all_but

TABLE, ALL = "retention_monthly", "(all)"
PUBLIC = {TABLE: "stocks"}
Stocks = dict[tuple[str, str], int | None]
# A shop of 132: 34 companies, of whom two are absent; four consumers are due.
SMALL: Mapping[tuple[str, str], int] = {
    ("business", "retain"): 32, ("business", "absent"): 2, ("consumer", "retain"): 94, ("consumer", "due"): 4}


def rounded(people: Mapping[tuple[str, str], int]) -> Stocks:
    """Each cell and total of a shop to the nearest ten, suppressed below ten."""
    cells: dict[tuple[str, str], int] = {}
    for (kind, decision), count in people.items():
        for cell in product((kind, ALL), (decision, ALL)):
            cells[cell] = cells.get(cell, 0) + count
    return {cell: (count + 5) // 10 * 10 if count >= 10 else None for cell, count in cells.items()}


def table(stocks: Stocks) -> Connection:
    con = memory()
    con.execute("CREATE TABLE stocks (month DATE, subject_type VARCHAR, decision VARCHAR, subjects BIGINT, rounded_to "
                "BIGINT, suppressed BOOLEAN, suppressed_measures VARCHAR[])")
    add(con, "stocks", [{"month": date(2024, 3, 1), "subject_type": kind, "decision": decision, "subjects": value,
                         "rounded_to": 10, "suppressed": value is None, "suppressed_measures": []}
                        for (kind, decision), value in sorted(stocks.items())])
    return con


def said(con: Connection) -> Stocks:
    return {(kind, decision): value for kind, decision, value in
            con.execute("SELECT subject_type, decision, subjects FROM stocks").fetchall()}


def possible(stocks: Stocks, most: int = 150) -> dict[tuple[str, str], set[int]]:
    """What each part of SMALL may be, one number after another: the outsider's own way, without a program."""
    here = {place: range(max(10, value - 5), value + 5) for place, value in stocks.items() if value}

    def fits(place: tuple[str, str], count: int) -> bool:
        return place not in here or count in here[place]
    found: dict[tuple[str, str], set[int]] = {cell: set() for cell in SMALL}
    for kept, absent in product(range(60), repeat=2):
        if fits(("business", "retain"), kept) and fits(("business", "absent"), absent) and fits(
                ("business", ALL), kept + absent) and fits((ALL, "absent"), absent):
            for others, due in product(range(85, most), range(60)):
                if fits(("consumer", "retain"), others) and fits(("consumer", "due"), due) and fits(
                        ("consumer", ALL), others + due) and fits((ALL, "due"), due) and fits(
                        (ALL, "retain"), kept + others) and fits((ALL, ALL), kept + absent + others + due):
                    for cell, count in zip(SMALL, (kept, absent, others, due), strict=True):
                        found[cell].add(count)
    return found


def test_a_suppressed_stock_is_left_as_open_as_a_rounded_one() -> None:
    """130 retained at 94 consumers at most leave 31 companies, of 34 at most: none to three are absent."""
    policy, con = load_policy(NOTICE), table(rounded(SMALL))
    assert possible(said(con))["business", "absent"] == {0, 1, 2, 3}
    assert check_sums(con, policy, PUBLIC).violations == (
        "retention_monthly.subjects: 4 suppressed values can be told too closely by rounded totals and parts",)
    assert suppress_sums(con, policy, PUBLIC) > 0
    assert check_sums(con, policy, PUBLIC).passed
    after = said(con)
    assert all(len(possible(after)[cell]) >= 10 for cell in SMALL if after[cell] is None)
    marks = "SELECT count(*) FROM stocks WHERE (subjects IS NULL) <> suppressed"
    assert con.execute(marks).fetchall() == [(0,)]
    assert suppress_sums(con, policy, PUBLIC) == 0, "and no more than that"


@pytest.mark.parametrize(("total", "passes"), [(10, False), (20, True)])
def test_one_beside_a_rounded_part_of_ten_numbers_is_as_open(total: int, passes: bool) -> None:
    """15 to 24 less as many leave 0 to 9, which says no more than that it is suppressed; 10 to 14 leave 0 to 4."""
    con = table({(ALL, ALL): total, (ALL, "retain"): total, (ALL, "due"): None})
    assert check_sums(con, load_policy(NOTICE), PUBLIC).passed == passes


def test_where_nothing_is_suppressed_nothing_more_is() -> None:
    con = table(rounded({cell: count * 20 for cell, count in SMALL.items()}))
    assert suppress_sums(con, load_policy(NOTICE), PUBLIC) == 0
    assert None not in said(con).values()


def test_a_release_with_a_stock_that_is_told_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, left_out=all_but(TABLE))
    people = {f"{kind}-{decision}-{i}": (kind, decision) for (kind, decision), count in SMALL.items()
              for i in range(count)}
    add(world.con, "staged.customers", [{"customer_id": who, "customer_type": kind}
                                        for who, (kind, _) in people.items()])
    add(world.con, "retention.attribute_decisions", [
        {"as_of": date(2024, 4, 1), "subject_id": f"customer:{who}", "attribute": "name", "decision": decision}
        for who, (_, decision) in people.items()])
    monkeypatch.setattr(gates, "suppress_sums", lambda *_: 0)
    with pytest.raises(GuaranteeError, match=r"G5: retention_monthly.subjects: \d suppressed values can be told too"):
        world.publish("2024-03")
    monkeypatch.undo()
    assert world.publish("2024-03").proven
