"""The backup that docs/deployment.md tells to make is enough to go on publishing from."""

import re
import shutil
import tarfile
from pathlib import Path

from ajprivacy_pipeline.settings import CHECKOUT
from tests.release.release_world import World, all_but, fill, shop_rows

DOCUMENT = CHECKOUT / "docs" / "deployment.md"
LEFT_OUT = all_but("sales_monthly")


def test_a_restored_home_publishes_the_next_month(tmp_path: Path) -> None:
    """Releases are checked against the ledger of what was published, which lies in the restricted zone."""
    home = World(tmp_path / "home", left_out=LEFT_OUT)
    fill(home.con, shop_rows())
    home.publish("2024-03")
    command = re.search(r"    tar --create .*--directory \S+ (.+)\n", DOCUMENT.read_text(encoding="utf-8"))
    assert command
    with tarfile.open(tmp_path / "backup.tar", "w") as backup:
        for name in command[1].split():
            if (home.settings.home / name).exists():
                backup.add(home.settings.home / name, name)
    shutil.rmtree(home.settings.home)
    with tarfile.open(tmp_path / "backup.tar") as backup:
        backup.extractall(home.settings.home, filter="fully_trusted")  # noqa: S202 - what was packed above

    restored = World(tmp_path / "home", left_out=LEFT_OUT)
    fill(restored.con, shop_rows("2024-04"))
    restored.publish("2024-04")
    assert [row["month"] for row in restored.control.releases()] == ["2024-03", "2024-04"]
