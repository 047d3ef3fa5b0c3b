"""What authorities were given: an append-only register that names nobody and can be asked about somebody.

Belongs here: what may be recorded, reading it. Does not belong here: why it may be given (the policy), how it looks in
the records of processing (`policy.ropa`).
"""

from collections.abc import Sequence
from datetime import date
from typing import TypedDict

import sqlalchemy as sa

from ajprivacy_pipeline.errors import RightsError
from ajprivacy_pipeline.explain import check_subject
from ajprivacy_pipeline.oversight.codes import check_code, check_name
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.rights.steps import check_handler
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.control_tables import authority_disclosures
from ajprivacy_pipeline.storage.keystore import KeyStore


class Disclosure(TypedDict):
    """What an authority was given; days as ISO text."""

    disclosure: int
    authority: str
    basis: str
    categories: list[str]
    about_one_person: bool
    disclosed_on: str
    by: str


def add_disclosure(settings: Settings, authority: str, basis: str, categories: Sequence[str], disclosed_on: date, *,
                   subject: str | None, today: date, by: str) -> int:
    """Record that an authority was given personal data; returns the entry's number.

    Raises:
        RightsError: a category is none of the policy's, or the day is in the future; nothing is written.
        ControlError: no authority is named, the basis is no code of the policy, or the subject is none.
    """
    policy = load_policy(settings.notice)
    check_handler(policy, by)
    check_name(authority, "--authority")
    check_code(basis, policy.rights.disclosure_bases, "basis of a disclosure (rights.toml)")
    given = sorted({category.strip() for category in categories})
    known = _categories(policy)
    if not set(given) <= known:
        raise RightsError(f"--categories are none of the policy's: choose of {', '.join(sorted(known))}")
    if disclosed_on > today:
        raise RightsError(f"{disclosed_on} is in the future: --on is the day on which it was given")
    if subject is not None:
        check_subject(subject)
    with ControlStore.in_folder(settings.control).change() as connection:
        made = connection.execute(authority_disclosures.insert(), {
            "authority": authority.strip(), "basis": basis, "categories": ",".join(given),
            "token": _token(settings, subject) if subject else "", "disclosed_on": disclosed_on, "by": by.strip(),
            "recorded_at": utc_now()}).inserted_primary_key
    return int(made[0]) if made else 0


def disclosures(settings: Settings, subject: str | None = None) -> list[Disclosure]:
    """Returns what authorities were given, oldest first; of a subject, what was about that one person."""
    query = sa.select(authority_disclosures).order_by(authority_disclosures.c.disclosed_on, authority_disclosures.c.id)
    if subject is not None:
        check_subject(subject)
        query = query.where(authority_disclosures.c.token == _token(settings, subject))
    return [{"disclosure": row["id"], "authority": row["authority"], "basis": row["basis"],
             "categories": row["categories"].split(","), "about_one_person": bool(row["token"]),
             "disclosed_on": row["disclosed_on"].isoformat(), "by": row["by"]}
            for row in ControlStore.in_folder(settings.control).rows(query)]


def _categories(policy: Policy) -> set[str]:
    return {category for entry in policy.recipients.values() for category in entry.categories}


def _token(settings: Settings, subject: str) -> str:
    return KeyStore(settings.keys, settings.root_key).derive("disclosures", subject).hex()
