"""Whether what a request asked for may still be carried out: it was not refused or taken back since its plan was made.

Plans of what is due decide again in each batch, where such a request ends nothing; a rectification rests on nothing but
its request.
Belongs here: asking what was recorded here, and the warehouse's own row. Does not belong here: steps (`rights`).
"""

from ajprivacy_pipeline.errors import EnforcementError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.retention.recorded_requests import recorded_steps
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.warehouse.lookup import lookup
from ajprivacy_pipeline.warehouse.mapping_file import load_mapping

ENDED = ("refused", "withdrawn")


def require_standing(settings: Settings, policy: Policy, control: ControlStore, request_id: str) -> None:
    """Stop where a request was refused or withdrawn, or its person is not identified any more.

    Raises:
        EnforcementError: it does not stand.
        PrivacyError: the warehouse or the control store cannot be read.
    """
    verified, outcomes = False, set()
    for known, verified_on, _, outcome in recorded_steps(control):
        if known == request_id:
            verified |= verified_on is not None
            outcomes.add(outcome)
    with lookup(settings.warehouse_url, load_mapping(settings.mapping_file, policy.sources), policy.sources) as found:
        for row in found.by_ids("rights_requests", {"request_id": [request_id]}):
            verified |= row["identity_verified_at"] is not None
            outcomes.add((row["outcome"] or "").strip())
    if not verified or outcomes & set(ENDED):
        raise EnforcementError(f"request {request_id} was refused or withdrawn, or its person is not identified "
                               "(RGT-8): nothing is corrected; withdraw its plan with `ajprivacy plan withdraw`")
