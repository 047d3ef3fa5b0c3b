"""Handing our copy of an answer over once more, as it was given: to whoever has lost it, or says that it never came.

Belongs here: whether it may be handed over, in which order it is noted and written. Does not belong here: keeping and
destroying it (`folder`), an answer as of today (`answer`). The warehouse is not read, and the copy's days do not begin
anew.
"""

from datetime import date, timedelta
from pathlib import Path

from ajprivacy_pipeline.errors import RightsError
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.retention import recorded_requests
from ajprivacy_pipeline.retention.effects import tokens
from ajprivacy_pipeline.rights.answer import note_look
from ajprivacy_pipeline.rights.folder import Copy, check_folder, destroy_copies, read_copy, write_folder
from ajprivacy_pipeline.rights.requests import ANSWER, Request, find_request
from ajprivacy_pipeline.rights.shapes import Package
from ajprivacy_pipeline.rights.steps import check_handler, check_identity
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import hold_lock

NOTED = "copy"  # the event that notes it, and what the access log calls it


def hand_copy(settings: Settings, request_id: str, out: Path, *, today: date, by: str) -> list[str]:
    """Write our copy of an answer into a folder, and note that; returns the names of its files.

    Raises:
        RightsError: unknown, not answered, its days are over, before identity, the request has become somebody else's
            or was refused since, or the folder will not do; nothing is written.
    """
    policy, control = load_policy(settings.notice), ControlStore.in_folder(settings.control)
    check_handler(policy, by)
    request = find_request(settings, policy.rights, request_id)
    check_identity(policy, request)
    check_folder(out, request_id)
    with hold_lock(settings):
        destroy_copies(settings, control, policy.rights.package_days, today)
        copy = read_copy(settings, request_id)
        if copy is None:
            raise RightsError(_why_none(policy, request, today))
        _check_theirs(settings, control, request, copy)
        if copy.whose.looked_at is not None:
            note_look(settings, copy.whose.looked_at, None, NOTED, by)
        write_folder(out, copy.files)
        recorded_requests.append(control, request_id, NOTED, by=by.strip(), on=today)
    return sorted(copy.files)


def _why_none(policy: Policy, request: Request, today: date) -> str:
    days, handed = policy.rights.package_days, [step.on for step in request.steps if step.event == ANSWER]
    if not handed:
        return "no answer to that request was written here: `ajprivacy request answer` writes one"
    anew = "`ajprivacy request answer` writes it anew" if request.is_open else "a new request is answered anew"
    if max(handed) + timedelta(days=days) <= today:
        return f"our copy was destroyed {days} days after {max(handed)}, when it was handed over (package_days): {anew}"
    return f"our copy is not in the restricted zone, or its key is gone: {anew}"


def _check_theirs(settings: Settings, control: ControlStore, request: Request, copy: Copy) -> None:
    """Refuse a copy of what was answered to somebody else, or before it was found that nothing is due (RightsError)."""
    names = request.asker.names if request.asker else ()
    token = tokens(KeyStore(settings.keys, settings.root_key), control)
    if copy.whose.asker not in (map(token, names) if names else (None,)):
        raise RightsError("the request names somebody else than when it was answered: our copy is not theirs, and is "
                          "handed to nobody")
    if request.outcome == "refused" and not Package.model_validate_json(copy.files["package.json"]).refused:
        raise RightsError("the request was refused after that answer: `ajprivacy request answer` writes the refusal")
