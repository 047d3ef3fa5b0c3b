"""Who looked at a person: the append-only log of explanations, packages, and decisions that were taken out.

Belongs here: reading the log. Does not belong here: writing it, which each access does first (`control.record_access`).
Whom it was about is a keyed token: it can be asked for by a subject's id, and not read out of the log.
"""

from datetime import datetime
from typing import TypedDict, cast

import sqlalchemy as sa

from ajprivacy_pipeline.explain import check_subject
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import EVERYBODY, ControlStore
from ajprivacy_pipeline.storage.control_tables import access_log
from ajprivacy_pipeline.storage.keystore import KeyStore


class Access(TypedDict):
    """One look at a person; the moment in UTC, `month` empty where none was decided."""

    looked_at: datetime
    by: str
    what: str
    month: str
    subject: str  # the first characters of the token: the same for the same person; EVERYBODY


_SHOWN = 12


def accesses(settings: Settings, subject_id: str | None = None) -> list[Access]:
    """Returns every access, oldest first; of one subject where one is named, with those that were about everybody.

    Raises:
        ControlError: that is no subject's id.
    """
    query = sa.select(access_log).order_by(access_log.c.id)
    if subject_id is not None:
        token = KeyStore(settings.keys, settings.root_key).derive("looks", check_subject(subject_id)).hex()
        query = query.where(access_log.c.subject_id.in_([token, EVERYBODY]))
    return [cast(Access, {"looked_at": row["looked_at"], "by": row["by"], "what": row["what"], "month": row["month"],
                          "subject": row["subject_id"][:_SHOWN]})
            for row in ControlStore.in_folder(settings.control).rows(query)]
