"""The sample shop: an invented furniture retailer in the contract's tables, for trying the product and for its tests.

    generate(url, customers, seed, until, progress)   writes all twelve tables, returns the rows of each

Nobody in it exists: names are random pairs of common ones, identity numbers are of the Tenor test series, organisation
numbers of the register's test range, addresses of mail and network are reserved for examples. The same (customers,
seed, until) give the same shop. One row in two thousand is wrong on purpose, so that quality reports have something
to show.

    arrays.py     random streams and Arrow columns        data.py       word lists
    people.py     customers, contacts                     products.py   the goods
    trade.py      orders, order lines                     billing.py    invoices
    service.py    cases, messages, newsletter, requests   traces.py     web events, application logs
    shop.py       chunk by chunk                          schema.py     statements      write.py  SQLite, PostgreSQL
    copies.py     tables beside the contract              copies.toml   the mapping that declares them

Belongs here: everything invented. Nothing outside imports more than `generate` and `write_mapping`.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ajprivacy_pipeline.calendar import last_day, last_full_month
from ajprivacy_pipeline.clock import LOCAL_ZONE
from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.sample.copies import MAPPING
from ajprivacy_pipeline.sample.shop import CHUNK, Piece, pieces
from ajprivacy_pipeline.sample.write import parse, write

__all__ = ["generate", "write_mapping"]

LOCAL = ZoneInfo(LOCAL_ZONE)
MOST_CUSTOMERS = 99_999_999  # their ids have eight digits


def generate(url: str, customers: int = 50_000, seed: int = 1, until: date | None = None,
             progress: Callable[[str], None] = lambda _: None, *, copies: bool = False) -> dict[str, int]:
    """Make the sample shop and write it, all or nothing; an earlier sample there is replaced.

    Args:
        url: sqlite:///path, or postgresql://… (also postgres:// and postgresql+psycopg://).
        customers: how many; everything else follows in proportion.
        seed: another one gives another shop.
        until: the last local day on which anything happened; without it the end of the last full month.
        progress: is told a line for every chunk of customers.
        copies: whether the shop keeps its people's data in tables beside the contract, too.

    Returns:
        The rows of each table of the contract.

    Raises:
        SourceError: the database is not ours to write to, or `customers` or `seed` is out of range.
    """
    if not 1 <= customers <= MOST_CUSTOMERS:
        raise SourceError(f"--customers must be between 1 and {MOST_CUSTOMERS}")
    if seed < 0:
        raise SourceError("--seed must not be negative")
    end = until or last_day(last_full_month(datetime.now(LOCAL).date()))
    return write(parse(url), _told(pieces(customers, seed, end), customers, progress), (customers, seed, end),
                 with_copies=copies)


def write_mapping(path: Path) -> bool:
    """Write the mapping that declares the sample's copies; one that is there already stays. Returns whether it did."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(MAPPING.read_text(encoding="utf-8"))
    except FileExistsError:
        return path.read_text(encoding="utf-8") == MAPPING.read_text(encoding="utf-8")
    return True


def _told(made: Iterator[list[Piece]], customers: int, progress: Callable[[str], None]) -> Iterator[list[Piece]]:
    """Pass the pieces on, and tell of each once it has been written."""
    for place, batch in enumerate(made):
        yield batch
        progress("products" if place == 0 else f"{min(place * CHUNK, customers):,} of {customers:,} customers")
