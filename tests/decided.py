"""A home with one month of the sample shop, read and decided by the product itself; nothing is published."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ajprivacy_pipeline.control import row_measures
from ajprivacy_pipeline.models import layer_models
from ajprivacy_pipeline.month import open_month
from ajprivacy_pipeline.settings import Settings, load_settings, prepare_home
from ajprivacy_pipeline.warehouse.sample import generate

MONTH = "2026-10"
UNTIL = date(2026, 10, 31)


def decided_home(folder: Path, customers: int) -> Settings:
    """Make the sample shop inside a home, and decide MONTH over it; the control store knows the month as done."""
    settings = load_settings({"AJPRIVACY_HOME": str(folder), "AJPRIVACY_THREADS": "1"})
    prepare_home(settings)
    (settings.home / "sample").mkdir()
    generate(settings.warehouse_url, customers, 1, UNTIL, lambda _: None)
    with open_month(settings, MONTH, "r1") as run:
        run.extract()
        for model in layer_models(run.catalogue, ["staged"]):
            run.model(model.name)
        run.quality()
        for model in layer_models(run.catalogue, ["retention"]):
            run.model(model.name)
        run.control.record_month(MONTH, "r1", run.policy.version, row_measures([
            {"table_name": "customers", "present": True, "rows": customers}]))
    return settings
