"""Why something about one person is kept, held or due: sentences and facts from the month's own file.

Belongs here: opening the month for one subject, and noting that somebody looked. Does not belong here: the rules
(`sql/retention`) and the dates that they choose among (`sql/terms`); both are read.

    sql/terms ──> candidates ───────────────────┐
    the month's decisions ──> facts ──> references ──> holds, web ──> build ──> words, report
"""

import re
from collections.abc import Iterator, Sequence

from ajprivacy_pipeline.calendar import as_of
from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.explain.build import Explanation, assemble
from ajprivacy_pipeline.explain.candidates import asked, read_purposes, read_record_terms
from ajprivacy_pipeline.explain.facts import find_subject, read_facts
from ajprivacy_pipeline.explain.references import read_references
from ajprivacy_pipeline.explain.report import as_json, page
from ajprivacy_pipeline.policy import DecisionPolicy, load_policy
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import read_month
from ajprivacy_pipeline.storage.policy_versions import policy_of, stored_versions

__all__ = ["Explanation", "as_json", "check_subject", "explain", "explain_each", "explain_in", "page"]

_SUBJECT = re.compile(r"^(?:customer|contact):\S(?:.*\S)?$")


def check_subject(subject_id: str) -> str:
    """Returns the id, if it is one of a subject.

    Raises:
        ControlError: it is not of the form customer:ID or contact:ID.
    """
    if not _SUBJECT.match(subject_id):
        raise ControlError("a subject is written customer:ID or contact:ID, for example customer:123")
    return subject_id


def explain(settings: Settings, subject_id: str, month: str | None, looked_by: str) -> Explanation:
    """Explain one subject from the month's file, by the policy that decided it; the access is logged first.

    Args:
        settings: folders and keys.
        subject_id: customer:ID or contact:ID.
        month: YYYY-MM; None for the newest month that has a file.
        looked_by: who asks; stands in the access log.

    Raises:
        ControlError: the subject is malformed, unknown or a tombstone, or the month is unknown or destroyed.
        PrivacyError: the month's file or its policy cannot be read.
    """
    check_subject(subject_id)
    with zones.without_pandas(), boundary("explain"), read_month(settings, month) as (con, chosen):
        keys = KeyStore(settings.keys, settings.root_key)
        control = ControlStore.in_folder(settings.control)
        control.record_access(keys.derive("looks", subject_id).hex(), chosen, "explain", looked_by)
        return explain_in(con, _policy_of(con, settings, control, chosen), subject_id, chosen)


def _policy_of(con: zones.Connection, settings: Settings, control: ControlStore, month: str) -> DecisionPolicy:
    """The policy that decided the month: today's, or the one of its day."""
    policy = load_policy(settings.notice)
    used = con.execute("SELECT policy_version FROM retention.attribute_decisions LIMIT 1").fetchall()
    if not used or used[0][0] == policy.version:
        return policy
    if used[0][0] not in stored_versions(control):
        raise ControlError(f"{month} was decided by policy {used[0][0]}, which is not stored: run the month again with "
                           f"`ajprivacy run --month {month}`")
    return policy_of(control, used[0][0])


def explain_in(con: zones.Connection, policy: DecisionPolicy, subject_id: str, month: str) -> Explanation:
    """Explain one subject from an opened month.

    Raises:
        ControlError: the subject is unknown or a tombstone, or the decisions do not follow from the facts.
    """
    (found,) = explain_each(con, policy, [subject_id], month)
    return found


def explain_each(con: zones.Connection, policy: DecisionPolicy, subject_ids: Sequence[str],
                 month: str) -> Iterator[Explanation]:
    """Explain subjects from an opened month, one after the other; their candidate dates are looked up together.

    Raises:
        ControlError: as `explain_in`.
    """
    subjects = [find_subject(con, subject_id, month) for subject_id in subject_ids]
    with asked(con, policy, month, [subject["subject_no"] for subject in subjects]):
        for subject in subjects:
            facts = read_facts(con, subject, as_of(month))
            read_references(con, facts)
            purposes = read_purposes(con, policy, subject["subject_no"])
            terms = read_record_terms(con, policy, subject["subject_no"], purposes)
            yield assemble(facts, policy, month, purposes, terms)
