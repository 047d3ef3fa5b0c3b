"""G12, as far as it goes: the same source in any row order gives byte-identical files and manifest."""

import random
from pathlib import Path

import pytest

from tests.release.release_world import World, fill, shop_rows, tree


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_and_the_number_of_threads_change_nothing(tmp_path: Path, seed: int) -> None:
    made = []
    for name in ("straight", "shuffled"):
        world = World(tmp_path / name)
        rows = shop_rows()
        if name == "shuffled":
            for values in rows.values():
                random.Random(seed).shuffle(values)  # noqa: S311 - order, not secrets
            world.con.execute("SET threads = 1")
            rows["customers"].sort(key=lambda row: row["customer_id"])
        fill(world.con, {**rows, "customers": []})
        fill(world.con, {t: (v if t == "customers" else []) for t, v in rows.items()})
        world.con.execute("UPDATE retention.attribute_decisions SET decision = 'due'")
        world.publish()
        made.append(tree(world.settings.published / "releases"))
    assert made[0] == made[1]
    assert len(made[0]) == 19


def test_nothing_in_a_release_tells_when_or_by_which_run_it_was_made(world: World) -> None:
    world.publish()
    manifest = (world.settings.published / "releases" / "2024-03" / "manifest.json").read_text()
    assert "run 1" not in manifest
    assert "published_at" not in manifest
