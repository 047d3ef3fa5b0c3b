"""Every model's cases on Spark: the same given rows, the same rows out. `differs.toml` lists the models that do not."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import ModelError
from tests.sql.engines.sparkbench import SparkBench, small_session
from tests.sql.modelkit import FOLDER, Workbench, read_case

pytestmark = pytest.mark.soak
CASES = sorted(path for path in FOLDER.glob("*/*/*.toml") if path.parent.parent.name != "terms")
DIFFERS: dict[str, str] = tomllib.loads(Path(__file__).with_name("differs.toml").read_text(encoding="utf-8"))["models"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkBench]:
    with small_session() as started:
        yield SparkBench(Workbench(tmp_path_factory.mktemp("models")), started)


@pytest.mark.parametrize("path", CASES, ids=[path.relative_to(FOLDER).with_suffix("").as_posix() for path in CASES])
def test_case(path: Path, bench: SparkBench) -> None:
    """A listed model must not conform: the list can only become shorter."""
    case = read_case(path)
    try:
        found = bench.run(case)
    except ModelError:
        if case.model not in DIFFERS:
            raise
        return
    is_equal = found == case.expected if case.is_ordered else (
        sorted(found, key=repr) == sorted(case.expected, key=repr))
    if case.model in DIFFERS:
        assert not is_equal, f"{case.model} gives the same rows now: take it from differs.toml"
    else:
        assert sorted(found, key=repr) == sorted(case.expected, key=repr)
        assert is_equal
