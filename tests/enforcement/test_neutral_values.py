"""What an earlier version of the policy left in a column that takes no NULL is empty, and in any other it is a name."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.policy import read_texts
from ajprivacy_pipeline.settings import NOTICE
from tests.enforcement.enforcement_world import World
from tests.enforcement.kept import Kept
from tests.enforcement.keyed_shop import keyed_world


def _policy(folder: Path, name: str, email: str) -> str:
    """A policy whose neutral values are others."""
    folder.mkdir(exist_ok=True)
    for file, text in read_texts(NOTICE).items():
        (folder / file).write_text(text.replace('"Anonymised', f'"{name}').replace('"anonymised-{key}@', f'"{email}@'),
                                   encoding="utf-8")
    return str(folder)


def _values(world: World) -> list[tuple[str, str]]:
    """What the decisions say that Per (4) and Anne (31) still have."""
    return sorted((key, part) for (_, key, part), (decision, _) in world.decide().items()
                  if decision != "absent" and key in ("customer:4", "contact:31"))


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The keyed shop under an earlier policy."""
    return Kept(tmp_path_factory.mktemp("earlier"), lambda folder: keyed_world(
        folder, f"sqlite:///{folder / 'shop.db'}", AJPRIVACY_NOTICE=_policy(folder / "notice", "Borte", "borte-{key}")))


def _today(world: World) -> None:
    """Its policy becomes another one."""
    _policy(Path(world.env["AJPRIVACY_NOTICE"]), "Fjernet", "fjernet-{key}")


@pytest.mark.soak
def test_a_new_neutral_value_makes_nobody_due_again(earlier: Kept) -> None:
    world = earlier.applied()
    with world.connection() as connection:
        left = connection.exec_driver_sql("SELECT nr, navn, epost FROM kunde WHERE nr IN (1, 4)").fetchall()
    assert [tuple(row) for row in left] == [(1, "Borte", "borte-1@example.invalid"),
                                            (4, "Borte", "borte-4@example.invalid")]
    assert _values(world) == []

    _today(world)
    assert _values(world) == []
    assert world.plan()["rows"] == 0

    world.execute("UPDATE kunde SET navn = 'Fjernet', epost = 'borte-2@example.invalid' WHERE nr = 4")
    assert _values(world) == [("customer:4", "email")]  # another row's key: that is an address like any other
    world.execute("UPDATE kunde SET navn = 'Aldri', epost = 'fjernet-4@example.invalid' WHERE nr = 4")
    assert _values(world) == [("customer:4", "name")]  # no version of the policy has ever left that


@pytest.mark.soak
def test_in_a_column_that_takes_null_it_is_a_name(earlier: Kept) -> None:
    world = earlier.applied()
    _today(world)
    world.execute("UPDATE kontakt SET navn = 'Borte' WHERE nr = 31")
    assert _values(world) == [("contact:31", "name")]
