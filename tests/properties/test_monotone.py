"""More facts keep longer, more freezes hold more, more time ends more.

Each test decides many random shops, as they are and changed, in one run, and compares them row by row.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

import pytest

from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_tables import hold_events
from tests.clauses.kit import AS_OF, MONTH, Decided, decided
from tests.oracle.model import Shop
from tests.oracle.shops import Maker

SEEDS = 80
NEW = "new"  # an id that nothing refers to yet
OPEN = date.max
Lapses = dict[tuple[str, str, str], date]
Decisions = dict[tuple[str, ...], str]
Change = Callable[[Maker, Shop], Shop]


def made(seed: int, last: date | None = None) -> tuple[Maker, Shop]:
    """A random shop and who made it; with `last`, without a fact dated later."""
    maker = Maker(random.Random(seed).choice, MONTH, faults=False)
    if last:
        maker.days = [day for day in maker.days if day < last]  # a style's hours may add a day
    return maker, maker.shop()


def with_row(shop: Shop, table: str, **row: object) -> Shop:
    """The shop with one more row."""
    return {**shop, table: [*shop.get(table, []), row]}


def with_order(maker: Maker, shop: Shop) -> Shop:
    """One more order of anybody, placed at any time, with a line or without."""
    bigger = with_row(shop, "orders", **maker.order(NEW))
    return with_row(bigger, "order_lines", **maker.line(NEW, "1")) if maker.chance(2) else bigger


def with_case(maker: Maker, shop: Shop) -> Shop:
    """One more case, open or closed."""
    return with_row(shop, "cases", **maker.case(NEW))


def with_open_invoice(maker: Maker, shop: Shop) -> Shop:
    """One more invoice that a customer of the shop has not paid."""
    invoice = maker.invoice(NEW) | {"amount": "100", "paid_amount": None, "settled_at": None}
    if shop["customers"]:
        invoice["customer_id"] = maker.pick(shop["customers"])["customer_id"]
    return with_row(shop, "invoices", **invoice)


def with_freezing_request(maker: Maker, shop: Shop) -> Shop:
    """One more request that freezes whom it reaches."""
    kind = maker.pick(("restriction", "access", "portability"))
    return with_row(shop, "rights_requests", **maker.request(NEW) | {"kind": kind, "outcome": None, "closed_at": None})


def lapses(found: Decided) -> dict[str, Lapses]:
    """Per prefix the day each purpose lapses; open is later than any day."""
    rows = found.con.execute("SELECT subject_id, purpose, lapses_on FROM retention.purpose_status").fetchall()
    result: dict[str, Lapses] = {prefix: {} for prefix in found.prefixes.values()}
    for subject_id, purpose, lapses_on in rows:
        kind, prefix, bare = split(subject_id)
        result[prefix][kind, bare, purpose] = lapses_on or OPEN
    return result


def decisions(found: Decided) -> dict[str, Decisions]:
    """Per prefix every decision about an attribute or a record."""
    result: dict[str, Decisions] = {prefix: {} for prefix in found.prefixes.values()}
    for subject_id, attribute, decision in found.con.execute(
            "SELECT subject_id, attribute, decision FROM retention.attribute_decisions").fetchall():
        kind, prefix, bare = split(subject_id)
        if prefix in result:
            result[prefix][kind, bare, attribute] = decision
    for entity, record_id, part, decision in found.con.execute(
            "SELECT entity, record_id, part, decision FROM retention.record_decisions").fetchall():
        _, prefix, bare = split(f":{record_id}")
        result[prefix][entity, bare, part] = decision
    return result


def split(subject_id: str) -> tuple[str, str, str]:
    """Kind, prefix and bare id."""
    kind, _, rest = subject_id.partition(":")
    prefix, _, bare = rest.partition("~")
    return kind, f"{prefix}~", bare


def turned(before: Decisions, after: Decisions, was: Iterable[str], becomes: str) -> list[tuple[str, ...]]:
    """What was decided one way and is now decided another."""
    return [key for key, decision in before.items() if decision in was and after.get(key) == becomes]


FACTS: tuple[Change, ...] = (with_order, with_case, with_open_invoice)


def test_one_more_fact_never_shortens(tmp_path: Path) -> None:
    """One more order, case or open invoice: no purpose lapses earlier, nothing that was retained becomes due."""
    shops: dict[str, Shop] = {}
    for seed in range(SEEDS):
        maker, shop = made(seed)
        shops |= {f"{seed} before": shop} | {f"{seed} {change.__name__}": change(maker, shop) for change in FACTS}
    found = decided(shops, tmp_path)
    dates, decided_as = lapses(found), decisions(found)
    for change in FACTS:
        moved = 0
        for seed in range(SEEDS):
            before, after = found.prefixes[f"{seed} before"], found.prefixes[f"{seed} {change.__name__}"]
            earlier = [key for key, day in dates[before].items() if dates[after].get(key, date.min) < day]
            assert not earlier, (change.__name__, seed, earlier)
            assert not turned(decided_as[before], decided_as[after], ["retain"], "due"), (change.__name__, seed)
            moved += dates[before] != dates[after]
        assert moved > SEEDS // 5, change.__name__


def test_one_more_freeze_never_makes_due(tmp_path: Path) -> None:
    """A request that freezes, a hold that a person placed: what is not due stays so, and something is held."""
    shops: dict[str, Shop] = {}
    for seed in range(SEEDS):
        maker, shops[f"{seed} before"] = made(seed)
        shops[f"{seed} requested"] = with_freezing_request(maker, shops[f"{seed} before"])
        shops[f"{seed} held"] = shops[f"{seed} before"]
    control = ControlStore("sqlite://")
    held = [f"n{number}~" for number, name in enumerate(shops) if name.endswith("held")]
    control.insert(hold_events, [
        {"event": "placed", "subject_id": f"{kind}:{prefix}{number}", "owner": "o", "ground": "g", "expires_on": AS_OF,
         "happened_on": AS_OF, "recorded_by": "o"}
        for prefix in held for kind in ("customer", "contact") for number in "123"])
    found = decided(shops, tmp_path, control=control)
    decided_as = decisions(found)
    stopped = 0
    for seed in range(SEEDS):
        before = decided_as[found.prefixes[f"{seed} before"]]
        for side in ("requested", "held"):
            after = decided_as[found.prefixes[f"{seed} {side}"]]
            assert not turned(before, after, ["retain", "hold", "absent"], "due"), (seed, side)
            stopped += len(turned(before, after, ["due"], "hold"))
    assert stopped > SEEDS


@pytest.mark.soak
def test_time_alone_never_retains_what_was_due(tmp_path: Path) -> None:
    """Without a fact dated after the earlier day, due stays due, absent stays absent; some of the rest follows."""
    shops = {str(seed): made(seed, AS_OF - timedelta(days=1))[1] for seed in range(SEEDS)}
    now = decisions(decided(shops, tmp_path))
    for later in ("2026-11", "2027-03", "2029-10"):
        then = decisions(decided(shops, tmp_path, later))
        ended = 0
        for prefix, before in now.items():
            assert not turned(before, then[prefix], ["due"], "retain"), (later, prefix)
            assert not turned(before, then[prefix], ["absent"], "due"), (later, prefix)
            ended += len(turned(before, then[prefix], ["retain"], "due"))
        assert ended, later
