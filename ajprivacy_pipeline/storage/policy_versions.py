"""Policies that runs used, kept for as long as something was decided by them, so that an old month can be explained.

Belongs here: storing a policy's texts under its version, finding and listing them again, the folder to start one from.
Does not belong here: comparing them (`diff`).
"""

import json
import os
import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import TypedDict, TypeVar

import sqlalchemy as sa

from ajprivacy_pipeline.errors import PolicyError
from ajprivacy_pipeline.policy import DecisionPolicy, parse_decision_policy, parse_policy, read_texts
from ajprivacy_pipeline.policy.diff import ChangeRow, changes
from ajprivacy_pipeline.settings import NOTICE, Settings
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage.control import ControlStore, utc_now

CURRENT = "current"
_VERSION = re.compile(r"^[0-9a-f]{16}$")


def record_policy(control: ControlStore, folder: Path, by: str) -> str:
    """Keep the texts of a folder's policy under its version, once, with who ran it first; returns the version.

    Raises:
        PolicyError: the folder holds no valid policy.
    """
    texts = read_texts(folder)
    version = parse_policy(texts).version
    if version not in stored_versions(control):
        control.insert(store.policies, [{"version": version, "stored_at": utc_now(),
                                         "content": json.dumps(texts, sort_keys=True, ensure_ascii=False)}])
        control.insert(store.policy_keepers, [{"version": version, "stored_by": by}])
    return version


_P = TypeVar("_P", bound=DecisionPolicy)


def with_former_neutrals(policy: _P, control: ControlStore) -> _P:
    """Returns a policy that knows what its earlier versions left in columns that take no NULL; its version stays."""
    former: dict[tuple[str, str], dict[str, None]] = {}
    for row in control.rows(sa.select(store.policies.c.content).order_by(store.policies.c.id)):
        for table, columns in tomllib.loads(json.loads(row["content"])["actions.toml"]).items():
            for column, action in columns.items():
                neutrals = [action[key] for key in ("neutral", "neutral_unique") if key in action]
                former.setdefault((table, column), {}).update(dict.fromkeys(neutrals))
    actions = {table: {column: action.model_copy(update={"former": tuple(former.get((table, column), ()))})
                       for column, action in columns.items()} for table, columns in policy.actions.items()}
    return policy.model_copy(update={"actions": actions})


def start_policy(folder: Path) -> list[str]:
    """Write the default notice into a new or empty folder, to be changed there; returns the files' names.

    Raises:
        PolicyError: the folder holds something, or cannot be written; nothing is written over.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise PolicyError([f"{folder}: is not an empty folder: choose another, or empty it; nothing was written"])
        folder.mkdir(parents=True, exist_ok=True)
        texts = read_texts(NOTICE)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise PolicyError([f"{folder}: {os.strerror(error.errno or 0)}"]) from None
    return sorted(texts)


def stored_versions(control: ControlStore) -> list[str]:
    """Returns every stored version, oldest first."""
    return [row["version"] for row in control.rows(sa.select(store.policies.c.version).order_by(store.policies.c.id))]


class StoredPolicy(TypedDict):
    """A stored policy: when (UTC) and by whom, the months that it decided last, and what it changed.

    `stored_by` is None for what was stored before that was noted; `changes` is None for the first, and where the texts
    of one of the two cannot be compared.
    """

    version: str
    stored_at: datetime
    stored_by: str | None
    months: list[str]
    changes: list[ChangeRow] | None


def history(settings: Settings) -> list[StoredPolicy]:
    """Returns every stored policy, oldest first; writes nothing."""
    if not (settings.control / "control.db").exists():
        return []
    control = ControlStore.in_folder(settings.control)
    keepers = {row["version"]: row["stored_by"] for row in control.rows(sa.select(store.policy_keepers))}
    months: dict[str, list[str]] = {}
    runs = store.months
    newest = sa.select(sa.func.max(runs.c.id)).group_by(runs.c.month)
    for row in control.rows(sa.select(runs).where(runs.c.id.in_(newest)).order_by(runs.c.month)):
        months.setdefault(row["policy_version"], []).append(row["month"])
    found: list[StoredPolicy] = []
    before: dict[str, str] | None = None
    for row in control.rows(sa.select(store.policies).order_by(store.policies.c.id)):
        texts, version = _readable(control, row["version"]), row["version"]
        found.append({"version": version, "stored_at": row["stored_at"], "stored_by": keepers.get(version),
                      "months": months.get(version, []),
                      "changes": [change.row() for change in changes(before, texts)] if before and texts else None})
        before = texts
    return found


def _readable(control: ControlStore, version: str) -> dict[str, str] | None:
    """The texts of a stored policy, None where they are no texts in TOML any more."""
    try:
        texts = texts_of(control, version)
        for text in texts.values():
            tomllib.loads(text)
    except (PolicyError, tomllib.TOMLDecodeError):
        return None
    return texts


def texts_of(control: ControlStore, version: str) -> dict[str, str]:
    """Returns the TOML texts of a stored policy, by file name.

    Raises:
        PolicyError: no run used such a version, or what is stored under it cannot be read.
    """
    rows = control.rows(sa.select(store.policies.c.content).where(store.policies.c.version == version).limit(1))
    if not rows:
        known = ", ".join(stored_versions(control)) or "none"
        raise PolicyError([f"{version}: no policy of this version is stored (stored: {known})"])
    try:
        return {str(name): str(text) for name, text in json.loads(rows[0]["content"]).items()}
    except (ValueError, AttributeError):
        raise PolicyError([f"stored policy {version}: what is stored cannot be read"]) from None


def policy_of(control: ControlStore, version: str) -> DecisionPolicy:
    """Returns the deciding part of a stored policy, however old: what only releases read may be missing from it.

    Raises:
        PolicyError: no run used such a version, or what is stored under it is broken or was changed.
    """
    texts = texts_of(control, version)
    try:
        policy = parse_decision_policy(texts)
    except PolicyError as error:
        raise PolicyError([f"stored policy {version}: {fault}" for fault in error.faults]) from None
    if policy.version != version:
        raise PolicyError([f"stored policy {version}: its texts make another version, {policy.version}"])
    return policy


def find_texts(settings: Settings, name: str) -> dict[str, str]:
    """Returns the texts of a policy named as a folder, as a stored version, or as `current`; writes nothing.

    Raises:
        PolicyError: it is none of them, or not valid; of a stored one, its deciding part.
    """
    if name == CURRENT or Path(name).is_dir():
        texts = read_texts(settings.notice if name == CURRENT else Path(name))
        parse_policy(texts)
        return texts
    if _VERSION.match(name) and (settings.control / "control.db").exists():
        control = ControlStore.in_folder(settings.control)
        policy_of(control, name)
        return texts_of(control, name)
    raise PolicyError([f"{name}: neither a folder of notice files, nor a stored version, nor '{CURRENT}'"])
