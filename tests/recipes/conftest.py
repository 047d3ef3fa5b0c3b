"""One shop of each kind, on the database that it belongs to, mapped by its recipe on the command line."""

from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from ajprivacy_pipeline.cli.main import app
from tests.enforcement.enforcement_world import World, empty_database
from tests.recipes import businesscentral, magento, odoo, prestashop, woocommerce
from tests.recipes.facts import Facts, facts

SHOPS = (woocommerce, magento, prestashop, odoo, businesscentral)


class Made(NamedTuple):
    """A shop, a world over it whose mapping its recipe wrote, and what the command said."""

    shop: ModuleType
    world: World
    said: str


def filled(url: str, shop: ModuleType, found: Facts) -> None:
    """Make a shop's tables and put facts into them."""
    engine = sa.create_engine(url)
    quote = engine.dialect.identifier_preparer.quote_identifier
    with engine.begin() as connection:
        for statement in filter(None, map(str.strip, shop.TABLES.split(";\n"))):
            connection.exec_driver_sql(statement.removesuffix(";"))
        for table, row in shop.rows(shop.held(found)):
            columns = ", ".join(map(quote, row))
            marks = ", ".join(f":c{number}" for number in range(len(row)))
            connection.execute(sa.text(f"INSERT INTO {quote(table)} ({columns}) VALUES ({marks})"),
                               {f"c{number}": value for number, value in enumerate(row.values())})
    engine.dispose()


def init(url: str, home: Path, *arguments: str) -> tuple[int, str]:
    """Run `mapping init` over a warehouse; its exit code, and what it said or which error it raised."""
    done = CliRunner().invoke(app, ["mapping", "init", *arguments],
                              env={"AJPRIVACY_HOME": str(home), "AJPRIVACY_WAREHOUSE": url})
    return done.exit_code, done.output + str(done.exception or "")


@pytest.fixture(scope="module", ids=lambda shop: shop.NAME, params=SHOPS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Each shop, filled and mapped."""
    return mapped(request, request.param, tmp_path_factory.mktemp("recipe"), facts())


def mapped(request: pytest.FixtureRequest, shop: ModuleType, folder: Path, found: Facts) -> Made:
    """A shop that holds facts, mapped by its recipe on the command line."""
    url = empty_database(shop.KIND, request, folder, f"recipe_{shop.NAME}")
    filled(url, shop, found)
    answers = [part for name, value in shop.ANSWERS.items() for part in ("--answer", f"{name}={value}")]
    code, said = init(url, folder / "home", "--recipe", "auto", *answers)
    assert code == 0, said
    return Made(shop, World(folder / "home", url, AJPRIVACY_MAPPING=str(folder / "home" / "mapping.toml")), said)
