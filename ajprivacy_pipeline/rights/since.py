"""From when what is held is: each row by its own date, a line of an order by the order's.

Belongs here: that day, and saying it of a table. Does not belong here: until when (`decided`), which column it is
(`rights.toml`). Of others' rows, which name a person, nothing is said: the day is theirs.
"""

from collections.abc import Sequence
from datetime import date

from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.rights.held import Held
from ajprivacy_pipeline.rights.person import SUBJECTS
from ajprivacy_pipeline.rights.wording import Wording
from ajprivacy_pipeline.storage.zones import WHITE_SPACE
from ajprivacy_pipeline.warehouse.forms import read_moment

_LINES, _ORDERS, _ORDER = "order_lines", "orders", "order_id"


class Since:
    """The days from which a person's rows are."""

    def __init__(self, policy: Policy, held: Sequence[Held]) -> None:
        """Know the days of the person's orders, for their lines."""
        self._columns = policy.rights.since
        self._orders = {_id(one): self._own(one) for one in held if one.table == _ORDERS and one.extent == "own"}

    def day(self, one: Held) -> date | None:
        """Returns from when a row is; None where it does not say."""
        if one.extent == "elsewhere":
            return None
        return self._orders.get(_id(one)) if one.table == _LINES else self._own(one)

    def told(self, words: Wording, table: str, days: Sequence[date | None], columns: Sequence[str]) -> str:
        """Returns from when the rows of a table are, in words; nothing where the column that says it is not shown."""
        known, column = [day for day in days if day is not None], self._columns.get(table)
        if table != _LINES and column not in columns:
            return ""
        if not known:
            return words.text("since", "unknown")
        if len(days) == 1:
            text = words.text("since", "one", date=words.day(known[0]))
            return f"{text} {words.text('since', 'changed')}" if table in SUBJECTS else text
        text = words.text("since", "of_order" if table == _LINES else "many", date=words.day(min(known)),
                          field=words.of("fields", column or ""))
        return text if len(known) == len(days) else f"{text} {words.text('since', 'some_unknown')}"

    def _own(self, one: Held) -> date | None:
        found = read_moment(one.row[column] or "") if (column := self._columns.get(one.table)) else None
        return found[0] if found else None


def _id(one: Held) -> str:
    return (one.row[_ORDER] or "").strip(WHITE_SPACE)
