"""Rows change by their own keys and by nothing that resembles them, and SQLite tells when somebody else has written."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.enforcement.apply import Change, open_writer
from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.warehouse import keyed

SHOP = """
    CREATE TABLE plain (id TEXT, a TEXT, b TEXT, revision INTEGER DEFAULT 1);
    CREATE TABLE unique_key (id TEXT PRIMARY KEY, a TEXT, b TEXT, revision INTEGER DEFAULT 1);
    CREATE TABLE any_case (id TEXT COLLATE NOCASE, a TEXT, b TEXT, revision INTEGER DEFAULT 1);
    CREATE INDEX by_any_case ON any_case (id);
    CREATE TABLE pairs (id TEXT, second INTEGER, a TEXT, b TEXT, revision INTEGER DEFAULT 1, PRIMARY KEY (id, second));
"""
KEYS = ("k1", "K1", "k2", "1", "01")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as con:
        con.executescript(SHOP)
        for table in ("plain", "unique_key", "any_case"):
            con.executemany(f"INSERT INTO {table} (id, a, b) VALUES (?, 'a', 'b')", [(key,) for key in KEYS])
        con.executemany("INSERT INTO pairs (id, second, a, b) VALUES (?, ?, 'a', 'b')",
                        [(key, second) for key in KEYS for second in (1, 2)])
    con.close()
    return path


@pytest.mark.parametrize("table", ["plain", "unique_key", "any_case"])
def test_only_the_row_of_that_key_changes(shop: Path, table: str) -> None:
    changes = Change((table,), ("id",), (("k1",), ("1",)), ("a", "b"), ((None, "left"), ("one", None)))
    with open_writer(f"sqlite:///{shop}", 1, {(table,): "revision"}) as writer, writer.batch() as batch:
        batch.change(changes)

    with sqlite3.connect(shop) as con:
        found = {row[0]: row[1:] for row in con.execute(f"SELECT id, a, b, revision FROM {table}")}
    con.close()
    assert found == {"k1": (None, "left", 2), "K1": ("a", "b", 1), "k2": ("a", "b", 1), "1": ("one", None, 2),
                     "01": ("a", "b", 1)}


def test_a_key_of_two_columns_is_one_row(shop: Path) -> None:
    changes = Change(("pairs",), ("id", "second"), (("k1", 2), ("k2", 1)), ("b",), ((None,), ("left",)))
    with open_writer(f"sqlite:///{shop}", 1) as writer, writer.batch() as batch:
        batch.change(changes)

    with sqlite3.connect(shop) as con:
        found = con.execute("SELECT id, second, b FROM pairs WHERE b IS NOT 'b' ORDER BY id").fetchall()
    con.close()
    assert found == [("k1", 2, None), ("k2", 1, "left")]


def test_only_what_others_write_moves_the_moment(shop: Path) -> None:
    with open_writer(f"sqlite:///{shop}", 1) as writer:
        before = writer.moment()
        with writer.batch() as batch:
            assert batch.moment() == before
            batch.change(Change(("plain",), ("id",), (("k1",),), ("a",), ((None,),)))
        assert writer.moment() == before is not None
        with sqlite3.connect(shop) as other:
            assert writer.moment() == before
            other.execute("UPDATE plain SET a = 'new' WHERE id = 'k2'")
        other.close()
        with writer.batch() as batch:
            assert batch.moment() != before


def test_a_file_that_took_its_place_is_another_moment(shop: Path) -> None:
    with open_writer(f"sqlite:///{shop}", 1) as writer:
        before = writer.moment()
        restored = shop.with_suffix(".restored")
        restored.write_bytes(shop.read_bytes())
        restored.replace(shop)
        assert writer.moment() != before
        with writer.batch() as batch:
            batch.change(Change(("plain",), ("id",), (("k1",),), ("a",), ((None,),)))

    with sqlite3.connect(shop) as con:
        assert con.execute("SELECT a FROM plain WHERE id = 'k1'").fetchall() == [(None,)]
    con.close()


def test_a_file_that_is_gone_is_told_and_not_made_anew(shop: Path) -> None:
    with open_writer(f"sqlite:///{shop}", 1) as writer:
        writer.moment()
        shop.unlink()
        with pytest.raises(SourceError, match=r"shop\.db"), writer.batch():
            pass
    assert not shop.exists()


@pytest.mark.parametrize("type_", ["NUMERIC", "DECIMAL(10,0)", "REAL"])
def test_rows_are_found_by_keys_in_a_column_of_numbers(shop: Path, type_: str) -> None:
    """SQLite keeps a text there that is no number, and finds a number by no text."""
    with sqlite3.connect(shop) as con:
        con.execute(f"CREATE TABLE numbers (id {type_} PRIMARY KEY, a TEXT)")
        con.executemany("INSERT INTO numbers VALUES (?, 'a')", [(1,), (2,), (2.5,), ("x1",), (40000,)])
        stored = [row[0] for row in con.execute("SELECT CAST(id AS TEXT) FROM numbers ORDER BY rowid")]
    con.close()
    with open_writer(f"sqlite:///{shop}", 1) as writer, writer.batch() as batch:
        found = batch.rows(("numbers",), ("id",), [(key,) for key in (*stored, "7", "1_0", "nan")], ("id", "a"))

    assert sorted(str(row[0]) for row in found) == sorted(stored)
    assert len(stored) == 5


@pytest.mark.parametrize(("table", "told"), [("plain", True), ("unique_key", True), ("any_case", False)])
def test_what_is_compared_by_bytes_is_told_by_the_catalogue(shop: Path, table: str, told: bool) -> None:
    """A column with a collation of its own finds k1 by K1: whoever reads it holds the bytes against each other, too."""
    with open_writer(f"sqlite:///{shop}", 1) as writer, writer.batch() as batch:
        assert writer.table((table,)).info[keyed.BY_BYTES] is told
        assert sorted(batch.rows((table,), ("id",), [("K1",), ("1",), ("K9",)], ("id",))) == [("1",), ("K1",)]


def test_a_table_that_was_made_anew_between_two_batches_is_looked_at_again(shop: Path) -> None:
    keys = Change(("plain",), ("id",), (("k1",),), ("a",), ((None,),))
    with open_writer(f"sqlite:///{shop}", 1) as writer:
        with writer.batch() as batch:
            assert batch.rows(("plain",), ("id",), [("k2",)], ("id",)) == [("k2",)]
            batch.change(keys)
        with sqlite3.connect(shop) as other:
            other.executescript("ALTER TABLE plain RENAME TO old; CREATE TABLE plain (id TEXT COLLATE NOCASE, a TEXT);"
                                "INSERT INTO plain SELECT id, 'new' FROM old; DROP TABLE old")
        other.close()
        with writer.batch() as batch:
            assert batch.rows(("plain",), ("id",), [("k1",)], ("id",)) == [("k1",)]
            batch.change(keys)

    with sqlite3.connect(shop) as con:
        assert con.execute("SELECT id FROM plain WHERE a IS NULL").fetchall() == [("k1",)]
    con.close()


def test_a_full_disk_is_called_one(shop: Path) -> None:
    """Whoever is told of rights that lack looks for them in vain."""
    with open_writer(f"sqlite:///{shop}", 5) as writer:
        sa.event.listen(sa.Engine, "connect", _has_no_room)
        try:
            with pytest.raises(SourceError, match="its disk is full; make room there, and run again"):
                writer.make_marker()
        finally:
            sa.event.remove(sa.Engine, "connect", _has_no_room)
        writer.close()
        writer.make_marker()


def _has_no_room(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA max_page_count = 1")  # which is as many as there are
