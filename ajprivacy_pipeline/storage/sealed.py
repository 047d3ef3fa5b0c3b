"""Small sealed files in the restricted zone, each under a random key of its own: who destroys the key destroys it.

Belongs here: writing one whole or not at all, opening, destroying. Does not belong here: what stands in it.
"""

import hashlib
import os
import secrets
from base64 import b64decode

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.keystore import KeyStore

_NONCE = 12
SUFFIX, PARTIAL = ".sealed", ".partial"


def name_of(prefix: str, request_id: str) -> str:
    """Returns the name of the file about a request, which does not tell whose it is to who lists the folder."""
    return prefix + hashlib.sha256(request_id.encode()).hexdigest()[:24]


def seal(settings: Settings, keys: KeyStore, name: str, content: bytes) -> None:
    """Write a file in place of an earlier one of its name, readable by its owner alone."""
    nonce = secrets.token_bytes(_NONCE)
    blob = nonce + AESGCM(b64decode(keys.data_key(name))).encrypt(nonce, content, name.encode())
    path = settings.restricted / f"{name}{SUFFIX}"
    partial = path.with_suffix(PARTIAL)
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(blob)
    partial.replace(path)


def unseal(settings: Settings, keys: KeyStore, name: str) -> bytes | None:
    """Returns what a file holds; None where it or its key is gone."""
    path = settings.restricted / f"{name}{SUFFIX}"
    if not path.exists() or not keys.has(name):
        return None
    blob = path.read_bytes()
    return AESGCM(b64decode(keys.data_key(name, create=False))).decrypt(blob[:_NONCE], blob[_NONCE:], name.encode())


def destroy(settings: Settings, keys: KeyStore, name: str) -> None:
    """Destroy a file, its key first."""
    keys.destroy(name)
    (settings.restricted / f"{name}{SUFFIX}").unlink(missing_ok=True)


def names(settings: Settings, prefix: str) -> set[str]:
    """Returns the names that begin so and of which a file or a key is there."""
    return {path.stem for folder in (settings.restricted, settings.keys) for path in folder.glob(f"{prefix}*{SUFFIX}")}
