"""Fixtures of the release's tests: a filled shop with a home of its own, with and without a release."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.release.release_world import World, fill, shop_rows


@pytest.fixture(scope="module")
def left_out() -> tuple[str, ...]:
    """The public tables that the shop does not publish; a module that needs few of them says which."""
    return ()


@pytest.fixture
def world(tmp_path: Path, left_out: tuple[str, ...]) -> World:
    """The small shop up to March 2024, nothing published yet."""
    made = World(tmp_path, left_out=left_out)
    fill(made.con, shop_rows())
    return made


@pytest.fixture(scope="session")
def marches(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[str, ...]], Path]:
    """Makes a home with the release of March 2024, once for the same tables."""
    @cache
    def made(left_out: tuple[str, ...]) -> Path:
        home = tmp_path_factory.mktemp("march")
        world = World(home, left_out=left_out)
        fill(world.con, shop_rows())
        world.publish("2024-03")
        return home

    return made


@pytest.fixture
def march(marches: Callable[[tuple[str, ...]], Path], left_out: tuple[str, ...]) -> Path:
    """A home with the release of March 2024, to be copied and left alone."""
    return marches(left_out)


@pytest.fixture
def published(march: Path, tmp_path: Path, left_out: tuple[str, ...]) -> World:
    """A home of its own with the release of March 2024, and the shop up to May."""
    shutil.copytree(march, tmp_path, dirs_exist_ok=True)
    made = World(tmp_path, sql=tmp_path / "sql", left_out=left_out)
    fill(made.con, shop_rows("2024-05"))
    return made
