"""Every row of the warehouse that is somebody's, read as it is now, with the columns of it that are theirs.

A row is its contact's where it names one, else its customer's; a guest's is whoever has its address. Of a row that is
somebody else's, nothing is taken but what names this person: delivery and billing columns of a gift. Who cannot be told
apart from somebody else by an address, a user name or a visitor's id is not found by it.
Belongs here: whose rows and columns are. Does not belong here: copies (`copies`), words.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.rights.decided import Month
from ajprivacy_pipeline.rights.person import SUBJECTS, Person, digits
from ajprivacy_pipeline.storage.zones import WHITE_SPACE
from ajprivacy_pipeline.warehouse.forms import email_key
from ajprivacy_pipeline.warehouse.lookup import Lookup, Row

# own: the row is the person's. facts: it names somebody else too, and only what describes nobody is shown.
# elsewhere: it is somebody else's, and only what names the person is.
Extent = Literal["own", "facts", "elsewhere"]
_NUMBERS, _WIDTH = re.compile("[0-9]+"), 20
_DESCRIBES_NOBODY = ("business_fact", "company_data")
_GUESTS = {"orders": ("delivery_email", "delivery_"), "invoices": ("billing_email", "billing_")}
_PRIVATE = ("consumer", "sole_proprietor")
_SIDES = {"in": "sender", "out": "recipient"}  # whose column is the person's own, by a message's direction


@dataclass(frozen=True)
class Held:
    """A row, and the columns of it that are the person's, in the contract's order."""

    table: str
    row: Row
    extent: Extent
    columns: tuple[str, ...]

    @property
    def values(self) -> Row:
        """What is held: columns that hold nothing, too."""
        return {column: self.row[column] for column in self.columns}


class Holdings:
    """What is held about one person; `rows` after `read`."""

    def __init__(self, found: Lookup, policy: Policy, person: Person, month: Month) -> None:
        """Look in a warehouse, with what the newest month knows."""
        self._found, self._policy, self._person, self._month = found, policy, person, month
        self._tombstones = set(policy.retention.tombstones.values())
        self._seen: set[tuple[str, str]] = set()
        self.rows: list[Held] = []

    def read(self) -> list[Held]:
        """Returns every row, table by table in the contract's order."""
        person = self._person
        if person.table and person.row:
            self._add(person.table, person.row, "own")
        self._by_ids("orders", "cases", "communications", "newsletter_subscriptions", "web_events", "rights_requests")
        self._guests()
        self._invoices()
        self._lines_cases_messages()
        self._by_address()
        self._visits()
        if person.usernames:
            for row in self._found.by_ids("app_logs", {"username": person.usernames}):
                self._add("app_logs", row, "own")
        self._elsewhere()
        self._hide_other_sides()
        order = list(self._policy.sources.tables)
        return sorted(self.rows, key=lambda held: (order.index(held.table), held.extent != "own",
                                                   in_counting_order(self._key(held.table, held.row))))

    def ids(self, table: str) -> list[str]:
        """Returns the ids of the person's own rows of a table, as the warehouse spells them."""
        key = self._policy.sources.tables[table].key[0]
        return [held.row[key] or "" for held in self.rows if held.table == table and held.extent == "own"]

    def _by_ids(self, *tables: str) -> None:
        """Rows that name the person; where they name a contact of somebody's, it is the contact's."""
        if self._person.table is None:
            return
        for table in tables:
            for row in self._found.by_ids(table, {SUBJECTS[self._person.table]: self._person.ids}):
                if self._is_own(row):
                    self._add(table, row, "own")
                elif not self._is_company:  # what its contact persons did is theirs, and a company is nobody
                    self._add(table, row, "facts")

    @property
    def _is_company(self) -> bool:
        row = self._person.row
        return row is not None and row.get("customer_type") == "business"

    def _guests(self) -> None:
        for row in self._emails("orders", "delivery_email"):
            if self._owner(row) is None:
                self._add("orders", row, "own")

    def _invoices(self) -> None:
        """Those of the customer, and of its own orders where they name nobody; guests' by the address."""
        if self._person.table == "customers":
            for row in self._found.by_ids("invoices", {"customer_id": self._person.ids}):
                self._add("invoices", row, "own")
        own = self._found.by_ids("invoices", {"order_id": self.ids("orders")})
        strangers = [row for row in self._emails("invoices", "billing_email") if not row["order_id"]]
        for row in (*own, *strangers):
            if self._owner(row) is None:
                self._add("invoices", row, "own")

    def _lines_cases_messages(self) -> None:
        orders = self.ids("orders")
        for row in self._found.by_ids("order_lines", {"order_id": orders}):
            self._add("order_lines", row, "own")
        for row in self._found.by_ids("cases", {"order_id": orders}):
            if self._owner(row) is None:
                self._add("cases", row, "own")
        for row in self._found.by_ids("communications", {"case_id": self.ids("cases")}):
            if self._owner(row) is None:
                self._add("communications", row, "own")

    def _by_address(self) -> None:
        """Subscriptions and requests that name nobody but the address; of other people's, nothing but the address."""
        for table in ("newsletter_subscriptions", "rights_requests"):
            for row in self._emails(table, "email"):
                if self._owner(row) is None:
                    self._add(table, row, "own")
                elif not self._is_own(row):
                    self._add(table, row, "elsewhere", ("email",))

    def _visits(self) -> None:
        """Visits without a person, of a visitor who logged in as this one and as nobody else."""
        visitors = sorted({held.row["visitor_id"] or "" for held in self.rows
                           if held.table == "web_events" and held.extent == "own"} - {""})
        rows = self._found.by_ids("web_events", {"visitor_id": visitors})
        shared = {row["visitor_id"] for row in rows if self._owner(row) is not None and not self._is_own(row)}
        for row in rows:
            if self._owner(row) is None and row["visitor_id"] not in shared:
                self._add("web_events", row, "own")

    def _elsewhere(self) -> None:
        """Gifts: other people's orders and invoices that were sent to this person.

        What was sent to its owner is the owner's, whose address may have been another's before, or whose namesake lives
        in the same house: of it nothing is shown but the person's own address. Nor are the owner's own number and home,
        where whoever ordered wrote them on what was sent to this person.
        """
        named = self._month.named_elsewhere(self._person, self._policy.enforcement.sweep.national_digits)
        for table, (column, prefix) in _GUESTS.items():
            key = self._policy.sources.tables[table].key[0]
            by_email, by_name = self._emails(table, column), self._found.by_ids(table, {key: named.get(table, [])})
            owners = self._private_owners([*by_email, *by_name])
            for row in (*by_email, *by_name):
                if not self._is_to_owner(row, row[f"{prefix}name"], owners):
                    theirs = self._of_the_owner(row, prefix, owners)
                    self._add(table, row, "elsewhere", (name for name in self._policy.sources.tables[table].columns
                                                        if name.startswith(prefix) and name not in theirs))
                elif email_key(row[column] or "") in self._person.email_keys:
                    self._add(table, row, "elsewhere", (column,))

    def _private_owners(self, rows: Sequence[Row]) -> dict[tuple[str, str], Row]:
        """The people whose rows some are: private customers and contact persons."""
        wanted: dict[str, set[str]] = {}
        for table, owner in filter(None, map(self._owner, rows)):
            wanted.setdefault(table, set()).add(owner)
        return {(table, (row[SUBJECTS[table]] or "").strip(WHITE_SPACE)): row
                for table, ids in wanted.items() for row in self._found.by_ids(table, {SUBJECTS[table]: sorted(ids)})
                if table == "contacts" or row["customer_type"] in _PRIVATE}

    def _of_the_owner(self, row: Row, prefix: str, owners: Mapping[tuple[str, str], Row]) -> set[str]:
        """Columns of a delivery or bill that hold the number or the home of whoever ordered, unless it is also mine."""
        owner, mine = owners.get(self._owner(row) or ("", "")), self._person.row or {}
        if owner is None or self._is_own(row):
            return set()
        found = set()
        number = self._number(row.get(f"{prefix}phone"))
        if number and self._number(owner["phone"]) == number != self._number(mine.get("phone")):
            found.add(f"{prefix}phone")
        home = _folded(row[f"{prefix}street_address"])
        if home and _folded(owner.get("street_address")) == home != _folded(mine.get("street_address")):
            found |= {f"{prefix}{name}" for name in ("street_address", "postal_code", "city")}
        return found

    def _number(self, phone: str | None) -> str:
        """The digits of a phone number that tell whose it is."""
        return digits(phone)[-self._policy.enforcement.sweep.national_digits:]

    def _is_to_owner(self, row: Row, name: str | None, owners: Mapping[tuple[str, str], Row]) -> bool:
        """Whether a delivery or bill is the owner's own, by the name on it.

        In doubt, and where a company ordered, whose addresses pass from one colleague to the next, it is where it does
        not name this person.
        """
        owner = self._owner(row)
        if owner is None or not name or self._is_own(row):
            return False
        known = owners[owner] if owner in owners and owner[0] == "customers" else {}
        if known.get("name"):
            return _folded(name) == _folded(known["name"])
        return _folded(name) != _folded((self._person.row or {}).get("name"))

    def _emails(self, table: str, column: str) -> list[Row]:
        return self._found.by_emails(table, column, self._person.email_keys)

    def _owner(self, row: Row) -> tuple[str, str] | None:
        """The subject that a row names: its contact, else its customer; a tombstone is nobody."""
        for table, column in (("contacts", "contact_id"), ("customers", "customer_id")):
            text = (row.get(column) or "").strip(WHITE_SPACE)
            if text and text not in self._tombstones:
                return table, text
        return None

    def _is_own(self, row: Row) -> bool:
        return self._owner(row) == (self._person.table, self._person.id)

    def _key(self, table: str, row: Row) -> str:
        return "\x1f".join((row[column] or "").strip(WHITE_SPACE) for column in self._policy.sources.tables[table].key)

    def _add(self, table: str, row: Row, extent: Extent, columns: Iterable[str] = ()) -> None:
        """Take a row, once: the first time counts, and own rows come first."""
        if (place := (table, self._key(table, row))) in self._seen:
            return
        self._seen.add(place)
        known = self._policy.sources.tables[table].columns
        if extent == "facts":
            shown: Iterable[str] = [name for name, column in known.items()
                                    if column.class_ in _DESCRIBES_NOBODY or name in
                                    self._policy.sources.tables[table].key]
        else:
            shown = columns if extent == "elsewhere" else known
        self.rows.append(Held(table, row, extent, tuple(shown)))

    def _hide_other_sides(self) -> None:
        """Of a message only the person's own side is shown: whoever is on the other one is somebody else."""
        sides = {place: _SIDES.get((held.row["direction"] or "").strip()) for place, held in enumerate(self.rows)
                 if held.table == "communications" and held.extent == "own"}
        if not sides:
            return
        # On the other side everything that is not the person's is hidden, so that only this side's need a look.
        keys = {email_key(self.rows[place].row[mine] or "") for place, mine in sides.items() if mine is not None}
        strangers = self._known_addresses({key for key in keys if key is not None})
        for place, mine in sides.items():
            held = self.rows[place]
            gone = {side for side in _SIDES.values() if (text := held.row[side]) and not self._names_me(text)
                    and (side != mine or email_key(text) in strangers)}
            self.rows[place] = replace(held, columns=tuple(c for c in held.columns if c not in gone))

    def _known_addresses(self, keys: set[str]) -> set[str]:
        """Which addresses are those of subjects."""
        others = sorted(key for key in keys if not self._names_me(key))
        return {key for table in SUBJECTS for row in self._found.by_emails(table, "email", others)
                if (key := email_key(row["email"] or "")) is not None}

    def _names_me(self, text: str | None) -> bool:
        """Whether a text is one of the person's own values."""
        if not text:
            return False
        key, row = email_key(text), self._person.row
        if key is not None:
            own = email_key(row["email"] or "") if row else None
            return key == own or key in self._person.email_keys
        if row is None:
            return False
        number, length = digits(text), self._policy.enforcement.sweep.national_digits
        if len(number) >= length and number[-length:] == digits(row["phone"])[-length:]:
            return True
        return text.casefold().strip() in {(row[column] or "").casefold().strip() for column in ("name", "username")}


def in_counting_order(key: str) -> str:
    """Returns what sorts keys so that line 10 of an order comes after line 9."""
    return _NUMBERS.sub(lambda found: found[0].zfill(_WIDTH), key)


def has_own(rows: Sequence[Held]) -> bool:
    """Whether anything but requests is the person's own, and can be restricted."""
    return any(held.extent == "own" and held.table != "rights_requests" for held in rows)


def _folded(name: str | None) -> str:
    return (name or "").casefold().strip()


def shown_columns(rows: Sequence[Held]) -> tuple[str, ...]:
    """Returns the columns of some rows of a table, in order, each once."""
    return tuple(dict.fromkeys(column for held in rows for column in held.columns))
