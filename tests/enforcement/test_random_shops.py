"""Many made-up shops, with every kind of odd value, carried out: exactly what the specification says, cell for cell."""

import random
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.enforcement.approve import approve
from ajprivacy_pipeline.policy import read_texts
from ajprivacy_pipeline.policy.sources import SourceColumn
from ajprivacy_pipeline.run.month import MonthRun, open_month
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage.catalogue import layer_models
from tests.enforcement.enforcement_world import MONTH, Cells, Decision, World, changed, empty_database
from tests.enforcement.expected import bare, expected
from tests.oracle.batch import IDS, named_shop
from tests.oracle.drawing import TOMBSTONES
from tests.oracle.shops import random_shop

POSTAL_CODES = ("0150", " 0150 ", "9", "123", "01500", "N-0150", "SW1A 1AA", "\u00a04015", "", "７０３０", "1 23")
COUNTRIES = (None, "", "NO", "norge", " Norway ", "Sverige", "SE", "Noreg")
Merged = dict[str, list[dict[str, Any]]]


def shops(seeds: range, *, faults: bool = True) -> Merged:
    """Small shops in one, under names of their own; every table is there, so that nothing is missing as evidence."""
    merged: Merged = {}
    for seed in seeds:
        shop, _ = random_shop(seed, MONTH, faults)
        pick = random.Random(seed).choice
        for table, rows in named_shop(shop, f"s{seed}~", set(TOMBSTONES)).items():
            for row in rows:
                row |= {column: pick(POSTAL_CODES) for column in row if column.endswith("postal_code")}
                if table == "customers":
                    row["country"] = pick(COUNTRIES)
                if not (table == "customers" and row["customer_id"] in TOMBSTONES):
                    merged.setdefault(table, []).append(row)
    return merged


def _text(_table: str, _column: str, _spec: SourceColumn) -> sa.types.TypeEngine[Any]:
    return sa.String(200)


def world_of(folder: Path, url: str, merged: Merged, type_of: Callable[..., sa.types.TypeEngine[Any]] = _text,
             mapping: str | None = None) -> World:
    """A world over the shops, in columns of text or of some types by table, column and what the contract says of it."""
    notice = folder / "notice"
    notice.mkdir()
    for name, text in read_texts(NOTICE).items():
        (notice / name).write_text(text.replace("first_orphan_share = 0.2", "first_orphan_share = 1.0"),
                                   encoding="utf-8")
    env = {"AJPRIVACY_NOTICE": str(notice), "AJPRIVACY_THREADS": "2"}
    if mapping is not None:
        (folder / "mapping.toml").write_text(mapping, encoding="utf-8")
        env["AJPRIVACY_MAPPING"] = str(folder / "mapping.toml")
    world = World(folder / "home", url, **env)
    metadata = sa.MetaData()
    engine = sa.create_engine(url)
    for name, table in world.policy.sources.tables.items():
        made = sa.Table(name, metadata, *(sa.Column(
            column, type_of(name, column, spec), primary_key=column == table.key[0] and len(table.key) == 1)
            for column, spec in table.columns.items()))
        made.create(engine)
        rows = [{column: row.get(column) for column in table.columns} for row in merged.get(name, [])]
        if rows:
            with engine.begin() as connection:
                connection.execute(sa.insert(made), rows)
    engine.dispose()
    return world


Parts = set[tuple[str, str, str]]


def _due_today(world: World) -> Parts:
    """What is due by the facts of today as well, where what keeps or freezes is looked at."""
    with open_month(world.settings, MONTH, "today") as run:
        run_decisions(run)
        run.judge_on(today("Europe/Oslo"))
        for model in layer_models(run.catalogue, ("retention",)):
            run.model(model.name)
        rows = run.con.execute("SELECT entity, record_id, part FROM retention.due").fetchall()
    return {("subject", f"{entity[:-1]}:{key}", part) if entity in ("customers", "contacts") else (entity, key, part)
            for entity, key, part in rows}


def _decided(world: World) -> tuple[dict[tuple[str, str, str], Decision], Parts]:
    """What is decided, and what waits.

    The latter are subscriptions whose period is still open, and links that somebody else's purpose rests on: whether
    these are all is told by everybody's decisions afterwards, since nobody's date may have moved.
    """
    waiting: Parts = set()

    def steps(run: MonthRun) -> None:
        run_decisions(run)
        run.finish()
        waiting.update(run.con.execute(
            "SELECT 'newsletter_subscriptions', subscription_id, 'email' FROM staged.newsletter_subscriptions "
            "WHERE unsubscribed_on = $day UNION ALL SELECT entity, record_id, "
            "CASE entity WHEN 'orders' THEN 'link' ELSE 'content' END FROM retention.relied_on",
            {"day": date(2026, 11, 1)}).fetchall())

    return world.run(MONTH, steps), waiting


def _lending(cells: Cells, told: dict[tuple[str, str, str], Decision]) -> Parts:
    """The cases that messages without ids have their subject from, and that are not carried out."""
    rows = {bare(key): {column: bare(value) if isinstance(value, str) else value for column, value in row.items()}
            for key, row in cells["communications"].items()}
    return {("cases", str(row["case_id"]), "content") for key, row in rows.items()
            if row["case_id"] and not row["customer_id"] and not row["contact_id"]
            and told["communications", key, "content"][0] in ("retain", "hold")
            and ("cases", str(row["case_id"]), "content") in told}


def carried_out(world: World, named: Callable[[str], str] = str) -> dict[tuple[str, str, str], Decision]:
    """What was decided, after everything that was due ended cell for cell as it should, and only that.

    `named` says the shops' own ids of the world's.
    """
    def cells() -> Cells:
        return {table: {bare(named(key)) or named(key): {
            column: value if value is None or column not in IDS else named(str(value)) for column, value in row.items()}
            for key, row in rows.items()} for table, rows in world.cells().items()}

    def of_shops(part: tuple[str, str, str]) -> tuple[str, str, str]:
        kind, is_subject, key = part[1].rpartition(":") if part[0] == "subject" else ("", "", part[1])
        return part[0], f"{kind}{is_subject}{named(key)}", part[2]

    going = {of_shops(part) for part in _due_today(world)}
    decisions, waiting = _decided(world)
    decisions, waiting = {of_shops(part): one for part, one in decisions.items()}, set(map(of_shops, waiting))
    told: dict[tuple[str, str, str], Decision] = {
        key: ("retain", None) if decision == "due" and key not in going else (decision, due_on)
        for key, (decision, due_on) in decisions.items()}
    before = cells()
    plan = world.plan()
    assert not plan["refused"]
    assert plan["rows"] == sum(decision == "due" for decision, _ in decisions.values()) - sum(
        row["rows"] for row in plan["waiting"])
    told |= {key: ("retain", None) for key in waiting if told[key][0] == "due"}
    told |= {key: ("retain", None) for key in _lending(before, told) if told[key][0] == "due"}
    approve(world.settings, str(plan["plan"]), "Ada", release_brake=True)
    result = world.apply(str(plan["plan"]))
    assert result["verified"]
    after = cells()
    now = {cell: becomes for cell, (_, becomes) in changed(before, after).items()}
    wanted = expected(before, told)
    assert {cell: (now.get(cell, "as it was"), wanted.get(cell, "stays")) for cell in now.keys() ^ wanted.keys()} == {}
    assert now == wanted
    assert sum(row["rows"] for row in result["dropped"]) == plan["rows"] - result["applied"]
    again = {of_shops(part): one for part, one in world.decide().items()}
    gone = {key for key, (decision, _) in told.items() if decision == "due"}
    for key, decision in decisions.items():
        if key in gone:
            assert again.get(key, ("absent", None)) == ("absent", None), key
        else:
            assert again.get(key) == decision, key
    second = world.apply(result["plan"])
    assert (second["applied"], second["already"]) == (0, result["applied"])
    return decisions


@pytest.mark.soak
def test_forty_shops_end_as_specified(tmp_path: Path) -> None:
    carried_out(world_of(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", shops(range(40))))


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
@pytest.mark.parametrize("first", range(0, 1100, 100))
def test_many_shops_end_as_specified(kind: str, first: int, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = empty_database(kind, request, tmp_path, "random")
    carried_out(world_of(tmp_path, url, shops(range(first, first + 100))))
