"""Where things lie, and who may read them."""

import subprocess
import sys
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.settings import load_settings

ZONES = ("restricted", "pseudonymised", "control", "keys", "dagster")


def test_zones_are_for_their_owner_and_published_for_everybody(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code = ("from ajprivacy_pipeline.settings import load_settings, prepare_home; from pathlib import Path\n"
            f"prepare_home(load_settings({{'AJPRIVACY_HOME': {str(home)!r}}})); Path({str(home)!r}, 'new').touch()")
    subprocess.run([sys.executable, "-c", code], check=True)
    assert {name: (home / name).stat().st_mode & 0o777 for name in ZONES} == dict.fromkeys(ZONES, 0o700)
    assert (home / "published").stat().st_mode & 0o777 == 0o755
    assert home.stat().st_mode & 0o777 == 0o711
    assert (home / "new").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("threads", ["0", "many", "-1"])
def test_threads_must_be_a_number(threads: str) -> None:
    with pytest.raises(PrivacyError, match="AJPRIVACY_THREADS"):
        load_settings({"AJPRIVACY_THREADS": threads})


@pytest.mark.parametrize(("said", "size"), [
    ("1GB", 10**9), ("1500 MB", 1_500 * 10**6), ("2GiB", 2 * 2**30), ("1.5gb", 1_500 * 10**6), ("", 2 * 10**9)])
def test_memory_is_of_the_whole_process_and_the_engine_gets_what_the_rest_leaves(said: str, size: int) -> None:
    settings = load_settings({"AJPRIVACY_MEMORY": said})
    assert settings.memory_limit == size
    assert settings.engine_memory == size - 680 * 10**6 - (size - 10**9) // 8


@pytest.mark.parametrize(("said", "says"), [
    ("999MB", "at least 1GB"), ("0GB", "at least 1GB"), ("much", "a size"), ("-2GB", "a size"), ("2", "a size"),
    ("80%", "a size")])
def test_memory_must_be_a_size_that_a_month_finishes_in(said: str, says: str) -> None:
    with pytest.raises(PrivacyError, match=f"AJPRIVACY_MEMORY must be {says}"):
        load_settings({"AJPRIVACY_MEMORY": said})


@pytest.mark.parametrize("sign", ["%", "?", "#", "*", "[", "{", "=", "'", '"', ";", "&", "\\", "\n", ":"])
def test_a_home_that_databases_would_read_otherwise_is_refused(sign: str, tmp_path: Path) -> None:
    with pytest.raises(PrivacyError, match=r"AJPRIVACY_HOME: .* choose a folder"):
        load_settings({"AJPRIVACY_HOME": str(tmp_path / f"a{sign}b")})
    assert list(tmp_path.iterdir()) == []


def test_a_home_may_have_blanks_and_letters_of_any_language(tmp_path: Path) -> None:
    """The tests of whole runs use such a home: tests/assets/conftest.py."""
    home = tmp_path / "Kåres hjem 2 ._-"
    assert load_settings({"AJPRIVACY_HOME": str(home)}).home == home
