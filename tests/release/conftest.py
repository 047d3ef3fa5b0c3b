"""Fixtures of the release's tests: a filled shop with a home of its own, with and without a release."""

import shutil
from pathlib import Path

import pytest

from tests.release.release_world import World, fill, shop_rows


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The small shop up to March 2024, nothing published yet."""
    made = World(tmp_path)
    fill(made.con, shop_rows())
    return made


@pytest.fixture(scope="session")
def march(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the release of March 2024, to be copied and left alone."""
    home = tmp_path_factory.mktemp("march")
    made = World(home)
    fill(made.con, shop_rows())
    made.publish("2024-03")
    return home


@pytest.fixture
def published(march: Path, tmp_path: Path) -> World:
    """A home of its own with the release of March 2024, and the shop up to May."""
    shutil.copytree(march, tmp_path, dirs_exist_ok=True)
    made = World(tmp_path, sql=tmp_path / "sql")
    fill(made.con, shop_rows("2024-05"))
    return made
