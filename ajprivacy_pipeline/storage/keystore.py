"""Keys: one root key outside every zone, and keys derived from or sealed under it.

Belongs here: making, reading, destroying and fingerprinting keys. Does not belong here: what a key is used for. A key
never leaves this module but as bytes to a bound parameter; logs and metadata get fingerprints.
"""

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from ajprivacy_pipeline.errors import KeyStoreError

_BLOCK = 64
FIRST = "derivation"  # the root key that derived keys come from, once another one has taken its place
NEXT = ".next"  # ends the name of a key that is about to take another one's place


@dataclass(frozen=True)
class Pads:
    """The two key pads of HMAC-SHA256, 64 bytes each, as the SQL form of HMAC takes them."""

    inner: bytes
    outer: bytes


def pads(key: bytes) -> Pads:
    """Split a key into HMAC's pads, so that SQL equals Python's `hmac` bit for bit."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return Pads(bytes(b ^ 0x36 for b in block), bytes(b ^ 0x5C for b in block))


def fingerprint(key: bytes) -> str:
    """Eight bytes, in hex, that tell two keys apart and give neither away."""
    return hmac.digest(key, b"ajprivacy fingerprint", "sha256").hex()[:16]


class KeyStore:
    """Keys in a folder of files with mode 0600; the root key may come from the environment instead."""

    def __init__(self, folder: Path, root_key: str | None = None) -> None:
        """Use `folder`; `root_key` (64 hex digits) overrides the file `root.key`."""
        self._folder = folder
        self._root_text = root_key

    def root(self) -> bytes:
        """Returns the root key, made on first use.

        Raises:
            KeyStoreError: malformed, readable by others, or lost while sealed keys still lie here.
        """
        if self._root_text is not None:
            return _parse(self._root_text, "AJPRIVACY_ROOT_KEY")
        path = self._folder / "root.key"
        if not path.exists():
            if any(self._folder.glob("*.sealed")):
                raise KeyStoreError("the root key is lost while keys sealed under it remain: restore keys/root.key, "
                                    "or remove keys/*.sealed and the restricted and pseudonymised files to start anew")
            _write(path, secrets.token_hex(32))
        if path.stat().st_mode & 0o077:
            raise KeyStoreError("keys/root.key is readable by others: set its mode to 0600")
        return _parse(path.read_text(), "keys/root.key")

    def derive(self, *labels: str) -> bytes:
        """Returns the 32-byte key of a domain, by HKDF-SHA256 (RFC 5869) with the labels as info.

        It is derived from the first root key, which a rotation keeps under the new one: no token changes.
        """
        first = self._folder / f"{FIRST}.sealed"
        return _expand(self._open(first, FIRST) if first.exists() else self.root(), labels)

    def derive_under(self, name: str, *labels: str, create: bool) -> bytes:
        """Returns the 32-byte key of a domain, derived like `derive` from a zone file's own key.

        It is destroyed with that key.

        Raises:
            KeyStoreError: as `data_key`.
        """
        return _expand(base64.b64decode(self.data_key(name, create=create)), labels)

    def data_key(self, name: str, *, create: bool = True) -> str:
        """Returns the random key of one zone file, as base64 text; sealed under the root key on disk.

        Raises:
            KeyStoreError: it does not exist and may not be made, or the root key is not the one it was sealed under.
        """
        path = self._folder / f"{name}.sealed"
        if not path.exists():
            if not create:
                raise KeyStoreError(f"the key of {name} is lost or was destroyed; "
                                    "recompute the month from today's facts")
            self._seal(path, name, secrets.token_bytes(32))
        return base64.b64encode(self._open(path, name)).decode()

    def has(self, name: str) -> bool:
        """Returns whether there is a data key of that name."""
        return (self._folder / f"{name}.sealed").exists()

    def destroy(self, name: str) -> bool:
        """Overwrite and remove a data key; what it encrypted is unreadable from then on, in backups too."""
        path = self._folder / f"{name}.sealed"
        if not path.exists():
            return False
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        return True

    def data_keys(self, name: str) -> list[str]:
        """Returns the keys under which a file may stand, as base64 text: its own, and one about to take its place.

        Raises:
            KeyStoreError: there is neither, or none was sealed under this root key.
        """
        found, why = [], None
        for known in (name, f"{name}{NEXT}"):
            try:
                found.append(self.data_key(known, create=False))
            except KeyStoreError as error:
                why = why or error
        if not found and why is not None:
            raise why
        return found

    def succeed(self, name: str, checkpoint: Callable[[str], None] = lambda _: None) -> None:
        """Let the key `name.next` take the place of the key `name`, which is destroyed.

        Killed anywhere and called again it goes on: until the end the key is there under its first name, too.
        """
        following = f"{name}{NEXT}"
        self.destroy(name)
        checkpoint("seal key")
        self._seal(self._folder / f"{name}.sealed", name, base64.b64decode(self.data_key(following, create=False)))
        checkpoint("end key")
        self.destroy(following)

    def rotate(self, checkpoint: Callable[[str], None] = lambda _: None) -> int:
        """Seal every key under a new root key, which then takes the old one's place; returns how many.

        Killed anywhere and called again it goes on: as long as `root.next` lies here, a key opens under either. Nobody
        else may make or destroy keys meanwhile. `checkpoint` is told the file that is written next.

        Raises:
            KeyStoreError: the root key comes from the environment, or a key is sealed under neither.
        """
        if self._root_text is not None:
            raise KeyStoreError("the root key comes from AJPRIVACY_ROOT_KEY, which cannot be replaced from here: put "
                                "it into keys/root.key with mode 0600, take it out of the environment, then rotate")
        old, path = self.root(), self._folder / "root.next"
        if not path.exists():
            checkpoint(path.name)
            _replace(path, secrets.token_hex(32))
        new = _parse(path.read_text(), "keys/root.next")
        names = sorted({FIRST, *(found.stem for found in self._folder.glob("*.sealed"))})
        for name in names:
            sealed = self._folder / f"{name}.sealed"
            key = self._open(sealed, name) if sealed.exists() else old
            checkpoint(sealed.name)
            _replace(sealed, aes_key_wrap(_expand(new, ("seal", name)), key).hex())
        checkpoint("root.key")
        path.replace(self._folder / "root.key")
        return len(names)

    def fingerprints(self) -> dict[str, str]:
        """Fingerprint of the root key and of every data key, by name."""
        found = {"root": fingerprint(self.root())}
        for path in sorted(self._folder.glob("*.sealed")):
            found[path.stem] = fingerprint(self._open(path, path.stem))
        return found

    def traces(self, text: str, labels: Iterable[tuple[str, ...]], further: Mapping[str, bytes] | None = None,
               ) -> list[str]:
        """Returns the names of the keys that stand in a text, in any form in which a log would show one.

        Looks for the root key, every sealed key with the key it is sealed under, the derived keys of `labels`, and
        `further` ones by name; of each also the two pads of its HMAC.
        """
        keys = {"root": self.root(), **{"/".join(label): self.derive(*label) for label in labels}, **(further or {})}
        for path in sorted(self._folder.glob("*.sealed")):
            with suppress(KeyStoreError):  # sealed under a root key of another time: this run cannot have had it
                keys |= {path.stem: self._open(path, path.stem),
                         f"seal/{path.stem}": _expand(self.root(), ("seal", path.stem))}
        bare = text.replace("\\", "")  # each quoting of a text doubles its backslashes
        lower = bare.lower()
        return [name for name, key in keys.items() if any(
            form in bare or (form.lower() == form and form in lower) for form in _forms(key))]

    def _seal(self, path: Path, name: str, key: bytes) -> None:
        _write(path, aes_key_wrap(_expand(self.root(), ("seal", name)), key).hex())

    def _open(self, path: Path, name: str) -> bytes:
        following = self._folder / "root.next"  # a rotation is under way, or was killed
        for root in (self.root(), *([_parse(following.read_text(), "keys/root.next")] if following.exists() else [])):
            with suppress(ValueError, InvalidUnwrap):
                return aes_key_unwrap(_expand(root, ("seal", name)), bytes.fromhex(path.read_text()))
        raise KeyStoreError(f"the key of {name} was not sealed under this root key: put the right root key back")


def _forms(key: bytes) -> Iterator[str]:
    """A key and its pads as text: hex, both alphabets of base64, Python's and DuckDB's way to show bytes, numbers.

    Without backslashes. Of base64 the whole groups alone, so that it is found where a longer value begins with the key.
    """
    for mask in (0, 0x36, 0x5C):
        value = bytes(byte ^ mask for byte in key)
        whole = value[:len(value) // 3 * 3]
        yield value.hex()
        yield base64.b64encode(whole).decode()
        yield base64.urlsafe_b64encode(whole).decode()
        yield repr(value)[2:-1].replace("\\", "")
        yield "".join(f"x{byte:02X}" for byte in value)
        yield "".join(chr(b) if 32 <= b < 127 and chr(b) not in "\\'\"" else f"x{b:02X}" for b in value)
        yield ", ".join(map(str, value))


def _expand(key: bytes, labels: tuple[str, ...]) -> bytes:
    extracted = hmac.digest(b"ajprivacy v1", key, "sha256")
    return hmac.digest(extracted, "\x1f".join(labels).encode() + b"\x01", "sha256")


def _parse(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise KeyStoreError(f"{where} must hold 64 hex digits")
    return key


def _replace(path: Path, text: str) -> None:
    """Put a file in another one's place, whole or not at all."""
    whole = path.with_suffix(path.suffix + ".new")
    whole.unlink(missing_ok=True)  # what a killed rotation left
    _write(whole, text)
    whole.replace(path)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
