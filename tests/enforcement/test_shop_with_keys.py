"""A shop with numbers for ids, foreign keys, NOT NULL and unique columns, under its own names, on three databases."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import MappingError
from tests.enforcement.enforcement_world import ONE_QUICK, World, empty_database
from tests.enforcement.kept import Kept
from tests.enforcement.keyed_shop import keyed_world


@pytest.fixture(params=ONE_QUICK)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """The shop under the product's mapping."""
    url = empty_database(request.param, request, tmp_path, "keyed")
    return keyed_world(tmp_path, url)


def test_people_go_and_what_points_to_them_points_to_nobody(world: World) -> None:
    """A version is raised where a row changes and nowhere else: whoever saves what was read before then fails."""
    world.execute("ALTER TABLE kunde ADD COLUMN endring integer")
    world.execute("UPDATE kunde SET endring = 7 WHERE nr <> 4")
    mapping = Path(world.env["AJPRIVACY_MAPPING"])
    mapping.write_text(mapping.read_text().replace('table = "kunde"\n', 'table = "kunde"\nversion = "Endring"\n'))
    world.decide()
    result = world.apply(world.approved())
    assert result["verified"]
    assert result["applied"] == result["planned"] > 0
    with world.connection() as connection:
        people = connection.exec_driver_sql(
            "SELECT nr, slag, navn, epost, merke, endring FROM kunde ORDER BY nr").fetchall()
        contacts = connection.exec_driver_sql("SELECT nr, kunde, navn FROM kontakt ORDER BY nr").fetchall()
        orders = connection.exec_driver_sql(
            "SELECT nr, kunde, kontakt, mottaker, postnr FROM ordre ORDER BY nr").fetchall()
    assert [tuple(row) for row in people if row[0] > 0] == [
        (1, "consumer", "Anonymised", "anonymised-1@example.invalid", None, 8),
        (2, "consumer", "Ola Nordmann", "ola@example.no", "b", 7),
        (3, "business", "Firma", "post@firma.example", None, 8),
        (4, "consumer", "Anonymised", "anonymised-4@example.invalid", None, None)]
    assert [tuple(row)[:2] for row in people if row[0] < 0] == [(-2, "business"), (-1, "consumer")]
    assert [tuple(row) for row in contacts] == [(-4, -2, None), (31, 3, None), (32, 3, "Nils")]
    assert [tuple(row) for row in orders] == [
        (100, -1, None, "Anonymised", "1"), (101, 2, None, "Ola Nordmann", "1234"),
        (102, 3, -4, "Anonymised", "0"), (103, 3, 32, "Nils", "0150"), (104, -1, None, "Anonymised", None)]
    again = world.decide()
    assert not [key for key, (decision, _) in again.items() if decision == "due"]
    assert world.plan()["rows"] == 0


@pytest.mark.parametrize("column", ["nothing", "navn"])
def test_a_version_that_is_no_number_is_refused(keyed: Kept, column: str) -> None:
    world = keyed.decided()
    mapping = Path(world.env["AJPRIVACY_MAPPING"])
    mapping.write_text(mapping.read_text().replace('table = "kunde"\n', f'table = "kunde"\nversion = "{column}"\n'))
    with pytest.raises(MappingError, match=f"customers.version: kunde has no column {column} of whole numbers"):
        world.plan()
