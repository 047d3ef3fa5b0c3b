"""Loading: raw values become dates, amounts and text; what does not fit becomes NULL and a quality fault.

Every timestamp is kept as D(t) only, its local date in Oslo: no rule reads the time of day. Of every e-mail address
the key stands beside it. What the mapping turns into NULL (`empty`, `empty_before_beginning`) is NULL already.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from .contract import COLUMNS, ENUMS, KEYS, MISPLACED, PAIRS, REFERENCES, UNREAD
from .emails import email_key
from .model import Options, Row, Shop
from .times import FaultError, read_time, trimmed

PLAUSIBLE, PLAUSIBLE_BIRTHS = (1980, 2199), (1900, 2199)
# A column with so many values, over half of which are faults of reading, does not fit as a whole.
MANY_VALUES = 20

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
# reading: these spellings of a boolean parse, in any case.
_BOOLEANS = {"true": True, "t": True, "1": True, "yes": True, "y": True,
             "false": False, "f": False, "0": False, "no": False, "n": False}


class ColumnError(ValueError):
    """A column that does not fit its type as a whole: the run stops."""


def local_date(raw: object, options: Options) -> date:
    """D(t) of any date but a birth date."""
    read = read_time(raw)
    # Sentinels are looked for first: most of them lie outside the plausible years, and their name says more.
    if {read.local, read.written} & set(options.sentinel_dates):
        raise FaultError("sentinel")
    return _plausible(read.local, PLAUSIBLE)


def _plausible(day: date | None, years: tuple[int, int]) -> date:
    # reading: plausible_years is held against the local year.
    if day is None or not years[0] <= day.year <= years[1]:
        raise FaultError("implausible_date")
    return day


def number(raw: object) -> Decimal:
    """A finite decimal number, from its text."""
    cleaned = (trimmed(raw) or "")
    if isinstance(raw, bool) or not _NUMBER.fullmatch(cleaned):
        raise FaultError("unparsable")
    try:
        return Decimal(cleaned)
    except InvalidOperation:
        raise FaultError("unparsable") from None


def amount(raw: object) -> Decimal:
    """An amount, rounded half-up to 0.01 from its text; more than DECIMAL(18,2) holds does not parse."""
    value = number(raw)
    if abs(value) >= Decimal(10) ** 16:
        raise FaultError("unparsable")
    return value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def integer(raw: object) -> int:
    """A whole number."""
    value = number(raw)
    if value != value.to_integral_value():
        raise FaultError("unparsable")
    return int(value)


def boolean(raw: object) -> bool:
    """True or false."""
    if isinstance(raw, bool):
        return raw
    value = _BOOLEANS.get((trimmed(raw) or "").lower())
    if value is None:
        raise FaultError("unparsable")
    return value


def convert(table: str, column: str, kind: str, raw: object, options: Options) -> object:
    """One value of a column; raises FaultError where it does not fit."""
    if isinstance(raw, str) or kind in ("text", "email", "enum"):
        raw = trimmed(raw)
    if raw is None:
        return None
    if kind == "date":
        return local_date(raw, options)
    if kind == "birth":
        return _plausible(read_time(raw).local, PLAUSIBLE_BIRTHS)
    if kind == "amount":
        return amount(raw)
    if kind == "number":
        return number(raw)
    if kind == "integer":
        return integer(raw)
    if kind == "boolean":
        return boolean(raw)
    # reading: an enum value is compared as it stands; another case is another value.
    if kind == "enum" and raw not in ENUMS[(table, column)]:
        raise FaultError("unknown_value")
    return raw


class Loader:
    """Loads the tables of a shop and collects the faults.

    quality: every fault. faulty: (table, id) of the rows with a fault that freezes; unordered: ids of the orders whose
    ordered_at is one. A fault in a birth date holds the age alone, and is remembered in its row's `_faults`.
    """

    def __init__(self, shop: Shop, options: Options) -> None:
        self.options = options
        self.tombstones = {identifier: kind for kind, identifier in options.tombstones.items()}
        self.quality: list[dict[str, object]] = []
        self.faulty: set[tuple[str, str]] = set()
        self.unordered: set[str] = set()
        self.tables = {table: self.load_table(table, shop.get(table, [])) for table in COLUMNS}
        self.check_columns()
        self.check_owners()
        self.check_pairs()
        self.check_references()
        self.check_misplaced()

    def load_table(self, table: str, raws: list[dict[str, object]]) -> list[Row]:
        """The rows of a table, without tombstones; a NULL or duplicate key stops the run."""
        rows: list[Row] = []
        seen: set[tuple[object, ...]] = set()
        for raw in raws:
            key = tuple(trimmed(raw.get(column)) for column in KEYS[table])
            if None in key or key in seen:
                raise ValueError(f"{table}: NULL or duplicate key")
            seen.add(key)
            if table in ("customers", "contacts") and key[0] in self.tombstones:
                continue
            rows.append(self.load_row(table, ":".join(str(part) for part in key), raw))
        return rows

    def load_row(self, table: str, identifier: str, raw: dict[str, object]) -> Row:
        """One row. `_id` is its id in `quality`; `_tombstone` the type of the tombstone customer it points to.

        `_faults` are the columns that hold a value which does not fit, `<column>_key` the key of an e-mail address.
        """
        # reading: a line's id in `quality` is order_id:line_number.
        row: Row = {"_id": identifier, "_tombstone": None, "_faults": set()}
        for item in COLUMNS[table].split():
            name, _, kind = item.partition(":")
            column, bold = name.rstrip("*"), name.endswith("*")
            try:
                row[column] = convert(table, column, kind or "text", raw.get(column), self.options)
                if row[column] is None and bold:
                    raise FaultError("missing")  # noqa: TRY301 - as a conversion would
            except FaultError as fault:
                row[column] = None
                self.fault(table, row, column, str(fault))
            if kind == "email":
                row[f"{column}_key"] = email_key(row[column])
        self.untie_tombstones(row)
        return row

    def untie_tombstones(self, row: Row) -> None:
        """A reference to a tombstone counts as NULL; the customer's type, and that a contact was named, are kept."""
        if row.get("customer_id") in self.tombstones:
            row["_tombstone"] = self.tombstones[row["customer_id"]]
            row["customer_id"] = None
        row["_contact_unlinked"] = row.get("contact_id") in self.tombstones
        if row["_contact_unlinked"]:
            row["contact_id"] = None

    def fault(self, table: str, row: Row, column: str, fault: str) -> None:
        """Remember a fault, and that the row is faulty where the fault is one that freezes."""
        self.quality.append({"table_name": table, "id": row["_id"], "column_name": column, "fault": fault})
        if fault in ("orphan", "misplaced"):
            return
        if fault != "missing":
            row["_faults"].add(column)
        if column == "birth_date" or (table, column) in UNREAD:
            return
        self.faulty.add((table, row["_id"]))
        if (table, column) == ("orders", "ordered_at"):
            self.unordered.add(row["_id"])

    def check_columns(self) -> None:
        """A column more than half of whose values cannot be read stops the run, where it has enough of them."""
        for table, rows in self.tables.items():
            for item in COLUMNS[table].split():
                column = item.partition(":")[0].rstrip("*")
                unread = sum(column in row["_faults"] for row in rows)
                values = unread + sum(row[column] is not None for row in rows)
                if values >= MANY_VALUES and 2 * unread > values:
                    raise ColumnError(f"{table}.{column}: {unread} of {values} values cannot be read")

    def check_owners(self) -> None:
        """Orders and cases that are neither somebody's nor a guest's miss their customer; an invoice never does."""
        for order in self.tables["orders"]:
            if is_nobodys(order) and (order["contact_id"] or order["_contact_unlinked"]):
                self.fault("orders", order, "customer_id", "missing")
        guests = {order["order_id"] for order in self.tables["orders"] if is_guests(order)}
        for case in self.tables["cases"]:
            guest = not case["contact_id"] and not case["_contact_unlinked"] and case["order_id"] in guests
            if is_nobodys(case) and not guest:
                self.fault("cases", case, "customer_id", "missing")

    def check_pairs(self) -> None:
        """An end more than the policy's days before its beginning is a fault, and NULL."""
        allowed = timedelta(days=self.options.end_before_beginning_days)
        orders = {order["order_id"]: order for order in self.tables["orders"]}
        for table, end, other, beginning in PAIRS:
            for row in self.tables[table]:
                begun = (row if other == table else orders.get(row["order_id"], {})).get(beginning)
                if row[end] and begun and row[end] < begun - allowed:
                    row[end] = None
                    self.fault(table, row, end, "end_before_beginning")

    def check_references(self) -> None:
        """A set reference to a row that does not exist is an orphan."""
        existing = {
            column: {row[column] for row in self.tables[target]} for column, target in REFERENCES.items()
        }
        for table, rows in self.tables.items():
            for row in rows:
                for column, target in REFERENCES.items():
                    value = row.get(column)
                    if target != table and value is not None and value not in existing[column]:
                        self.fault(table, row, column, "orphan")

    def check_misplaced(self) -> None:
        """An attribute where its customer type has no place for it."""
        for row in self.tables["customers"]:
            kind = row["customer_type"] or "sole_proprietor"
            for column, types in MISPLACED.items():
                # reading: an already generalised birth date is empty, so not misplaced; one that is a fault stands
                # in `quality` as that already.
                faulty = column in row["_faults"]
                if kind in types and not faulty and not is_empty("customers", column, row, self.options):
                    self.fault("customers", row, column, "misplaced")


def is_nobodys(row: Row) -> bool:
    """Without a customer, and without a tombstone in its place."""
    return row["customer_id"] is None and row["_tombstone"] is None


def is_guests(row: Row) -> bool:
    """A guest's order: neither a customer nor a contact, nor a tombstone where one was."""
    return is_nobodys(row) and row["contact_id"] is None and not row["_contact_unlinked"]


def is_empty(table: str, column: str, row: Row, options: Options) -> bool:
    """Whether the policy's action for the column would leave the row's value as it is."""
    value = row[column]
    if column == "birth_date" and column in row["_faults"]:
        return False  # a value that is a fault is a value all the same
    if value is None or options.neutral.get((table, column)) == value:
        return True
    if column.endswith("postal_code"):
        return re.fullmatch("[0-9]", str(value)) is not None
    if column == "birth_date" and isinstance(value, date):
        return value.year % 10 == 0 and (value.month, value.day) == (1, 1)
    return False
