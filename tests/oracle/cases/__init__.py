"""Hand-made cases with hand-computed dates: before, on and after each boundary, and the traps of the specification.

as_of is 2026-11-01 unless a case names another month.
"""

from tests.oracle.casekit import Case

from .faults import fault_cases
from .freezes import freeze_cases, mixed_cases, table_hold_cases
from .guests import credit_note_cases, guest_cases
from .orders import order_cases, time_cases
from .records import bulk_cases, correspondence_cases, invoice_cases, newsletter_cases
from .requests import twin_cases, unmatched_cases
from .subjects import contact_cases, erasure_cases, objection_cases, profile_cases
from .values import address_cases, birth_cases, form_cases, pair_cases, sentinel_cases

CASES: list[Case] = [
    *mixed_cases(),
    *order_cases(), *time_cases(), *profile_cases(), *objection_cases(), *erasure_cases(), *contact_cases(),
    *invoice_cases(), *correspondence_cases(), *newsletter_cases(), *bulk_cases(), *freeze_cases(),
    *table_hold_cases(),
    *form_cases(), *sentinel_cases(), *pair_cases(), *birth_cases(), *address_cases(), *fault_cases(),
    *guest_cases(), *unmatched_cases(), *credit_note_cases(), *twin_cases(),
]
