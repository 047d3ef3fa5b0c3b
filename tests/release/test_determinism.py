"""G12: the same source in any row order gives byte-identical files and manifest, under the same root key."""

import random
import shutil
from pathlib import Path

from tests.release.release_world import World, fill, shop_rows, tree


def test_the_order_of_rows_and_the_number_of_threads_change_nothing(march: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    shutil.copy(march / "keys" / "root.key", tmp_path / "keys")  # under which counts are rounded
    world = World(tmp_path)
    rows = shop_rows()
    for values in rows.values():
        random.Random(1).shuffle(values)
    world.con.execute("SET threads = 1")
    fill(world.con, rows)
    world.publish("2024-03")
    found = tree(world.settings.published / "releases")
    assert found == tree(march / "published" / "releases")
    assert len(found) == 32


def test_nothing_in_a_release_tells_when_or_by_which_run_it_was_made(march: Path) -> None:
    manifest = (march / "published" / "releases" / "2024-03" / "manifest.json").read_text()
    assert "run 1" not in manifest
    assert "published_at" not in manifest
