"""A home with one month of the sample shop, read and decided by the product itself; nothing is published."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.sample import generate
from ajprivacy_pipeline.settings import Settings, load_settings, prepare_home
from ajprivacy_pipeline.storage.control import row_measures

MONTH = "2026-10"
UNTIL = date(2026, 10, 31)


def decided_home(folder: Path, customers: int) -> Settings:
    """Make the sample shop inside a home, and decide MONTH over it; the control store knows the month as done."""
    settings = load_settings({"AJPRIVACY_HOME": str(folder), "AJPRIVACY_THREADS": "1"})
    prepare_home(settings)
    (settings.home / "sample").mkdir()
    generate(settings.warehouse_url, customers, 1, UNTIL, lambda _: None)
    with open_month(settings, MONTH, "r1") as run:
        run_decisions(run)
        run.control.record_month(MONTH, "r1", run.policy.version, row_measures([
            {"table_name": "customers", "present": True, "rows": customers}]))
    return settings
