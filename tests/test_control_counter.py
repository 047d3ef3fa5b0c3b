"""A control store that has lost something is refused before anything is decided, until somebody starts anew by name."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.cli import keys as keys_commands
from ajprivacy_pipeline.cli import people
from ajprivacy_pipeline.errors import ControlError
from ajprivacy_pipeline.oversight.evidence import accept_store
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.settings import Settings, load_settings, prepare_home
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage import counter
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore

TODAY = date(2026, 11, 3)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home whose control store has been changed twice."""
    monkeypatch.setenv("AJPRIVACY_HOME", str(tmp_path / "home"))
    for commands in (people, keys_commands):
        monkeypatch.setattr(commands, "today", lambda: TODAY)
    made = load_settings()
    prepare_home(made)
    note(made)
    note(made)
    return made


def note(settings: Settings) -> None:
    """One change of the store."""
    ControlStore.in_folder(settings.control).record_access("token", "2026-10", "explain", "Ada")


def numbers(settings: Settings) -> tuple[int, int | None]:
    """Changes as the store counts them, and as they stand beside the keys."""
    return ControlStore.unchecked(settings.control).changes(), counter.read_counter(settings.keys)


def refused(settings: Settings, words: str) -> None:
    """Neither a command nor a month may open the store, and nothing is changed by trying."""
    there = sorted((path, path.stat().st_size) for path in settings.home.rglob("*") if path.is_file())
    for attempt in (lambda: ControlStore.in_folder(settings.control),
                    lambda: open_month(settings, "2026-09", "r").__enter__()):
        with pytest.raises(ControlError, match=words) as caught:
            attempt()
        assert "restore control/control.db" in str(caught.value)
        assert "ajprivacy keys accept-store --by NAME --reason CODE" in str(caught.value)
    assert sorted((path, path.stat().st_size) for path in settings.home.rglob("*") if path.is_file()) == there


def test_every_change_is_counted_in_both_places(settings: Settings) -> None:
    assert numbers(settings) == (2, 2)
    control = ControlStore.in_folder(settings.control)
    control.record_month("2026-09", "r", "p", [])
    control.append_hold_event({"event": "placed", "subject_id": "customer:1", "owner": "Ada", "ground": "audit",
                               "expires_on": TODAY, "happened_on": TODAY, "recorded_by": "Ada"})
    control.record_decision({"subject_id": "customer:1", "kind": "open_balance", "decision": "keep",
                             "decided_by": "Ada", "reason": "disputed", "decided_on": TODAY}, [])
    control.record_acceptance([], [])
    assert numbers(settings) == (6, 6)
    assert (settings.keys / counter.NAME).stat().st_mode & 0o777 == 0o600


def test_a_copy_from_before_is_refused(settings: Settings) -> None:
    shutil.copy(settings.control / "control.db", settings.home / "copy.db")
    note(settings)
    shutil.copy(settings.home / "copy.db", settings.control / "control.db")
    refused(settings, r"it has 2 change\(s\), beside the keys 3 are counted")


@pytest.mark.parametrize("emptied", [False, True])
def test_a_store_that_is_gone_is_refused_and_not_made_anew(settings: Settings, emptied: bool) -> None:
    (settings.control / "control.db").unlink()
    if emptied:
        (settings.control / "control.db").touch()
    refused(settings, r"the control store is gone, while the home still holds the number of its changes \(2\)")
    assert (settings.control / "control.db").exists() == emptied


@pytest.mark.parametrize(("place", "words"), [
    ("keys/2026-09.sealed", "sealed keys"), ("restricted/2026-09.duckdb", "restricted files"),
    ("pseudonymised/pseudonymised-2026-09.duckdb", "pseudonymised files"), ("published/releases/1", "releases")])
def test_what_lies_in_a_home_tells_of_a_store_without_a_counter(settings: Settings, place: str, words: str) -> None:
    (settings.control / "control.db").unlink()
    (settings.keys / counter.NAME).unlink()
    (settings.home / place).parent.mkdir(exist_ok=True)
    (settings.home / place).touch()
    refused(settings, f"while the home still holds {words}")


def test_a_new_home_with_nothing_but_its_root_key_is_no_loss(settings: Settings) -> None:
    (settings.control / "control.db").unlink()
    (settings.keys / counter.NAME).unlink()
    KeyStore(settings.keys).root()
    note(settings)
    assert numbers(settings) == (1, 1)


def test_a_run_killed_between_the_two_writes_locks_nobody_out(settings: Settings,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is ahead then; it is believed, and the number is corrected when it is next opened."""
    with monkeypatch.context() as patched:
        patched.setattr(counter, "raise_counter", lambda *_: None)
        note(settings)
    assert numbers(settings) == (3, 2)
    ControlStore.in_folder(settings.control)
    assert numbers(settings) == (3, 3)


def test_a_change_that_fails_counts_nowhere(settings: Settings) -> None:
    with pytest.raises(ControlError, match="the control store refused"):
        ControlStore.in_folder(settings.control).insert(store.access_log, [{"subject_id": "x"}])
    assert numbers(settings) == (2, 2)


def test_a_store_from_before_the_counter_goes_on(settings: Settings) -> None:
    """Its keys have no number yet; the next change begins to count."""
    (settings.keys / counter.NAME).unlink()
    with sqlite3.connect(settings.control / "control.db") as con:
        con.execute("DROP TABLE store_state")
    con.close()
    note(settings)
    assert numbers(settings) == (1, 1)


def test_a_number_that_is_none_is_refused(settings: Settings) -> None:
    (settings.keys / counter.NAME).write_text("many")
    refused(settings, "holds no number")


def test_somebody_may_start_anew_by_name(settings: Settings, call: Callable[..., tuple[int, str]]) -> None:
    (settings.control / "control.db").unlink()
    code, said = call("hold", "list")
    assert (code, "the control store is gone" in said) == (2, True), said
    code, said = call("keys", "accept-store", "--by", "Ada", "--reason", "because")
    assert (code, "'because' is not a reason code for accept-store" in said) == (2, True), said
    code, said = call("keys", "accept-store", "--by", " ", "--reason", "nothing_recorded")
    assert (code, "--by must name somebody" in said) == (2, True), said
    assert not (settings.control / "control.db").exists()
    code, said = call("keys", "accept-store", "--by", "Ada", "--reason", "nothing_recorded")
    assert (code, "goes on from change 3" in said) == (0, True), said
    assert numbers(settings) == (3, 3)
    (start,) = ControlStore.in_folder(settings.control).rows(sa.select(store.new_starts))
    assert (start["changes_before"], start["changes_found"], start["accepted_by"], start["reason"],
            start["accepted_on"]) == (2, 0, "Ada", "nothing_recorded", TODAY)
    note(settings)
    code, said = call("keys", "accept-store", "--by", "Ada", "--reason", "nothing_recorded")
    assert (code, "has lost nothing" in said) == (2, True), said


def test_an_older_copy_may_go_on_too(settings: Settings) -> None:
    shutil.copy(settings.control / "control.db", settings.home / "copy.db")
    note(settings)
    note(settings)
    shutil.copy(settings.home / "copy.db", settings.control / "control.db")
    assert accept_store(settings, "Ada", "recorded_again", today=TODAY) == 5
    note(settings)
    assert numbers(settings) == (6, 6)
