"""A home with one decided month of a small shop."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ajprivacy_pipeline.models import layer_models
from ajprivacy_pipeline.month import open_month
from ajprivacy_pipeline.settings import NOTICE, Settings, load_settings, prepare_home
from ajprivacy_pipeline.warehouse.sample import generate

MONTH = "2026-10"


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home whose month 2026-10 is read and decided."""
    made = load_settings({"AJPRIVACY_HOME": str(tmp_path_factory.mktemp("home")), "AJPRIVACY_THREADS": "1"})
    prepare_home(made)
    (made.home / "sample").mkdir()
    generate(made.warehouse_url, 150, 1, date(2026, 10, 31), lambda _: None)
    with open_month(made, MONTH, "r1") as run:
        run.extract()
        for model in layer_models(run.catalogue, ["staged"]):
            run.model(model.name)
        run.quality()
        for model in layer_models(run.catalogue, ["retention"]):
            run.model(model.name)
        run.control.record_month(MONTH, "r1", run.policy.version, [
            {"table_name": "customers", "present": True, "rows": 150}])
    return made


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Path]:
    """A folder with the policy, where texts of one file are replaced."""
    def change(file: str, *replacements: tuple[str, str]) -> Path:
        folder = tmp_path / "policy"
        shutil.copytree(NOTICE, folder)
        text = (folder / file).read_text(encoding="utf-8")
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        (folder / file).write_text(text, encoding="utf-8")
        return folder
    return change
