"""Letters about a request that are no answer yet: why it takes longer, who the person is, that a restriction ends.

Belongs here: which letter may be written when, and writing it. Does not belong here: wording (`words.toml`), the step
itself (`steps`): a letter is noted, and moves nothing. Nothing about anybody stands in one but the request.
"""

from datetime import date
from pathlib import Path
from typing import get_args

from ajprivacy_pipeline.errors import RightsError
from ajprivacy_pipeline.explain.words import Language
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.retention import recorded_requests
from ajprivacy_pipeline.rights.decided import Month
from ajprivacy_pipeline.rights.folder import check_folder, write_folder
from ajprivacy_pipeline.rights.package import Assembler
from ajprivacy_pipeline.rights.page import render_files
from ajprivacy_pipeline.rights.requests import Request, find_request
from ajprivacy_pipeline.rights.shapes import LetterKind
from ajprivacy_pipeline.rights.steps import RESTRICTING, check_handler
from ajprivacy_pipeline.rights.wording import Wording
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.month_files import hold_lock

LETTER = "letter"  # the event that notes one
ABOUT = tuple(kind for kind in get_args(LetterKind) if kind != "answer")


def write_letter(settings: Settings, request_id: str, about: str, out: Path, *, language: Language, today: date,
                 by: str) -> list[str]:
    """Write a letter into a folder, and note that; returns the names of its files.

    Raises:
        RightsError: unknown, or no such letter is due to this request now, or the folder will not do; nothing is
            written.
    """
    policy = load_policy(settings.notice)
    check_handler(policy, by)
    request = find_request(settings, policy.rights, request_id)
    kind = _kind(policy, request, about)
    check_folder(out, request_id)
    words = Wording(language)
    files = render_files(Assembler(policy, words, None, Month()).letter(
        request, kind, _sentences(policy, words, request, kind), today))
    write_folder(out, files)
    with hold_lock(settings):
        recorded_requests.append(ControlStore.in_folder(settings.control), request_id, LETTER, by=by.strip(), on=today,
                                 detail=about)
    return sorted(files)


def _kind(policy: Policy, request: Request, about: str) -> LetterKind:
    if about == "extension" and request.is_open and request.extended_on is not None:
        return "extension"
    if about == "identity" and (request.waits_for_identity(policy.rights) or _is_by_address(policy, request)):
        return "identity"
    if about == "lifting" and request.is_open and request.kind in RESTRICTING:
        return "lifting"
    if about not in ABOUT:
        raise RightsError(f"'{about}' is no letter; choose one of {', '.join(ABOUT)}")
    raise RightsError({"extension": "its deadline was not extended: `ajprivacy request extend` comes first",
                       "identity": "it does not wait for identification",
                       "lifting": "it is no restriction that stands"}[about])


def _is_by_address(policy: Policy, request: Request) -> bool:
    """Whether an open request names an address alone, which may be several people's: then more is asked for.

    Whether it is, is not looked at: the letter reads the same.
    """
    asker = request.asker
    return (request.is_open and request.kind not in policy.rights.without_identity and asker is not None
            and not asker.customer_id and not asker.contact_id)


def _sentences(policy: Policy, words: Wording, request: Request, about: LetterKind) -> tuple[str, ...]:
    reason = request.reason or ""
    why = words.reason(reason, policy.rights.extensions.get(reason, reason))
    told = words.group("letters")[about]
    return tuple(str(text).format(date=words.day(request.deadline(policy.rights)), reason=why) for text in told)
