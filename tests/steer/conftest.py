"""A home with one decided month of a small shop."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ajprivacy_pipeline.settings import NOTICE, Settings
from tests.decided import MONTH, decided_home

__all__ = ["MONTH"]


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home whose month 2026-10 is read and decided."""
    return decided_home(tmp_path_factory.mktemp("home"), 150)


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
