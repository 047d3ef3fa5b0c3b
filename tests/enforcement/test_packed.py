"""What MariaDB packs of a row is what its driver reads of it, value for value, or the table is read slowly."""

import json
import random
from collections import Counter
from collections.abc import Iterator

import duckdb
import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.warehouse.packed import Packed
from ajprivacy_pipeline.warehouse.source import Source, open_source
from ajprivacy_pipeline.warehouse.texts import as_text
from tests import mariadb

COLUMNS, SHORTEST = ("smal", "lang", "latin", "tall", "stort", "belop", "valg", "data"), 6
PIECES = ("kari@example.no", "912 34 567", "Ås", "Nordmann", "\N{GRINNING FACE}", "\\u0040", "&#64;", "=40", "%", "'",
          '"', "\\", "\n", "\0", " ", "æøå", "0000", "N\u0308", ":", "NULL")


@pytest.fixture(scope="module")
def source(mariadb_url: str) -> Iterator[Source]:
    url = mariadb.fresh_database(mariadb_url, "packed")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE rader (smal varchar(80), lang longtext, latin varchar(80) CHARACTER SET latin1, tall int, "
            "stort bigint, belop decimal(18,2), valg enum('kvinne', 'mann', 'x'), data json) "
            "CHARACTER SET utf8mb4")
        connection.execute(sa.text(f"INSERT INTO rader ({', '.join(COLUMNS)}) "
                                   f"VALUES ({', '.join(':' + name for name in COLUMNS)})"), _rows(400))
        connection.exec_driver_sql("CREATE TABLE stor (a longtext, b longtext)")
        connection.exec_driver_sql("INSERT INTO stor VALUES (REPEAT('x', 9000000), REPEAT('y', 9000000))")
    engine.dispose()
    with open_source(url) as opened:
        yield opened


def _rows(count: int) -> list[dict[str, object]]:
    chance = random.Random(12)

    def text(most: int = 4) -> str:
        return "".join(chance.choices(PIECES, k=chance.randrange(most)))

    def of(value: object) -> object:
        return None if chance.random() < 0.2 else value

    return [{"smal": of(text()), "lang": of(text(40)), "latin": of(text().encode("latin1", "ignore").decode("latin1")),
             "tall": of(chance.choice((0, -1, 99_999, 100_000, 9_999_999, 10_000_000, -12_345_678, 91_234_567))),
             "stort": of(chance.randrange(10 ** chance.randrange(1, 18))), "belop": of(chance.randrange(10 ** 8) / 100),
             "valg": of(chance.choice(("kvinne", "mann", "x"))), "data": of(json.dumps({"a": text()}))}
            for _ in range(count)]


def test_what_is_packed_is_what_is_there(source: Source) -> None:
    rows = source.connection.execute(sa.text(f"SELECT {', '.join(COLUMNS)} FROM rader")).fetchall()
    expected = Counter((col, text) for row in rows for col, value in enumerate(row)
                       if (text := as_text(value)) is not None and len(text.encode()) >= SHORTEST)
    packed, found = Packed(source, ("rader",), COLUMNS, SHORTEST), Counter[tuple[int, str]]()
    with duckdb.connect() as con:
        for batch in packed.batches(70):
            con.register("swept", batch)
            found += Counter(con.execute(packed.relation("swept")).fetchall())

    assert len(expected) > 400
    assert found == expected


def test_a_row_that_is_too_large_is_no_empty_one(source: Source) -> None:
    with pytest.raises(SourceError, match="too large"):
        list(Packed(source, ("stor",), ("a", "b"), SHORTEST).batches(10))
