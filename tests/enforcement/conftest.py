"""The small shops of these tests at each stage of a plan's life, made once for a worker."""

import shutil
from pathlib import Path

import pytest

from ajprivacy_pipeline.settings import NOTICE
from tests.enforcement.enforcement_world import World
from tests.enforcement.guarded_shop import guarded_world
from tests.enforcement.kept import Kept
from tests.enforcement.keyed_shop import in_small_batches, keyed_world


def _own_notice(folder: Path) -> str:
    """A copy of the policy, for a test to change."""
    shutil.copytree(NOTICE, folder / "notice")
    return str(folder / "notice")


@pytest.fixture(scope="session")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The keyed shop."""
    return Kept(tmp_path_factory.mktemp("keyed"), lambda folder: keyed_world(
        folder, f"sqlite:///{folder / 'shop.db'}", AJPRIVACY_NOTICE=_own_notice(folder)))


@pytest.fixture(scope="session")
def one_by_one(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The keyed shop, one person a batch."""
    return Kept(tmp_path_factory.mktemp("one_by_one"),
                lambda folder: in_small_batches(folder, f"sqlite:///{folder / 'shop.db'}"))


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The guarded shop; its warehouse of before stands beside it."""
    def make(folder: Path) -> World:
        world = guarded_world(folder, f"sqlite:///{folder / 'shop.db'}", AJPRIVACY_NOTICE=_own_notice(folder))
        shutil.copy(folder / "shop.db", folder / "before.db")
        return world
    return Kept(tmp_path_factory.mktemp("guarded"), make)
