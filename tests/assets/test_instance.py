"""Dagster's home: our settings are kept up to date, an operator's own stay, and nothing keeps what steps print."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ajprivacy_pipeline.assets import instance
from ajprivacy_pipeline.assets.instance import prepare_dagster, write_settings

from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.settings import Settings, load_settings

EARLIER, NOW = b"telemetry:\n  enabled: true\n", b"telemetry:\n  enabled: false\n"
PRINTED = """
compute_logs:
  module: dagster.core.storage.local_compute_log_manager
  class: LocalComputeLogManager
  config:
    base_dir: printed
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dagster.yaml"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Those of an empty home."""
    for name in ("DAGSTER_HOME", "DAGSTER_REDACT_USER_CODE_ERRORS", "DAGSTER_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("AJPRIVACY_HOME", str(tmp_path))
    return load_settings()


def test_settings_of_an_earlier_version_become_those_of_this_one(file: Path) -> None:
    write_settings(file, EARLIER)
    write_settings(file, NOW)
    assert file.read_bytes().endswith(b"\n" + NOW)
    before = file.stat().st_mtime_ns
    write_settings(file, NOW)
    assert file.stat().st_mtime_ns == before, "what is there already is not written again"


def test_what_an_operator_wrote_or_changed_stays_to_the_byte(file: Path) -> None:
    """Also one byte; the first version that wrote over it took a server's storage away at the next command."""
    file.write_bytes(EARLIER)
    write_settings(file, NOW)
    assert file.read_bytes() == EARLIER
    file.unlink()
    write_settings(file, EARLIER)
    changed = file.read_bytes() + b"#"
    file.write_bytes(changed)
    write_settings(file, NOW)
    assert file.read_bytes() == changed


def test_ours_from_before_files_had_a_first_line_gets_one(file: Path) -> None:
    file.write_bytes(NOW)
    write_settings(file, NOW)
    assert file.read_bytes() != NOW
    write_settings(file, EARLIER)
    assert file.read_bytes().endswith(EARLIER)


def test_an_operators_settings_are_used(settings: Settings) -> None:
    ours = instance._SETTINGS
    own = ours.read_text(encoding="utf-8").replace("max_concurrent_runs: 2", "max_concurrent_runs: 7")
    settings.dagster_home.mkdir(parents=True)
    (settings.dagster_home / "dagster.yaml").write_text(own, encoding="utf-8")
    with prepare_dagster(settings) as opened:
        assert opened.get_concurrency_config().run_queue_config.max_concurrent_runs == 7  # type: ignore[union-attr]
    assert (settings.dagster_home / "dagster.yaml").read_text(encoding="utf-8") == own


def test_settings_that_keep_what_steps_print_are_refused(settings: Settings) -> None:
    """A driver may print values of rows; the refusal says what to write."""
    settings.dagster_home.mkdir(parents=True)
    (settings.dagster_home / "dagster.yaml").write_text(PRINTED, encoding="utf-8")
    with pytest.raises(ControlError, match=r"dagster\.yaml keeps what steps print.*deploy/dagster-postgres\.yaml"):
        prepare_dagster(settings)
