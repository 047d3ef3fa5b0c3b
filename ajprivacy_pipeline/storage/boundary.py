"""The one error boundary: drivers put values of rows into their messages, and none of those may pass.

Belongs here: turning whatever was raised into one of our errors. Does not belong here: what is done about it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ajprivacy_pipeline.errors import ModelError, PrivacyError, ZoneError
from ajprivacy_pipeline.storage import zones


@contextmanager
def boundary(what: str) -> Iterator[None]:
    """Let only our errors through, without their causes: drivers put values of rows into their messages."""
    try:
        yield
    except PrivacyError as error:
        raise error from None
    except zones.EngineError as error:
        raise ModelError(f"{what}: {zones.explain(error)}") from None
    except OSError as error:
        raise ZoneError(f"{what}: {os.strerror(error.errno or 0)}") from None
    except KeyError as error:
        raise ModelError(f"{what}: {_missing_word(error)}") from None
    except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, its text must not pass
        if error.__cause__ is not None and not isinstance(error.__cause__, Exception):
            raise error.__cause__ from None  # Ctrl-C in the middle of a query comes out as the engine's RuntimeError
        raise ModelError(f"{what}: failed with {type(error).__name__}") from None


def _missing_word(error: KeyError) -> str:
    """What a look-up lacked: named where it is a word of the policy, which is nobody's value; else the bare kind."""
    from ajprivacy_pipeline.policy import own_names
    word = error.args[0] if error.args else None
    if isinstance(word, str) and word in own_names():
        return (f"the policy's name {word} is used and not known here: run `ajprivacy policy check`, "
                "then look where else the name must stand")
    return "failed with KeyError"
