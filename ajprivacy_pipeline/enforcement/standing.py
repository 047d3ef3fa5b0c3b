"""Whether what a request asked for may still be carried out: it was not refused or taken back since its plan was made.

Plans of what is due decide again in each batch, where such a request ends nothing; a rectification rests on nothing but
its request.
Belongs here: asking what was recorded here, and the warehouse's own row. Does not belong here: steps (`rights`).
"""

from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.retention.effects import tokens
from ajprivacy_pipeline.retention.recorded_requests import Asker, recorded_steps
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.zones import WHITE_SPACE
from ajprivacy_pipeline.warehouse.forms import email_key
from ajprivacy_pipeline.warehouse.lookup import lookup
from ajprivacy_pipeline.warehouse.mapping_file import load_mapping

ENDED = ("refused", "withdrawn")


def require_standing(settings: Settings, policy: Policy, control: ControlStore, request_id: str) -> None:
    """Stop where a request was refused or withdrawn, or its person is not identified any more.

    Raises:
        EnforcementError: it does not stand.
        PrivacyError: the warehouse or the control store cannot be read.
    """
    token, verified, outcomes, whose = tokens(KeyStore(settings.keys, settings.root_key), control), False, set(), None
    for known, verified_on, _, outcome, verified_for in recorded_steps(control):
        if known == request_id:
            verified |= verified_on is not None
            whose = verified_for
            outcomes.add(outcome)
    with lookup(settings.warehouse_url, load_mapping(settings.mapping_file, policy.sources), policy.sources) as found:
        for row in found.by_ids("rights_requests", {"request_id": [request_id]}):
            asker = Asker(_id(row["customer_id"]), _id(row["contact_id"]), row["email"], email_key(row["email"] or ""))
            if whose is not None and asker.names and str(whose) not in map(token, asker.names):
                verified = False  # somebody else was identified, before the request was made this person's
            verified |= row["identity_verified_at"] is not None
            outcomes.add((row["outcome"] or "").strip())
    if not verified or outcomes & set(ENDED):
        raise EnforcementError(f"request {request_id} was refused or withdrawn, or its person is not identified "
                               "(RGT-8): nothing is corrected; withdraw its plan with `ajprivacy plan withdraw`")


def _id(text: str | None) -> str | None:
    return (text or "").strip(WHITE_SPACE) or None
