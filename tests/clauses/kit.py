"""Small shops, a name each, decided all together by the SQL: a run costs a second, a shop next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.control import ControlStore
from tests.oracle.batch import named_shop
from tests.oracle.model import Shop, add_months
from tests.oracle.shops import TOMBSTONES
from tests.oracle.sqlshop import decide

MONTH, AS_OF = "2026-10", date(2026, 11, 1)
EDGE = (("the day before", -1, "due"), ("the day itself", 0, "due"), ("the day after", 1, "retain"))


def at_edge(shops: dict[str, Shop], name: str, months: int, make: Callable[[str], Shop]) -> None:
    """Three shops whose fact lies so many months before as_of: a day less, to the day, a day more."""
    for word, shift, _ in EDGE:
        shops[f"{name}, {word}"] = make((add_months(AS_OF, -months) + timedelta(days=shift)).isoformat())


@dataclass
class Decided:
    """The decisions about named shops."""

    con: zones.Connection
    prefixes: Mapping[str, str]

    def attribute(self, shop: str, subject: str, attribute: str) -> dict[str, Any]:
        """The decision about an attribute."""
        return self.one("SELECT * FROM retention.attribute_decisions WHERE subject_id = ? AND attribute = ?",
                        [self.subject(shop, subject), attribute])

    def record(self, shop: str, entity: str, record: str, part: str) -> dict[str, Any]:
        """The decision about a part of a record."""
        return self.one("SELECT * FROM retention.record_decisions WHERE entity = ? AND record_id = ? AND part = ?",
                        [entity, self.prefixes[shop] + record, part])

    def lapses(self, shop: str, subject: str, purpose: str) -> date | None:
        """The day a purpose of a subject lapses."""
        query = "SELECT lapses_on FROM retention.purpose_status WHERE subject_id = ? AND purpose = ?"
        day: date | None = self.one(query, [self.subject(shop, subject), purpose])["lapses_on"]
        return day

    def subject(self, shop: str, subject: str) -> str:
        """A subject's id as it stands in the tables."""
        kind, _, identifier = subject.partition(":")
        return f"{kind}:{self.prefixes[shop]}{identifier}"

    def one(self, query: str, values: list[object]) -> dict[str, Any]:
        """The one row of a query."""
        result = self.con.execute(query, values)
        rows = result.fetchall()
        assert len(rows) == 1, (query, values, len(rows))
        return dict(zip([column[0] for column in result.description], rows[0], strict=True))

    def follows_edge(self, name: str, found: Callable[[str], dict[str, Any]]) -> None:
        """The three shops of `at_edge` are decided as the calendar demands."""
        for word, _, decision in EDGE:
            assert found(f"{name}, {word}")["decision"] == decision, f"{name}, {word}"


def merged(shops: Mapping[str, Shop]) -> tuple[Shop, dict[str, str]]:
    """All shops as one, and the prefix of each one's ids; a tombstone's row stands once."""
    prefixes = {name: f"n{number}~" for number, name in enumerate(shops)}
    tombstones = set(TOMBSTONES)
    everything: Shop = {}
    for name, shop in shops.items():
        for table, rows in named_shop(shop, prefixes[name], tombstones).items():
            known = everything.setdefault(table, [])
            known += [row for row in rows
                      if table != "customers" or row["customer_id"] not in tombstones or row not in known]
    return everything, prefixes


def decided(shops: Mapping[str, Shop], folder: Path, month: str = MONTH,
            control: ControlStore | None = None) -> Decided:
    """Decide all shops for a month."""
    everything, prefixes = merged(shops)
    return Decided(decide(everything, month, folder, control=control), prefixes)
