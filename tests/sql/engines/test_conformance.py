"""Every model's cases on Spark: the same given rows, the same rows out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sql.engines.sparkbench import SparkBench, small_session
from tests.sql.modelkit import FOLDER, Workbench, read_case

pytestmark = pytest.mark.soak
# Models of the layer `terms` are asked about one person at a time, on DuckDB alone.
CASES = sorted(path for path in FOLDER.glob("*/*/*.toml") if path.parent.parent.name != "terms")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkBench]:
    with small_session() as started:
        yield SparkBench(Workbench(tmp_path_factory.mktemp("models")), started)


@pytest.mark.parametrize("path", CASES, ids=[path.relative_to(FOLDER).with_suffix("").as_posix() for path in CASES])
def test_case(path: Path, bench: SparkBench) -> None:
    case = read_case(path)
    found = bench.run(case)
    assert sorted(found, key=repr) == sorted(case.expected, key=repr)
    if case.is_ordered:
        assert found == case.expected
