"""How the engine means to carry the models out: a plan of an empty shop shows what would keep rows in memory."""

from __future__ import annotations

import pytest

from ajprivacy_pipeline.storage.catalogue import ASKED
from tests.sql.modelkit import Workbench

# Models of few rows: what is asked for is compared by more than an equal id.
FEW = {"retention.request_reviews"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench(tmp_path_factory.mktemp("models"))


def test_no_model_keeps_its_rows_to_ask_about_each_of_them(bench: Workbench) -> None:
    """NOT EXISTS is planned as a join that keeps every row it asks about; ANTI JOIN is not."""
    found = {name for name, model in bench.catalogue.items()
             if model.layer != ASKED and "DELIM" in bench.plan(model)}
    assert found == FEW
