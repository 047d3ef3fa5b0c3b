"""Shops in which most people ordered once get their microdata: bands drawn anew, a share of the table's own entropy."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.release import microdata, microdata_bands
from ajprivacy_pipeline.release.microdata_recoding import PUBLIC
from ajprivacy_pipeline.settings import NOTICE
from tests.pycanon_says import assert_agrees
from tests.release.ordinary_shop import extraction, filled, made, rows_of


def one_group() -> Policy:
    """The shipped policy with one control group, whatever it finds, where a test looks at something else."""
    policy = load_policy(NOTICE)
    loose = policy.release.microdata.model_copy(update={"control_people": 1, "advantage_percent": 100})
    return policy.model_copy(update={"release": policy.release.model_copy(update={"microdata": loose})})


@pytest.mark.soak
@pytest.mark.parametrize("count", [500, pytest.param(2000, marks=pytest.mark.soak)])
def test_a_shop_where_seven_of_ten_ordered_once_gets_its_microdata(tmp_path: Path, count: int) -> None:
    world = filled(tmp_path, rows_of(count))
    snapshot = made(world)
    assert snapshot.month is not None, snapshot.reason
    assert all(verdict.passed for verdict in (snapshot.size, snapshot.left_out, *snapshot.verdicts) if verdict)
    assert snapshot.said["bands"]["orders_band"] == ["0-1", "2", "3+"]
    assert not snapshot.columns.absent
    rows = world.con.execute(f"SELECT count(*) FROM {PUBLIC}").fetchall()
    assert rows == [(count,)], "nothing is left out"
    nothing = " AND ".join(f"{name} = '*'" for name in world.policy.quasi_identifiers)
    silent = world.con.execute(f"SELECT count(*) FROM {PUBLIC} WHERE {nothing}").fetchall()[0][0]
    assert silent <= count // 20
    assert_agrees(world.con, PUBLIC, snapshot.columns.of(world.policy))


@pytest.mark.soak
def test_no_class_of_a_drawn_column_may_have_less_than_the_share(tmp_path: Path) -> None:
    """A class of the commonest value but for one of each other: distinct enough, far less mixed than the table."""
    world = filled(tmp_path, rows_of(500), one_group())
    snapshot = made(world)
    shown = snapshot.columns.of(world.policy)
    asked = microdata.conditions(shown)
    quasi = [tree.column for tree in microdata.hierarchies(shown)]
    _, before = microdata.check_classes(world.con, "t", PUBLIC, quasi, asked, 10)
    assert before.passed
    keys = ", ".join(quasi)
    world.con.execute(
        "UPDATE temp.public_microdata AS t SET orders_band = CASE WHEN place = 1 THEN '2' WHEN place = 2 THEN '3+' "
        f"ELSE '0-1' END FROM (SELECT rowid AS row, row_number() OVER () AS place FROM {PUBLIC} WHERE ({keys}) = "
        f"(SELECT ({keys}) FROM {PUBLIC} GROUP BY {keys} ORDER BY count(*) DESC, {keys} LIMIT 1)) AS spoilt "
        "WHERE t.rowid = spoilt.row")
    _, after = microdata.check_classes(world.con, "t", PUBLIC, quasi, asked, 10)
    assert any("t.orders_band: 1 classes with entropy l below" in text for text in after.violations)


def test_what_the_source_cannot_give_and_what_has_too_few_bands_is_absent(tmp_path: Path) -> None:
    """Nobody ordered twice, and there are no prices: only the last order is left to say."""
    rows = rows_of(500, once=1.0)
    for line in rows["order_lines"]:
        line["unit_price"] = None
    world = filled(tmp_path, rows, one_group())
    extraction(world.con, {"order_lines": ["unit_price"]})
    snapshot = made(world)
    assert snapshot.columns.absent == {
        "orders_band": "there are no 3 bands of at least 10 people each",
        "spend_band": "the warehouse has no order_lines.unit_price"}
    assert snapshot.month is not None, snapshot.reason
    columns = {row[0] for row in world.con.execute(f"DESCRIBE {PUBLIC}").fetchall()}
    assert "last_order_band" in columns
    assert not {"orders_band", "spend_band"} & columns


def test_the_policys_bands_stay_where_they_tell_people_apart(tmp_path: Path) -> None:
    world = filled(tmp_path, rows_of(300, once=0.2))
    asked = world.policy.release.microdata.sensitive
    world.con.execute("UPDATE anonymous.microdata_figures SET orders = person % 5 * 3, spend = 10 ** (person % 6)")
    found = microdata_bands.choose(world.con, world.policy)
    assert not found.drawn
    assert found.of(world.policy).release.microdata.sensitive == asked
    world.con.execute("UPDATE anonymous.microdata_figures SET orders = 1 WHERE person % 10 < 7")
    assert set(microdata_bands.choose(world.con, world.policy).drawn) == {"orders_band"}


def test_a_repeated_table_keeps_its_bands_and_columns() -> None:
    said = {"bands": {"orders_band": ["0-1", "2", "3+"]}, "absent": {"spend_band": "no prices"}}
    columns = microdata_bands.Columns.repeated(said)
    shown = columns.of(load_policy(NOTICE)).release
    assert shown.microdata.sensitive["orders_band"].order == ("0-1", "2", "3+")
    assert "spend_band" not in shown.microdata.sensitive
    assert "spend_band" not in shown.tables["customers_microdata"].columns
    assert columns.said == said
