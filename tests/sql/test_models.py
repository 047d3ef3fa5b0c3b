"""Every SQL model on a few rows of its own: `tests/sql/<layer>/<model>/<case>.toml`, see modelkit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sql.modelkit import FOLDER, Workbench, read_case

CASES = sorted(FOLDER.glob("*/*/*.toml"))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench(tmp_path_factory.mktemp("models"))


@pytest.mark.parametrize("path", CASES, ids=[path.relative_to(FOLDER).with_suffix("").as_posix() for path in CASES])
def test_case(path: Path, bench: Workbench) -> None:
    case = read_case(path)
    got, expected = bench.run(case), case.expected
    assert got == expected if case.is_ordered else sorted(got, key=repr) == sorted(expected, key=repr)


def test_every_model_has_a_case_and_every_case_a_model(bench: Workbench) -> None:
    cases = [read_case(path) for path in CASES]
    assert {name for case in cases for name in (case.model, *case.through)} == set(bench.catalogue)
