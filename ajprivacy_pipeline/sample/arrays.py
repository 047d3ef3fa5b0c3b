"""The sample shop's tools: random streams, and columns built as Arrow arrays.

Belongs here: functions without any knowledge of the shop. Times are whole seconds since 1970 on the local wall clock,
amounts whole øre, both int64; `NONE` stands for an empty value in either. Does not belong here: tables, files.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Columns = dict[str, pa.Array]

NONE = np.iinfo(np.int64).min  # numpy reads it as NaT, which Arrow takes for null
DAY = 86_400
YEAR = 31_556_952
TOO_EARLY = -62_135_553_600  # 0001-01-01 12:00: noon, so that it stays in year 1 in every time zone
TOO_LATE = 253_402_214_400  # 9999-12-31 00:00
MESS_EVERY = 2_000


@dataclass(frozen=True)
class Streams:
    """Independent random streams of one chunk of customers, by name: a new draw in one disturbs no other."""

    seed: int
    chunk: int

    def rng(self, name: str) -> np.random.Generator:
        """Returns the generator of one stream, always from its beginning."""
        return np.random.default_rng(np.random.SeedSequence([self.seed, self.chunk, crc32(name.encode())]))


def messy(rows: int, offset: int, every: int = MESS_EVERY) -> Mask:
    """True for one row in `every`: where the sample is wrong on purpose, the same rows in every run."""
    marked: Mask = np.arange(rows) % every == offset
    return marked


def chosen(rng: np.random.Generator, rows: int, share: float) -> Mask:
    """True for a random share of the rows."""
    drawn: Mask = rng.random(rows) < share
    return drawn


def text(*parts: pa.Array | str) -> pa.Array:
    """Returns the parts joined row by row; empty where one of them is."""
    joined = [pa.scalar(part) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*joined, "")


def digits(values: Ints, width: int) -> pa.Array:
    """Whole numbers with leading zeros."""
    return pc.utf8_lpad(pc.cast(pa.array(values), pa.string()), width, padding="0")


def spread(values: Ints, modulus: int) -> Ints:
    """Returns a fixed one-to-one shuffle of 0..modulus-1 (a power of ten), so that numbers do not tell their order."""
    return np.asarray((values * 7_368_787 + 4_021) % modulus, dtype=np.int64)


def take(values: pa.Array | Sequence[str], index: Ints) -> pa.Array:
    """Returns the values at the places; a place below 0 is an empty value."""
    source = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    return source.take(pa.array(index, mask=index < 0))


def keep(values: pa.Array, where: Mask) -> pa.Array:
    """Returns the values where the mask is true, empty elsewhere."""
    return pc.if_else(pa.array(where), values, pa.scalar(None, values.type))


def either(where: Mask, first: pa.Array | str, second: pa.Array | str) -> pa.Array:
    """Returns the first value where the mask is true, else the second."""
    return pc.if_else(pa.array(where), first, second)


def times(seconds: Ints) -> pa.Array:
    """Local timestamps without a zone."""
    return pa.array(seconds.astype("datetime64[s]"))


def dates(days: Ints) -> pa.Array:
    """Dates, from days since 1970."""
    return pa.array(days.astype("datetime64[D]"))


def amounts(ore: Ints) -> pa.Array:
    """Decimals of 18 digits with two places, exactly, from whole øre."""
    empty = ore == NONE
    low = np.where(empty, 0, ore).astype("<i8")
    wide = np.ascontiguousarray(np.stack([low, low >> 63], axis=1))  # a 128-bit integer: the low half, then its sign
    whole = pa.Array.from_buffers(pa.decimal128(18, 2), len(ore), [None, pa.py_buffer(wide)])
    return keep(whole, ~empty) if empty.any() else whole


def by(moment: Ints, limit: int) -> Ints:
    """Returns what has happened by the limit; the rest has not happened yet."""
    return np.where(moment > limit, NONE, moment)


def fill(templates: Sequence[str], choice: Ints, fields: Mapping[str, pa.Array]) -> pa.Array:
    """One sentence a row: the template that `choice` names, its {fields} filled; an empty field is left out."""
    order = np.argsort(choice, kind="stable")
    bounds = np.searchsorted(choice[order], np.arange(len(templates) + 1))
    pieces = []
    for number, template in enumerate(templates):
        rows = pa.array(order[bounds[number]:bounds[number + 1]])
        words: list[Any] = [""]
        for part in re.split(r"(\{\w+\})", template):
            known = part.startswith("{")
            words.append(pc.fill_null(fields[part[1:-1]].take(rows), "") if known else part)
        filled = text(*words)
        pieces.append(filled if isinstance(filled, pa.Array) else pa.repeat(filled, len(rows)))
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return pa.concat_arrays(pieces).take(pa.array(back))


def starts(counts: Ints) -> Ints:
    """Returns where each group begins, and after it the end of the last: one entry more than groups."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])


def places(counts: Ints) -> tuple[Ints, Ints]:
    """For every member of the groups: its group, and its place in it from 0."""
    group = np.repeat(np.arange(len(counts)), counts)
    return group, np.arange(len(group)) - starts(counts)[:-1][group]


def mod11_digit(number: Ints, weights: Sequence[int]) -> Ints:
    """Returns the control digit of the weighted sum, most significant digit first; 10 says that there is none."""
    total = np.zeros_like(number)
    for place, weight in enumerate(reversed(weights)):
        total += number // 10**place % 10 * weight
    return np.asarray((11 - total % 11) % 11, dtype=np.int64)
