"""The chain of hashes: canonical JSON, an entry's hash, the root of a batch's tokens, and what is wrong with a chain.

Belongs here: pure functions over texts and hashes. Does not belong here: where entries are stored, who is in them
(`ledger`).

An entry's hash is SHA-256 over the canonical JSON of [seq, previous, kind, recorded_at, body], the body as the text
that is stored; the first entry's previous hash is `GENESIS`. Canonical JSON: UTF-8, keys sorted by code point, no
blanks, no floats.
A root is that of the Merkle tree of RFC 6962 (2.1): a leaf is SHA-256 of 0x00 and the leaf's bytes, a node SHA-256 of
0x01 and its two children; of n leaves the left child takes the largest power of two below n; of no leaves the root is
SHA-256 of nothing. A leaf is token, month and clauses as UTF-8, a line feed between them; leaves are sorted as bytes.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

GENESIS = "0" * 64
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


class Row(NamedTuple):
    """An entry as it is stored."""

    seq: int
    kind: str
    body: str
    recorded_at: str
    previous: str
    hash: str


def canonical(value: object) -> str:
    """Returns a value as canonical JSON.

    Raises:
        TypeError: it holds a float, a key that is no text, or what JSON has no form for.
    """
    _only_exact(value)
    return _encode(value)


def _only_exact(value: object) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError("a key of canonical JSON is a text")
            _only_exact(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _only_exact(inner)
    elif not isinstance(value, str | int | None):
        raise TypeError(f"canonical JSON has no {type(value).__name__}")


def hash_of(seq: int, previous: str, kind: str, recorded_at: str, body: str) -> str:
    """Returns an entry's hash, in hex."""
    return _sha256(canonical([seq, previous, kind, recorded_at, body]).encode())


def merkle_root(leaves: Iterable[tuple[str, str, str]]) -> str:
    """Returns the root over (token, month, clauses), in hex, whatever their order; none has a line feed in it."""
    level = sorted("\n".join(leaf).encode() for leaf in leaves)
    return (_tree([hashlib.sha256(b"\0" + leaf).digest() for leaf in level]) if level
            else hashlib.sha256(b"").digest()).hex()


def _tree(nodes: Sequence[bytes]) -> bytes:
    """The root over hashed leaves: pairing neighbours, an odd last one going up as it is, makes RFC 6962's tree."""
    while len(nodes) > 1:
        paired = [hashlib.sha256(b"\1" + left + right).digest()
                  for left, right in zip(nodes[::2], nodes[1::2], strict=False)]
        nodes = [*paired, *nodes[len(paired) * 2:]]
    return nodes[0]


def faults_of(rows: Sequence[Row]) -> list[str]:
    """Returns a sentence for each fault of a chain, with the entries it concerns; none for a chain that is whole.

    Args:
        rows: every entry that is stored, by seq.
    """
    found: list[_Fault] = []
    for fault in _faults(rows):
        if found and (found[-1].what, found[-1].shift, found[-1].last + 1) == (fault.what, fault.shift, fault.first):
            found[-1] = found[-1]._replace(last=fault.last)
        else:
            found.append(fault)
    return [_sentence(fault) for fault in found]


class _Fault(NamedTuple):
    """What is wrong with the entries from one to another; `shift` is by how many places moved ones stand too early."""

    first: int
    last: int
    what: str
    shift: int = 0


def _faults(rows: Sequence[Row]) -> Iterator[_Fault]:
    places = _places(rows)
    before = Row(0, "", "", "", "", GENESIS)
    shift, follows = 0, True  # what comes after a fault is not blamed for it
    for row in rows:
        if row.seq > before.seq + 1:
            yield _Fault(before.seq + 1, row.seq - 1, "missing")
            follows = False
        fault = None
        if not was_written_as(row, row.seq):
            likely = (places.get(row.hash), row.seq + shift, row.seq - 1, row.seq + 1)
            place = next((place for place in likely if place is not None and was_written_as(row, place)), None)
            shift = shift if place is None else place - row.seq
            fault = _Fault(row.seq, row.seq, "changed") if place is None else _Fault(row.seq, row.seq, "moved", shift)
        elif row.seq <= before.seq or (follows and row.previous != before.hash):
            fault = _Fault(row.seq, row.seq, "unlinked")
        if fault:
            yield fault
        follows, before = fault is None, row


def was_written_as(row: Row, seq: int) -> bool:
    """Whether a row is what was written as entry `seq`."""
    return row.hash == hash_of(seq, row.previous, row.kind, row.recorded_at, row.body)


def _places(rows: Sequence[Row]) -> dict[str, int]:
    """Where each hash stands when the links are followed from the beginning; what nothing leads to is left out."""
    after: dict[str, list[str]] = {}
    for row in rows:
        after.setdefault(row.previous, []).append(row.hash)
    places: dict[str, int] = {}
    level, place = after.get(GENESIS, []), 1
    while level:
        places.update(dict.fromkeys(level, place))
        level, place = [one for known in level for one in after.get(known, ()) if one not in places], place + 1
    return places


def _sentence(fault: _Fault) -> str:
    first, last, what, shift = fault
    one = first == last
    named, were = (f"entry {first}", "was") if one else (f"entries {first} to {last}", "were")
    if what == "missing":
        return f"{named} {'is' if one else 'are'} missing"
    if what == "changed":
        return f"{named} {were} changed: what stands there is not what the hash was made of"
    if what == "unlinked":
        return f"{named} {'does' if one else 'do'} not follow what stands before: an entry was exchanged or inserted"
    written = f"entry {first + shift}" if one else f"entries {first + shift} to {last + shift}"
    return (f"{named} {were} written as {written}: an entry was inserted or removed before, or the order was changed")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
