"""How the engine means to carry the models out: a plan shows what would keep a large table's rows in memory."""

from __future__ import annotations

import pytest

from ajprivacy_pipeline.storage.catalogue import ASKED
from tests.sql.modelkit import Workbench

# Models of few rows: what is asked for is compared by more than an equal id.
FEW = {"retention.request_reviews"}


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench(tmp_path_factory.mktemp("models"))


def test_no_model_keeps_its_rows_to_ask_about_each_of_them(bench: Workbench) -> None:
    """NOT EXISTS is planned as a join that keeps every row it asks about; ANTI JOIN is not."""
    found = {name for name, model in bench.catalogue.items()
             if model.layer != ASKED and "DELIM" in bench.plan(model)}
    assert found == FEW


def test_visits_pass_by_what_they_are_joined_with(bench: Workbench) -> None:
    """Who made a visit is kept in memory, the visits are not; a join that keeps its left side is a RIGHT one."""
    bench.grow("staged.web_events", 20_000, event_id="'e' || n", contact_id="'k' || n % 3500", visitor_id="'v' || n",
               occurred_on="DATE '2026-01-01' + CAST(n % 300 AS INTEGER)", page="'/' || n % 5", consented="true")
    bench.grow("staged.contacts", 3_500, contact_id="'k' || n", customer_id="'c' || n")
    bench.grow("anonymous.periods", 12, population="'web_events'", month="make_date(2026, n + 1, 1)", period="'month'",
               fact_month="make_date(2026, n + 1, 1)")
    bench.grow("anonymous.tokens", 3_500, kind="'customer'", value="'c' || n", token="n")
    plan = bench.plan(bench.catalogue["anonymous.web"])
    assert "LEFT" in plan
    assert "RIGHT" not in plan
