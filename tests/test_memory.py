"""A month keeps within the memory that it may take: the whole process, not the engine alone."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

CLI = "from ajprivacy_pipeline.cli.main import main; main()"


@pytest.mark.soak
def test_a_month_takes_no_more_than_it_may(tmp_path: Path) -> None:
    """A first month with two years of cells, in the least that is allowed."""
    env = {**os.environ, "AJPRIVACY_HOME": str(tmp_path), "AJPRIVACY_MEMORY": "1GB", "AJPRIVACY_THREADS": "2"}
    for command in (("sample", "--customers", "30000"), ("run", "--month", "2026-10")):
        subprocess.run([sys.executable, "-c", CLI, *command], env=env, check=True)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 <= 10**9
