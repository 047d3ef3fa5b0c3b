"""What follows from texts alone and takes long to find, kept as JSON beside a hash of these texts.

Belongs here: keeping it, finding it again, and the policy's tables, which need no validation while neither the policy
nor its validation has changed. Does not belong here: anything about people, what is found (`policy`, `lineage`).
"""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ajprivacy_pipeline.settings import Settings

if TYPE_CHECKING:
    from ajprivacy_pipeline.policy.matrix import Layout

Found = TypeVar("Found")
_POLICY = Path(__file__).parent.parent / "policy"


def kept(file: Path, state: str, find: Callable[[], Found]) -> Found:
    """Returns what was found in this state, or finds it and keeps it; JSON must be able to hold it.

    A file that cannot be read is made anew. One that cannot be written, as on a full disk, is left out.
    """
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
        if before["state"] == state:
            found: Found = before["found"]
            return found
    except (OSError, ValueError, KeyError, TypeError):
        pass
    found = find()
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with suppress(OSError):
        beside.write_text(json.dumps({"state": state, "found": found}), encoding="utf-8")
        beside.replace(file)
    with suppress(OSError):
        beside.unlink(missing_ok=True)
    return found


def policy_tables(settings: Settings) -> "Layout":
    """Returns what `policy show` prints. Only a policy that was valid is kept, in the home, where there is one.

    Raises:
        PolicyError: with every fault of every file at once.
    """

    def read() -> "Layout":
        from ajprivacy_pipeline.policy import load_policy  # late: validation takes longer than all else
        from ajprivacy_pipeline.policy.matrix import layout
        return layout(load_policy(settings.notice))

    try:
        state = _hash(*sorted(settings.notice.glob("*.toml")), *sorted(_POLICY.glob("*.py")),
                      *sorted(_POLICY.glob("*.toml")))
    except OSError:  # what is wrong with the file is said by who reads it
        return read()
    return kept(settings.home / "policy.json", state, read)


def _hash(*files: Path) -> str:
    """A hash of files with their names."""
    found = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        found.update(f"{file.name}\n{len(content)}\n".encode() + content)
    return found.hexdigest()
