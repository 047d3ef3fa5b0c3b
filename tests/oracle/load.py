"""Loading: raw values become dates, amounts and text; what does not fit becomes NULL and a quality fault.

Every timestamp is kept as D(t) only, its local date in Oslo: no rule reads the time of day.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from .model import Options, Row, Shop

OSLO = ZoneInfo("Europe/Oslo")
PLAUSIBLE = (1900, 2199)

CUSTOMER_TYPES = ("consumer", "business", "sole_proprietor")
ENUMS = {
    ("customers", "customer_type"): CUSTOMER_TYPES,
    ("cases", "kind"): ("complaint", "warranty", "enquiry"),
    ("communications", "channel"): ("phone", "email", "chat", "letter", "in_person", "digital"),
    ("communications", "direction"): ("in", "out"),
    ("rights_requests", "kind"): ("access", "rectification", "erasure", "restriction", "portability", "objection"),
    ("rights_requests", "outcome"): ("granted", "refused", "withdrawn"),
}

# Per table, "column" or "column:type"; text is the default type, and * marks a bold column that is no key.
COLUMNS = {
    "customers": "customer_id customer_type*:enum name organisation_number national_identity_number email:email phone"
    " username birth_date:date gender street_address postal_code city country industry preferences"
    " profile_created_at:date profile_closed_at:date last_login_at:date updated_at:date",
    "contacts": "contact_id customer_id* name email:email phone username job_title preferences created_at:date"
    " deactivated_at:date last_login_at:date updated_at:date",
    "products": "product_id name category warranty_years:number",
    "orders": "order_id customer_id* contact_id ordered_at*:date delivered_at:date completed_at:date paid_at:date"
    " cancelled_at:date delivery_name delivery_street_address delivery_postal_code delivery_city delivery_phone"
    " delivery_email:email delivery_note payment_method payment_reference currency total_amount:amount updated_at:date",
    "order_lines": "order_id line_number:integer product_id quantity:number unit_price:amount delivered_at:date"
    " returned_at:date",
    "invoices": "invoice_id customer_id* order_id issued_at*:date due_at:date amount*:amount paid_amount:amount"
    " settled_at:date billing_name billing_street_address billing_postal_code billing_city billing_email:email",
    "cases": "case_id customer_id* contact_id order_id kind:enum opened_at*:date closed_at:date summary",
    "communications": "communication_id customer_id contact_id case_id channel:enum direction:enum occurred_at*:date"
    " sender recipient body",
    "newsletter_subscriptions": "subscription_id email*:email customer_id contact_id subscribed_at:date"
    " unsubscribed_at:date",
    "web_events": "event_id occurred_at*:date visitor_id customer_id contact_id ip_address user_agent event_type page"
    " consented:boolean consent_withdrawn_at:date",
    "app_logs": "log_id logged_at*:date service level username ip_address message",
    "rights_requests": "request_id kind*:enum customer_id contact_id email:email received_at*:date"
    " identity_verified_at:date closed_at:date outcome:enum details",
}
KEYS = {table: (columns.split()[0],) for table, columns in COLUMNS.items()} | {
    "order_lines": ("order_id", "line_number")
}
REFERENCES = {"customer_id": "customers", "contact_id": "contacts", "order_id": "orders", "product_id": "products",
              "case_id": "cases"}

# reading: ISO 8601 with a blank or a T, seconds and fraction optional, with or without an offset; nothing else parses.
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?\s?(Z|[+-]\d{2}(?::?\d{2})?)?)?"
)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
# reading: these spellings of a boolean parse, in any case.
_BOOLEANS = {"true": True, "t": True, "1": True, "yes": True, "y": True,
             "false": False, "f": False, "0": False, "no": False, "n": False}


class FaultError(Exception):
    """A value that does not fit; the text is the name of the fault."""


def text(raw: object) -> str | None:
    """Trimmed text, or None where nothing is left."""
    if raw is None:
        return None
    return str(raw).strip() or None


def local_date(raw: object) -> date:
    """D(t): the local date in Oslo; a timestamp without a zone is local already."""
    if isinstance(raw, datetime):
        moment = raw
    elif isinstance(raw, date):
        return _plausible(raw)
    elif isinstance(raw, str):
        moment = _parse_timestamp(raw)
    else:
        raise FaultError("unparsable")
    if moment.tzinfo is not None:
        # reading: plausible_years is held against the local year.
        try:
            moment = moment.astimezone(OSLO)
        except (OverflowError, ValueError):
            raise FaultError("implausible_date") from None
    return _plausible(moment.date())


def _parse_timestamp(raw: str) -> datetime:
    match = _TIMESTAMP.fullmatch(raw)
    if not match:
        raise FaultError("unparsable")
    year, month, day, hour, minute, second, zone = match.groups()
    stamp = f"{year}-{month}-{day}T{hour or '00'}:{minute or '00'}:{second or '00'}"
    if zone == "Z":
        stamp += "+00:00"
    elif zone:
        digits = zone[1:].replace(":", "").ljust(4, "0")
        stamp += f"{zone[0]}{digits[:2]}:{digits[2:]}"
    try:
        return datetime.fromisoformat(stamp)
    except ValueError:
        raise FaultError("unparsable") from None


def _plausible(day: date) -> date:
    if not PLAUSIBLE[0] <= day.year <= PLAUSIBLE[1]:
        raise FaultError("implausible_date")
    return day


def number(raw: object) -> Decimal:
    """A finite decimal number, from its text."""
    cleaned = str(raw).strip()
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
    value = _BOOLEANS.get(str(raw).strip().lower())
    if value is None:
        raise FaultError("unparsable")
    return value


def convert(table: str, column: str, kind: str, raw: object) -> object:
    """One value of a column; raises FaultError where it does not fit."""
    if isinstance(raw, str) or kind in ("text", "email", "enum"):
        raw = text(raw)
    if raw is None:
        return None
    if kind == "date":
        return local_date(raw)
    if kind == "amount":
        return amount(raw)
    if kind == "number":
        return number(raw)
    if kind == "integer":
        return integer(raw)
    if kind == "boolean":
        return boolean(raw)
    if kind == "email":
        return str(raw).lower()
    # reading: an enum value is compared as it stands; another case is another value.
    if kind == "enum" and raw not in ENUMS[(table, column)]:
        raise FaultError("unknown_value")
    return raw


class Loader:
    """Loads the tables of a shop and collects the faults."""

    def __init__(self, shop: Shop, options: Options) -> None:
        self.options = options
        self.tombstones = {identifier: kind for kind, identifier in options.tombstones.items()}
        self.quality: list[dict[str, object]] = []
        self.faulty: set[tuple[str, str]] = set()
        self.tables = {table: self.load_table(table, shop.get(table, [])) for table in COLUMNS}
        self.check_references()
        self.check_misplaced()

    def load_table(self, table: str, raws: list[dict[str, object]]) -> list[Row]:
        """The rows of a table, without tombstones; a NULL or duplicate key stops the run."""
        rows: list[Row] = []
        seen: set[tuple[object, ...]] = set()
        for raw in raws:
            key = tuple(text(raw.get(column)) for column in KEYS[table])
            if None in key or key in seen:
                raise ValueError(f"{table}: NULL or duplicate key")
            seen.add(key)
            if table in ("customers", "contacts") and key[0] in self.tombstones:
                continue
            rows.append(self.load_row(table, ":".join(str(part) for part in key), raw))
        return rows

    def load_row(self, table: str, identifier: str, raw: dict[str, object]) -> Row:
        """One row. `_id` is its id in `quality`; `_tombstone` the type of the tombstone customer it points to."""
        # reading: a line's id in `quality` is order_id:line_number.
        row: Row = {"_id": identifier, "_tombstone": None}
        for item in COLUMNS[table].split():
            name, _, kind = item.partition(":")
            column, bold = name.rstrip("*"), name.endswith("*")
            try:
                row[column] = convert(table, column, kind or "text", raw.get(column))
                if row[column] is None and bold:
                    raise FaultError("missing")  # noqa: TRY301 - as a conversion would
            except FaultError as fault:
                row[column] = None
                self.fault(table, identifier, column, str(fault))
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

    def fault(self, table: str, identifier: str, column: str, fault: str) -> None:
        """Remember a fault, and that the row is faulty where the fault is one that freezes."""
        self.quality.append({"table_name": table, "id": identifier, "column_name": column, "fault": fault})
        if fault in ("unknown_value", "unparsable", "implausible_date", "missing"):
            self.faulty.add((table, identifier))

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
                        self.fault(table, row["_id"], column, "orphan")

    def check_misplaced(self) -> None:
        """An attribute where its customer type has no place for it."""
        for row in self.tables["customers"]:
            kind = row["customer_type"] or "sole_proprietor"
            for column, types in MISPLACED.items():
                # reading: an already generalised birth date is empty, so not misplaced.
                if kind in types and not is_empty("customers", column, row[column], self.options):
                    self.fault("customers", row["_id"], column, "misplaced")


MISPLACED = {
    "organisation_number": ("consumer",),
    "national_identity_number": ("consumer", "business"),
    "birth_date": ("business",),
    "gender": ("business",),
}


def is_empty(table: str, column: str, value: object, options: Options) -> bool:
    """Whether the policy's action for the column would leave the value as it is."""
    if value is None or options.neutral.get((table, column)) == value:
        return True
    if column.endswith("postal_code"):
        return re.fullmatch("[0-9]", str(value)) is not None
    if column == "birth_date" and isinstance(value, date):
        return value.year % 10 == 0 and (value.month, value.day) == (1, 1)
    return False
