"""The sample shop's range of goods.

Belongs here: the products, made once for all chunks. Does not belong here: who buys them.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ajprivacy_pipeline.sample import data
from ajprivacy_pipeline.sample.arrays import Columns, Ints, Streams, digits, take, text

PER_CATEGORY = 48
UNKNOWN_WARRANTY_EVERY = 43


@dataclass(frozen=True)
class Range:
    """The products: their columns, their list prices in øre, the indices of goods and of freight."""

    columns: Columns
    price: Ints
    goods: Ints
    freight: Ints


def make_range(streams: Streams) -> Range:
    """One row per product; freight and services carry no warranty, a few products have an unknown one."""
    rng = streams.rng("products")
    rows = len(data.CATEGORIES) * PER_CATEGORY
    number = np.arange(rows)
    category = number // PER_CATEGORY
    low, high = np.array([(low, high) for _, _, low, high, _ in data.CATEGORIES]).T
    price = low[category] + ((high - low)[category] * rng.random(rows) ** 2).astype(np.int64)
    names, warranties = [], []
    for place in range(rows):
        _, words, _, _, years = data.CATEGORIES[category[place]]
        word = words.split()[place % len(words.split())]
        names.append(f"{word} {data.COLOURS[int(rng.integers(0, len(data.COLOURS)))]} {100 + place}")
        warranties.append(years[int(rng.integers(0, len(years)))])
    label = [data.CATEGORIES[index][0] for index in category]
    unknown = (number % UNKNOWN_WARRANTY_EVERY == 7) & (category < len(data.CATEGORIES) - 2)
    columns = {"product_id": text("P", digits(number + 1000, 5)), "name": take(names, number),
               "category": take(label, number),
               "warranty_years": pa.array(np.array(warranties, dtype=np.int16), mask=unknown)}
    freight = [place for place in range(rows) if label[place] == "freight"]
    goods = [place for place in range(rows) if label[place] != "freight"]
    return Range(columns, price * 100, np.array(goods)[rng.permutation(len(goods))], np.array(freight))
