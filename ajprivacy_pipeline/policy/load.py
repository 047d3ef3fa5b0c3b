"""Loads and validates the notice's TOML files into frozen objects.

Unknown keys are refused and every fault is listed at once. The version is a hash of the files' contents; every result
carries it. Does not belong here: shapes, what must hold between the parts (`consistency`), anything that reads rows.
"""

import hashlib
import json
import tomllib
from collections.abc import Container, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ajprivacy_pipeline.errors import PolicyError
from ajprivacy_pipeline.policy.consistency import cross_faults, decision_faults
from ajprivacy_pipeline.policy.enforcement import Enforcement
from ajprivacy_pipeline.policy.governance import Clause, NoticeFile, Recipient, Review
from ajprivacy_pipeline.policy.policy import DecisionPolicy, Policy
from ajprivacy_pipeline.policy.regions import Regions
from ajprivacy_pipeline.policy.release import Release
from ajprivacy_pipeline.policy.retention import Action, Retention
from ajprivacy_pipeline.policy.rights import Rights
from ajprivacy_pipeline.policy.sources import Sources

_FILES: dict[str, tuple[str, Any]] = {
    "notice": ("notice.toml", NoticeFile),
    "clauses": ("clauses.toml", dict[str, Clause]),
    "retention": ("purposes.toml", Retention),
    "actions": ("actions.toml", dict[str, dict[str, Action]]),
    "sources": ("sources.toml", Sources),
    "release": ("release.toml", Release),
    "regions": ("regions.toml", Regions),
    "recipients": ("recipients.toml", dict[str, Recipient]),
    "review": ("review.toml", Review),
    "enforcement": ("enforcement.toml", Enforcement),
    "rights": ("rights.toml", Rights),
}


def own_names() -> frozenset[str]:
    """Returns every name that a notice loaded by this process gives to something: keys of files, no values."""
    return frozenset(_OWN_NAMES)


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


_OWN_NAMES: set[str] = set()


def load_policy(folder: Path) -> Policy:
    """Load and validate the notice data.

    Raises:
        PolicyError: with every fault of every file at once.
    """
    return parse_policy(read_texts(folder))


def read_texts(folder: Path) -> dict[str, str]:
    """Returns the notice files of a folder by name; one that is missing or unreadable is left out.

    Raises:
        PolicyError: there is no such folder.
    """
    if not folder.is_dir():
        names = ", ".join(name for name, _ in _FILES.values())
        raise PolicyError([f"{folder}: is not a folder; name one that holds {names}"])
    texts = {}
    for name, _ in _FILES.values():
        try:
            texts[name] = (folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError):
            raise PolicyError([f"{name}: cannot be read as UTF-8 text"]) from None
    return texts


def parse_policy(texts: Mapping[str, str]) -> Policy:
    """Validate the notice data, given as TOML texts by file name; the same texts are read once in a process.

    Raises:
        PolicyError: with every fault of every file at once.
    """
    return _parsed(tuple(sorted(texts.items())))


@lru_cache(maxsize=8)
def _parsed(texts: tuple[tuple[str, str], ...]) -> Policy:
    version, parts, faults = _parts(dict(texts), _FILES)
    if not faults:
        policy = Policy(version=version, **parts)
        faults = list(dict.fromkeys(cross_faults(policy)))
        if not faults:
            return policy
    raise PolicyError(faults)


def parse_decision_policy(texts: Mapping[str, str]) -> DecisionPolicy:
    """Returns the part of a policy that decides, whatever its other files say or lack.

    Policies of earlier versions are read by it.

    Raises:
        PolicyError: with every fault of that part at once, and every file that is not valid TOML.
    """
    version, parts, faults = _parts(texts, DecisionPolicy.model_fields.keys() & _FILES.keys())
    if not faults:
        policy = DecisionPolicy(version=version, **parts)
        faults = list(dict.fromkeys(decision_faults(policy)))
        if not faults:
            return policy
    raise PolicyError(faults)


def _parts(texts: Mapping[str, str], wanted: Container[str]) -> tuple[str, dict[str, Any], list[str]]:
    """The version of all texts, the wanted parts as objects, and what is wrong with them."""
    faults: list[str] = []
    parts: dict[str, Any] = {}
    raw: dict[str, Any] = {}
    for part, (file_name, shape) in _FILES.items():
        try:
            if file_name in texts:
                raw[part] = tomllib.loads(texts[file_name])
            elif part in wanted:
                faults.append(f"{file_name}: missing")
            if part in raw and part in wanted:
                parts[part] = TypeAdapter(shape).validate_python(raw[part])
        except tomllib.TOMLDecodeError as error:
            faults.append(f"{file_name}: {error}")
        except ValidationError as error:
            faults.extend(f"{file_name}: {'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}"
                          for fault in error.errors(include_url=False, include_input=False))
    _OWN_NAMES.update(_keys(raw))
    return _version(raw), parts, faults


def _version(raw: Mapping[str, Any]) -> str:
    canonical = json.dumps(raw, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
