"""Batches are written off for a restored warehouse alone: one that is empty, another one or elsewhere is refused."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from ajprivacy_pipeline.cli import main as cli
from ajprivacy_pipeline.enforcement.ledger import open_ledger
from ajprivacy_pipeline.enforcement.plans import find_plan
from ajprivacy_pipeline.enforcement.recover import recover
from ajprivacy_pipeline.errors import EnforcementError, PrivacyError
from tests.enforcement.enforcement_world import World, empty_database
from tests.enforcement.kept import Kept
from tests.enforcement.keyed_shop import keyed_world

NOBODY = "none of the people from whom they took something"
TABLES = ("linje", "ordre", "kontakt", "kunde", "vare")


def told(world: World) -> tuple[list[str], str]:
    """What a refusal may not change: the ledger's entries, and the state of the plan."""
    entries = open_ledger(world.settings).entries()
    plan = next(entry.body["plan"] for entry in entries if entry.kind == "approved")
    return [entry.hash for entry in entries], find_plan(world.control, plan).state(14)


def emptied(world: World, *tables: str) -> None:
    for table in (*tables, "ajprivacy_batches"):
        world.execute(f"DELETE FROM {table}")


def refused(world: World, said: str) -> None:
    before = told(world)
    with pytest.raises(EnforcementError, match=said) as failure:
        recover(world.settings, "Ada")
    assert "nothing was written off" in str(failure.value)
    assert told(world) == before


def test_an_empty_warehouse_is_no_restored_one(keyed: Kept) -> None:
    world = keyed.applied()
    emptied(world, *TABLES)
    refused(world, NOBODY)


def test_nor_is_one_of_other_people(keyed: Kept) -> None:
    """It has every table, and customers enough; of the contact that was carried out it has the number of a customer."""
    world = keyed.applied()
    emptied(world, "linje", "ordre", "kontakt")
    world.execute("UPDATE kunde SET nr = nr + 30")
    refused(world, NOBODY)


@pytest.mark.parametrize("left", ["kunde", "kontakt"])
def test_one_person_of_the_batches_is_enough(keyed: Kept, left: str) -> None:
    """A backup is older than some of them."""
    world, plan = keyed.applied(), keyed.plan
    emptied(world, "linje", "ordre", *({"kunde", "kontakt"} - {left}))
    world.execute(f"DELETE FROM {left} WHERE nr NOT IN (4, 31)")
    assert recover(world.settings, "Ada") == {plan: [1]}


@pytest.mark.parametrize("holds", [True, False])
def test_when_nobody_can_be_told_any_more_the_tables_must_hold_rows(keyed: Kept, holds: bool) -> None:
    world, plan = keyed.applied(), keyed.plan
    assert open_ledger(world.settings).forget_years(date(2100, 1, 1), 5)
    emptied(world, *(() if holds else TABLES))
    if holds:
        assert recover(world.settings, "Ada") == {plan: [1]}
    else:
        refused(world, "no row in any of the tables that they changed")


def test_a_warehouse_at_another_address_is_taken_for_another_one_unless_somebody_says_so(
        keyed: Kept, tmp_path: Path) -> None:
    """A copy for tests has the same people under the same numbers."""
    world, plan = keyed.applied(), keyed.plan
    shop = Path(world.url.removeprefix("sqlite:///"))
    other = World(Path(world.env["AJPRIVACY_HOME"]), f"sqlite:///{tmp_path / 'other.db'}", **{
        name: value for name, value in world.env.items() if name not in ("AJPRIVACY_HOME", "AJPRIVACY_WAREHOUSE")})
    shutil.copy(shop, tmp_path / "other.db")
    assert recover(other.settings, "Ada") == {}  # it lacks nothing
    emptied(other)
    refused(other, "at another address")
    assert recover(world.settings, "Ada", moved=True) == {}
    assert recover(other.settings, "Ada", moved=True) == {plan: [1]}
    assert [entry.body.get("moved") for entry in open_ledger(world.settings).entries()
            if entry.kind == "undone_by_restore"] == [True]


def test_moved_or_not_it_must_hold_its_people(keyed: Kept) -> None:
    world, plan = keyed.applied(), keyed.plan
    emptied(world, *TABLES)
    with pytest.raises(EnforcementError, match=NOBODY):
        recover(world.settings, "Ada", moved=True)
    keyed.applied().execute("DELETE FROM ajprivacy_batches")
    assert recover(world.settings, "Ada", moved=True) == {plan: [1]}
    assert "moved" not in open_ledger(world.settings).entries()[-2].body  # it was not


def test_one_without_the_tables_of_the_mapping_is_refused(keyed: Kept) -> None:
    world = keyed.applied()
    for table in (*TABLES, "ajprivacy_batches"):
        world.execute(f"DROP TABLE {table}")
    before = told(world)
    with pytest.raises(PrivacyError):
        recover(world.settings, "Ada")
    assert told(world) == before


def test_a_restored_home_is_another_matter(keyed: Kept, tmp_path: Path) -> None:
    """The warehouse has more than its ledger: nothing is written off, and no further plan is carried out."""
    world = keyed.decided()
    made = world.plan()
    home = world.settings.home
    shutil.copytree(home, tmp_path / "backup")
    world.apply(world.approved(made))
    shutil.rmtree(home)
    shutil.copytree(tmp_path / "backup", home)
    assert recover(world.settings, "Ada") == {}
    with pytest.raises(EnforcementError, match="that nobody approved here"):
        world.apply(world.approved(world.plan()))


def test_the_command_says_so_in_one_sentence(keyed: Kept, monkeypatch: pytest.MonkeyPatch,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    world = keyed.applied()
    emptied(world, *TABLES)
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["ajprivacy", "plan", "recover", "--by", "Ada"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out, said.err.count("\n"), NOBODY in said.err) == (2, "", 1, True), said.err


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_servers_are_asked_alike(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    world = keyed_world(tmp_path, empty_database(kind, request, tmp_path, "recovered"))
    world.decide()
    plan = world.approved()
    world.apply(plan)
    world.execute("DELETE FROM ajprivacy_batches")
    world.execute("CREATE TABLE aside AS SELECT * FROM kunde")
    for table in TABLES[:-1]:
        world.execute(f"DELETE FROM {table}")
    refused(world, NOBODY)
    world.execute("INSERT INTO kunde SELECT * FROM aside")
    assert recover(world.settings, "Ada") == {plan: [1]}
