"""Where an answer lies: a folder that nobody else can read, and our own copy of it, sealed, in the restricted zone.

Belongs here: writing both whole or not at all, destroying our copy in time. Does not belong here: what the files say,
whether our copy may be handed over again (`handed_copy`).
"""

import io
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from ajprivacy_pipeline.errors import RightsError
from ajprivacy_pipeline.retention.recorded_requests import steps
from ajprivacy_pipeline.rights.requests import ANSWER
from ajprivacy_pipeline.rights.shapes import Package
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import sealed
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore

PREFIX = "package-"  # begins the name of our copy, and of its key
_WHOSE = ".whose"  # the member of our copy that is no file of the answer


class Whose(NamedTuple):
    """Whose an answer is."""

    asker: str | None = None  # the token of who asked, as the step that identifies them has it; None: forgotten
    looked_at: str | None = None  # as the access log names whom it is about; None: it says nothing about anybody


class Copy(NamedTuple):
    """Our copy of an answer."""

    files: dict[str, str]
    whose: Whose


def check_folder(out: Path, request_id: str) -> None:
    """Refuse a folder that others can read, or that holds anything but an earlier answer to the same request.

    Raises:
        RightsError: it may not be written; nothing was.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise RightsError("--out is no folder: name one that does not exist yet")
    if out.stat().st_mode & 0o077:
        raise RightsError("--out can be read by others: set its mode to 0700, or name a folder that does not exist yet")
    if any(out.iterdir()) and not _is_answer_to(out, request_id):
        raise RightsError("--out holds other files: name an empty folder, or one that does not exist yet")


def _is_answer_to(out: Path, request_id: str) -> bool:
    try:
        found = Package.model_validate_json((out / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return found.request.id == request_id


def write_folder(out: Path, files: Mapping[str, str]) -> None:
    """Write an answer, readable by its owner alone, in place of an earlier one.

    Raises:
        RightsError: the folder cannot be written.
    """
    out = out.absolute()
    beside = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        out.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.mkdir(mode=0o700)
        for name, text in files.items():
            handle = os.open(beside / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
        if out.exists():
            shutil.rmtree(out)
        beside.rename(out)
    except OSError as error:
        raise RightsError(f"--out cannot be written: {os.strerror(error.errno or 0)}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def keep_copy(settings: Settings, request_id: str, files: Mapping[str, str], whose: Whose) -> Path:
    """Keep our copy of an answer, encrypted under a key of its own, until its days are over; returns the file."""
    name = sealed.name_of(PREFIX, request_id)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, text in files.items():
            archive.writestr(file, text)
        archive.writestr(_WHOSE, json.dumps(whose._asdict()))
    sealed.seal(settings, KeyStore(settings.keys, settings.root_key), name, packed.getvalue())
    return settings.restricted / f"{name}{sealed.SUFFIX}"


def read_copy(settings: Settings, request_id: str) -> Copy | None:
    """Returns our copy of an answer; None where there is none, or it was destroyed."""
    packed = sealed.unseal(settings, KeyStore(settings.keys, settings.root_key), sealed.name_of(PREFIX, request_id))
    if packed is None:
        return None
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        found = {file: archive.read(file).decode() for file in archive.namelist()}
    return Copy(found, Whose(**json.loads(found.pop(_WHOSE, "{}"))))


def destroy_copies(settings: Settings, control: ControlStore, days: int, today: date) -> int:
    """Destroy our copies, keys first, of answers that were handed over so many days ago, or never were; how many."""
    handed: dict[str, date] = {}
    for request_id, taken in steps(control).items():
        if answered := [step.on for step in taken if step.event == ANSWER]:
            handed[sealed.name_of(PREFIX, request_id)] = max(answered)
    keys = KeyStore(settings.keys, settings.root_key)
    gone = [name for name in sealed.names(settings, PREFIX)
            if name not in handed or handed[name] + timedelta(days=days) <= today]
    for name in gone:
        sealed.destroy(settings, keys, name)
    for left in settings.restricted.glob(f"{PREFIX}*{sealed.PARTIAL}"):
        left.unlink(missing_ok=True)
    return len(gone)
