"""Beside a batch that writes much others go on reading, and so does the batch itself, from tables it meets late."""

import sqlite3
from pathlib import Path

from ajprivacy_pipeline.enforcement.apply import open_writer
from ajprivacy_pipeline.warehouse.writer import Change

ROWS = 30_000  # more than the database holds back in memory by itself


def test_a_large_batch_keeps_nobody_from_reading_until_it_commits(tmp_path: Path) -> None:
    shop = tmp_path / "shop.db"
    with sqlite3.connect(shop) as setup:
        setup.execute("CREATE TABLE visit (id TEXT PRIMARY KEY, address TEXT)")
        setup.executemany("INSERT INTO visit VALUES (?, ?)", ((f"v{i}", "x" * 200) for i in range(ROWS)))
        setup.execute("CREATE TABLE copied (id TEXT PRIMARY KEY)")
        setup.execute("INSERT INTO copied VALUES ('c1')")
    setup.close()
    other = sqlite3.connect(shop, timeout=0.1)
    gone = "SELECT count(*) FROM visit WHERE address IS NULL"
    with open_writer(f"sqlite:///{shop}", 0.1) as writer, writer.batch() as batch:
        batch.change(Change(("visit",), ("id",), tuple((f"v{i}",) for i in range(ROWS)),
                            ("address",), ((None,),) * ROWS))
        assert other.execute(gone).fetchall() == [(0,)]
        assert batch.read(("copied",), ["id"], [("c1",)], ["id"]) == [{"id": "c1"}]
    assert other.execute(gone).fetchall() == [(ROWS,)]
    other.close()
