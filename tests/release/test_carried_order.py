"""What was carried out is read back for the models that need it, never before what it is read from."""

from pathlib import Path

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.release.carried_facts import _BACK
from ajprivacy_pipeline.retention.bind import catalogue_of
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.settings import NOTICE, load_settings
from tests.assets.tiny import make_shop

CARRIED = "control.carried_facts"


def _before(catalogue: dict[str, tuple[str, ...]], name: str) -> set[str]:
    """Every model that a model is made of."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for read in catalogue.get(waiting.pop(), ()):
            if read not in found:
                found.add(read)
                waiting.append(read)
    return found


def test_whoever_reads_it_comes_after_what_it_is_read_from() -> None:
    """Dagster may run a layer's first model before another layer is made: the graph alone gives the order."""
    catalogue = {name: tuple(model.reads) for name, model in catalogue_of(load_policy(NOTICE)).items()}
    wanted = {name for name in catalogue if name.startswith("staged.") and f"FROM {name}" in _BACK.replace("\n", " ")}
    readers = [name for name, reads in catalogue.items() if CARRIED in reads]
    assert {"staged.orders", "staged.cases", "staged.communications", "staged.web_events"} <= wanted
    assert "anonymous.tokens" in readers
    assert {name: wanted - _before(catalogue, name) for name in readers} == {name: set() for name in readers}


def test_a_model_of_the_layer_that_reads_nothing_asks_for_nothing(tmp_path: Path) -> None:
    """`anonymous.periods` may be the first of all: after an apply the next month failed there."""
    make_shop(tmp_path / "shop.db")
    settings = load_settings({"AJPRIVACY_HOME": str(tmp_path), "AJPRIVACY_THREADS": "1",
                              "AJPRIVACY_WAREHOUSE": f"sqlite:///{tmp_path / 'shop.db'}"})
    with open_month(settings, "2026-09", "test") as run:
        run.extract()
        run.model("anonymous.periods")
        there = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'control' AND table_name = 'carried_facts'"
        assert run.con.execute(there).fetchall() == [(0,)]
