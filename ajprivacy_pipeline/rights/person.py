"""Whose a request is: the one person that an id or an address means in the warehouse now, or nobody.

Belongs here: telling people apart, and refusing where that cannot be done. Does not belong here: what is held about
them (`held`). Who cannot be told apart gets nothing, and is not told that somebody else is known.
"""

import re
from dataclasses import dataclass, field

from ajprivacy_pipeline.errors import RightsError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.retention.recorded_requests import Asker
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.zones import WHITE_SPACE
from ajprivacy_pipeline.warehouse.forms import email_key
from ajprivacy_pipeline.warehouse.lookup import Lookup, Row, lookup
from ajprivacy_pipeline.warehouse.mapping_file import load_mapping

SUBJECTS = {"customers": "customer_id", "contacts": "contact_id"}
SEVERAL = ("the request's address alone does not tell whose data is meant: ask the person for something more that "
           "identifies, and record the request by --customer or --contact")
_DIGITS = re.compile(r"\D+")


@dataclass(frozen=True)
class Person:
    """Somebody whose data is looked for.

    `row` is the subject's own, None for a guest who is known by an address alone. `email_keys`, `phones` and
    `usernames` are those that nobody else has.
    """

    table: str | None
    id: str | None
    row: Row | None
    email_keys: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    usernames: tuple[str, ...] = ()
    ids: tuple[str, ...] = field(default=())  # the id as the warehouse spells it

    @property
    def subject_id(self) -> str | None:
        """The person's id as a subject; None for a guest."""
        return f"{(self.table or '')[:-1]}:{self.id}" if self.table else None


def exists(settings: Settings, policy: Policy, asker: Asker) -> bool:
    """Whether the warehouse has the customer or contact that is named; an address needs nobody."""
    if asker.email is not None:
        return True
    with lookup(settings.warehouse_url, load_mapping(settings.mapping_file, policy.sources), policy.sources) as found:
        return _row_of(found, policy, *_named(asker)) is not None


def find_person(found: Lookup, policy: Policy, asker: Asker) -> Person:
    """Returns whose a request is.

    Args:
        found: the warehouse.
        policy: with its tombstones, who are nobody.
        asker: what the request names: its contact, else its customer, else its address.

    Raises:
        RightsError: the address reaches several people, or nothing is named.
    """
    if asker.contact_id or asker.customer_id:
        table, key = _named(asker)
        row = _row_of(found, policy, table, key)
        return Person(table, key, None) if row is None else _subject(found, policy, table, key, row)
    if not asker.email_key:
        raise RightsError("the request names nobody: ask the person for something that identifies")
    matches = _with_email(found, policy, asker.email_key)
    if len(matches) > 1:
        raise RightsError(SEVERAL)
    if not matches:
        return Person(None, None, None, (asker.email_key,))
    table, row = matches[0]
    return _subject(found, policy, table, (row[SUBJECTS[table]] or "").strip(WHITE_SPACE), row)


def is_known(found: Lookup, policy: Policy, key: str) -> bool:
    """Whether somebody's own row has an address."""
    return bool(_with_email(found, policy, key))


def digits(text: str | None) -> str:
    """Returns the digits of a phone number."""
    return _DIGITS.sub("", text or "")


def _named(asker: Asker) -> tuple[str, str]:
    if asker.contact_id:
        return "contacts", asker.contact_id
    return "customers", asker.customer_id or ""


def _row_of(found: Lookup, policy: Policy, table: str, key: str) -> Row | None:
    if key in policy.retention.tombstones.values():
        return None
    rows = [row for row in found.by_ids(table, {SUBJECTS[table]: [key]})
            if (row[SUBJECTS[table]] or "").strip(WHITE_SPACE) == key]
    return rows[0] if rows else None


def _with_email(found: Lookup, policy: Policy, key: str) -> list[tuple[str, Row]]:
    """Everybody whose row has an address."""
    return [(table, row) for table, name in SUBJECTS.items()
            for row in found.by_emails(table, "email", [key])
            if (row[name] or "").strip(WHITE_SPACE) not in policy.retention.tombstones.values()]


def _subject(found: Lookup, policy: Policy, table: str, key: str, row: Row) -> Person:
    """A subject with what it alone has: an address or user name of several tells nobody apart."""
    emails = [known] if (known := email_key(row["email"] or "")) else []
    emails = [one for one in emails if len(_with_email(found, policy, one)) == 1]
    return Person(table, key, row, tuple(emails), _alone(found, row, "phone"), _alone(found, row, "username"),
                  (row[SUBJECTS[table]] or key,))


def _alone(found: Lookup, row: Row, column: str) -> tuple[str, ...]:
    """The row's own value of a column, if no other subject has it."""
    if not (value := row[column]):
        return ()
    others = sum(len(found.by_ids(table, {column: [value]})) for table in SUBJECTS)
    return (value,) if others == 1 else ()
