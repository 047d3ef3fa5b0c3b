"""Months that take over what has not changed: what they hold is what reading everything gives, in every table."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.calendar import shift
from ajprivacy_pipeline.run.month import MonthRun, open_month
from ajprivacy_pipeline.run.progress import Progress
from ajprivacy_pipeline.run.steps import run_all, run_decisions
from tests.enforcement.enforcement_world import World, empty_database, sample_shop
from tests.test_month import ROOT_KEY, published

SERVERS = ("postgresql", "mariadb")
FIRST, CUSTOMERS = "2025-11", 300
INCREMENTS = "[increments]\nfull_months = 12\n"
SCHEMAS = ("raw", "staged", "retention")
OF_ITSELF = ("moment", "standing_effects")  # when a run read; tokens under a key of the home
LEAVES = ("web_events", "app_logs", "communications", "newsletter_subscriptions")  # nothing hangs on their rows
Tables = dict[str, tuple[int, Any]]  # of each the number of its rows, and a hash of them all


@dataclass
class Reader:
    """A home over a warehouse, and what it has read of each table in its newest month."""

    world: World
    read: dict[str, int] = field(default_factory=dict)

    def month(self, month: str, steps: Callable[[MonthRun], None] = run_decisions) -> Tables:
        """Run a month by some steps and finish it; returns what it holds."""
        self.read.clear()
        with open_month(self.world.settings, month, f"test {month}", logs=list, report=self._note) as run:
            steps(run)
            if steps is run_decisions:
                run.finish()
            return held(run)

    @property
    def has_taken_over(self) -> bool:
        """Whether it has read what had changed alone, and no answer was in doubt."""
        return any("what has changed" in table for table in self.read) and not any("doubt" in t for t in self.read)

    def _note(self, progress: Progress) -> None:
        if progress.what.startswith("raw."):
            self.read[progress.what.removeprefix("raw.")] = progress.rows or 0


def held(run: MonthRun) -> Tables:
    """Every table of a month that is made of the source, as far as it does not depend on when it was made."""
    names = run.con.execute("SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = "
                            "current_database() AND list_contains($schemas, schema_name) ORDER BY ALL",
                            {"schemas": list(SCHEMAS)}).fetchall()
    return {f"{schema}.{table}": run.con.execute(
        f'SELECT count(*), bit_xor(hash(t)) FROM {schema}."{table}" AS t').fetchall()[0]
        for schema, table in names if table not in OF_ITSELF}


def reader(folder: Path, name: str, url: str, mapping: str) -> Reader:
    """A home of its own over a warehouse, whose keyed hashes are those of every other one here."""
    file = folder / f"{name}.toml"
    file.write_text(mapping)
    return Reader(World(folder / name, url, AJPRIVACY_MAPPING=str(file), AJPRIVACY_ROOT_KEY=ROOT_KEY))


@pytest.fixture(params=SERVERS)
def both(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Reader, Reader]:
    """Two homes over one shop: the first takes over what has not changed, the second reads everything every month."""
    url = empty_database(request.param, request, tmp_path, "increment")
    sample_shop(url, CUSTOMERS, 1, tmp_path)
    return reader(tmp_path, "taking", url, INCREMENTS), reader(tmp_path, "reading", url, "")


def change(world: World, chance: random.Random, share: float = 0.02) -> None:
    """Let rows of every table change at random, as any software changes them, some go, and some come."""
    with world.connection() as connection:
        for name, spec in world.policy.sources.tables.items():
            table = sa.Table(name, sa.MetaData(), autoload_with=connection)
            rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            free = [column for column in table.columns if column.name not in spec.key
                    and column.name not in ("customer_id", "contact_id", "order_id", "product_id")]
            for row in chance.sample(rows, max(1, int(len(rows) * share))) if rows else ():
                where = sa.and_(*(table.c[key] == row[key] for key in spec.key))
                if name in LEAVES and chance.random() < 0.3:
                    connection.execute(table.delete().where(where))
                    continue
                column = chance.choice(free)
                other = chance.choice(rows)[column.name]
                empty = "" if isinstance(other, str) and spec.columns[column.name].type == "text" else None
                allowed = column.nullable and not spec.columns[column.name].required
                value = chance.choice([empty, other, other]) if allowed else other
                connection.execute(table.update().where(where).values({column.name: value}))
                if name in LEAVES and chance.random() < 0.3:
                    connection.execute(table.insert().values({**row, spec.key[0]: f"{row[spec.key[0]]}-{chance.random()}"}))


def test_months_that_change_at_random_hold_what_reading_everything_gives(both: tuple[Reader, Reader]) -> None:
    taking, reading = both
    chance = random.Random(7)
    assert taking.month(FIRST) == reading.month(FIRST)
    assert not taking.has_taken_over
    for later in range(1, 4):
        change(taking.world, chance)
        month = shift(FIRST, later)
        assert taking.month(month) == reading.month(month)
        assert taking.has_taken_over
        assert sum(taking.read.values()) < sum(reading.read.values()) / 2
