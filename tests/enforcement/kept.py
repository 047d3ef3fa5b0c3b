"""Worlds that take seconds to make: made once for a worker, and brought back as they were for each test.

Each comes back to the place where it was made, since a plan is one of a warehouse at an address. A test may do with it
whatever it likes; the next one finds it as it was.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from ajprivacy_pipeline.enforcement.shapes import ApplyResult
from tests.enforcement.enforcement_world import Cells, Decision, World


class Kept:
    """A world over an SQLite file inside its own folder, at each of the four stages of a plan's life."""

    decisions: dict[tuple[str, str, str], Decision]  # known from `decided` on
    plan: str  # from `approved` on
    result: ApplyResult  # from `applied` on
    after: Cells

    def __init__(self, folder: Path, make: Callable[[Path], World]) -> None:
        """Make nothing yet.

        Args:
            folder: for this world alone; it exists.
            make: makes the world, not decided, inside a folder.
        """
        self._live, self._folder, self._make = folder / "live", folder, make

    def made(self) -> World:
        """The warehouse, and a home in which nothing was decided yet."""
        return self._back("made", lambda: None)

    def decided(self) -> World:
        """The month is decided."""
        def decide() -> None:
            self.decisions = self.made().decide()
        return self._back("decided", decide)

    def approved(self) -> World:
        """Its plan is approved: `plan`."""
        def approve() -> None:
            self.plan = self.decided().approved()
        return self._back("approved", approve)

    def applied(self) -> World:
        """That plan is carried out."""
        def apply() -> None:
            world = self.approved()
            self.result = world.apply(self.plan)
            self.after = world.cells()
        return self._back("applied", apply)

    def at(self, stage: str, reach: Callable[[], object]) -> World:
        """A stage of some tests' own, by a name of theirs alone; `reach` goes there once, from one of the above."""
        return self._back(stage, reach)

    def _back(self, stage: str, reach: Callable[[], object]) -> World:
        kept = self._folder / stage
        if not kept.exists():
            if stage == "made":
                self._live.mkdir()
                self._env = dict(self._make(self._live).env)
            reach()
            shutil.copytree(self._live, kept)
        else:
            shutil.rmtree(self._live)
            shutil.copytree(kept, self._live)
        env = dict(self._env)
        return World(Path(env.pop("AJPRIVACY_HOME")), env.pop("AJPRIVACY_WAREHOUSE"), **env)
