"""The key by which two e-mail addresses are one: what it takes away, in this order, and what it must not confuse."""

from __future__ import annotations

import re
import unicodedata

from .times import WHITE

INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


def email_key(raw: str | None) -> str | None:
    """The key of an address; None where the text is no address."""
    if raw is None:
        return None
    text = "".join(char for char in _unwrapped(raw) if char not in WHITE + INVISIBLE)
    text = "".join(map(_lowered, _composed(text)))
    if text.count("@") != 1:
        return None
    name, domain = text.split("@")
    if not name or not domain:
        return None
    return f"{name}@{'.'.join(map(_decoded, domain.split('.')))}"


def _unwrapped(text: str) -> str:
    """Without `mailto:`, and what stands between the angles of `Name <address>`."""
    # reading: whichever stands in the other, for what is left wrapped is not unwrapped.
    bare = text[7:] if text[:7].lower() == "mailto:" else text
    named = re.fullmatch(r"[^<>]*<([^<>]*)>\s*", bare, re.DOTALL)
    bare = named[1] if named else bare
    return bare if bare == text else _unwrapped(bare)


def _becomes_ascii(char: str, other: str) -> bool:
    """Whether a character that is not ASCII would turn into one: it would be taken for another's."""
    return not char.isascii() and any(part.isascii() for part in other)


def _composed(text: str) -> str:
    """NFC, but for the characters that it would turn into ASCII; what stands between them is composed for itself."""
    parts, run = [], ""
    for char in text:
        if _becomes_ascii(char, unicodedata.normalize("NFC", char)):
            parts += [unicodedata.normalize("NFC", run), char]
            run = ""
        else:
            run += char
    return "".join([*parts, unicodedata.normalize("NFC", run)])


def _lowered(char: str) -> str:
    """Simple lower case: one character for one."""
    lower = char.lower()
    return char if len(lower) != 1 or _becomes_ascii(char, lower) else lower


def _decoded(label: str) -> str:
    """A label of a domain, out of punycode; left as it is where it does not decode."""
    if not label.startswith("xn--"):
        return label
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
        decoded.encode("utf-8")
    except UnicodeError:
        return label
    return decoded
