"""Where an old value still stands in a person's rows after a rectification, so that nobody is told it is gone.

A correction changes one cell. Belongs here: finding the same value in the person's other cells. Does not belong here:
whose rows they are (`held`), copies beside the contract, which are told like recipients (`outbox`), words.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from ajprivacy_pipeline.enforcement.said import Correction
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.rights.held import Held
from ajprivacy_pipeline.rights.person import digits
from ajprivacy_pipeline.warehouse.forms import email_key

Remaining = Counter[tuple[str, str]]  # (table, column) of the contract -> rows
_ROLES = ("delivery_", "billing_")  # what a value is called in orders and invoices begins with one


def remaining(policy: Policy, corrections: Sequence[Correction], held: Sequence[Held]) -> Remaining:
    """Returns in how many rows each column shows an old value: as its own value, or within a text.

    Within a text a value counts from the length on from which the sweep looks for one: shorter ones mean nothing alone.
    """
    found: Remaining = Counter()
    for one in held:
        key = tuple(one.row[name] or "" for name in policy.sources.tables[one.table].key)
        found.update({(one.table, column) for correction in corrections for column in _showing(policy, correction, one)
                      if (one.table, key, column) != (correction.entity, correction.key, correction.column)})
    return found


def _showing(policy: Policy, correction: Correction, held: Held) -> Iterator[str]:
    old, address, sweep = correction.old.casefold(), email_key(correction.old), policy.enforcement.sweep
    number = digits(old)[-sweep.national_digits:] if _bare(correction.column) == "phone" else ""
    for column, value in held.values.items() if old else ():
        text = (value or "").strip().casefold()
        same = text == old or (address is not None and email_key(text) == address) or (
            len(number) == sweep.national_digits and digits(text).endswith(number))
        if (same and _bare(column) == _bare(correction.column)) or (len(old) >= sweep.shortest and old in text):
            yield column


def _bare(column: str) -> str:
    for role in _ROLES:
        column = column.removeprefix(role)
    return column
