"""Keys: made once, sealed, destroyed, never readable by others."""

import hashlib
import hmac
import os
import shutil
import signal
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import ControlError, KeyStoreError
from ajprivacy_pipeline.pseudonyms.keys import destroy_period
from ajprivacy_pipeline.settings import load_settings, prepare_home
from ajprivacy_pipeline.storage.keystore import KeyStore, fingerprint, pads
from ajprivacy_pipeline.storage.month_files import warehouse_lock
from ajprivacy_pipeline.storage.rotation import rotate_root


@pytest.mark.parametrize("length", [0, 32, 64, 65, 200])
def test_pads_make_the_standard_hmac(length: int) -> None:
    key, value = os.urandom(length), "Kåre Ødegård".encode()
    both = pads(key)
    ours = hashlib.sha256(both.outer + hashlib.sha256(both.inner + value).digest()).hexdigest()
    assert ours == hmac.new(key, value, "sha256").hexdigest()


def test_root_key_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    first = KeyStore(tmp_path).root()
    assert KeyStore(tmp_path).root() == first
    assert (tmp_path / "root.key").stat().st_mode & 0o777 == 0o600


def test_a_root_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    KeyStore(tmp_path).root()
    (tmp_path / "root.key").chmod(0o644)
    with pytest.raises(KeyStoreError, match="0600"):
        KeyStore(tmp_path).root()


def test_a_lost_root_key_is_not_replaced_while_sealed_keys_remain(tmp_path: Path) -> None:
    KeyStore(tmp_path).data_key("2026-10")
    (tmp_path / "root.key").unlink()
    with pytest.raises(KeyStoreError, match="root key is lost"):
        KeyStore(tmp_path).data_key("2026-10")
    assert not (tmp_path / "root.key").exists()


def test_another_root_key_opens_nothing(tmp_path: Path) -> None:
    KeyStore(tmp_path).data_key("2026-10")
    with pytest.raises(KeyStoreError, match="not sealed under this root key"):
        KeyStore(tmp_path, root_key="ab" * 32).data_key("2026-10")


@pytest.mark.parametrize("text", ["", "zz" * 32, "ab" * 31])
def test_a_malformed_root_key_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(KeyStoreError, match="64 hex digits"):
        KeyStore(tmp_path, root_key=text).root()


def test_a_destroyed_key_never_comes_back(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path)
    first = keys.data_key("2026-10")
    assert keys.destroy("2026-10")
    assert not keys.destroy("2026-10")
    with pytest.raises(KeyStoreError, match="lost or was destroyed"):
        keys.data_key("2026-10", create=False)
    assert keys.data_key("2026-10") != first


def test_domains_and_periods_have_keys_of_their_own(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path)
    derived = [keys.derive("pseudonym", domain, period) for domain in ("a", "b") for period in ("2025", "2026")]
    assert len(set(derived)) == 4
    assert keys.derive("ab", "c") != keys.derive("a", "bc")


def test_a_fingerprint_tells_keys_apart_and_gives_none_away(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path)
    keys.data_key("2026-10")
    found = keys.fingerprints()
    assert set(found) == {"root", "2026-10"}
    assert found["root"] == fingerprint(keys.root())
    assert keys.root().hex() not in str(found)


NAMES = ("effects", "guard", "ledger-2026")


def _all_keys(folder: Path) -> dict[str, str | bytes]:
    keys = KeyStore(folder)
    return {**{name: keys.data_key(name, create=False) for name in NAMES}, "derived": keys.derive("looks", "somebody"),
            "under": keys.derive_under("guard", "hash", create=False)}


def _filled(folder: Path) -> Path:
    for name in NAMES:
        KeyStore(folder).data_key(name)
    return folder


def test_a_rotation_changes_the_root_key_and_no_other(tmp_path: Path) -> None:
    before, root = _all_keys(_filled(tmp_path)), KeyStore(tmp_path).root()
    sealed = {path.name: path.read_text() for path in tmp_path.glob("*.sealed")}
    for _ in range(2):
        assert KeyStore(tmp_path).rotate() == len(NAMES) + 1
        assert _all_keys(tmp_path) == before
    assert KeyStore(tmp_path).root() != root
    assert all((tmp_path / name).read_text() != text for name, text in sealed.items())
    assert {path.name for path in tmp_path.iterdir()} == {"root.key", "derivation.sealed", *sealed}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    (tmp_path / "root.key").write_text(root.hex())
    with pytest.raises(KeyStoreError, match="not sealed under this root key"):
        KeyStore(tmp_path).data_key("guard")


def _in_a_child(folder: Path, point: str) -> int:
    """Rotate in a process of its own, which is killed there; returns how it ended."""
    def die(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        try:
            KeyStore(folder).rotate(die)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1]


def test_killed_between_any_two_files_it_goes_on(tmp_path: Path) -> None:
    points: list[str] = []
    before = _all_keys(_filled(tmp_path / "whole"))
    shutil.copytree(tmp_path / "whole", tmp_path / "watched")
    KeyStore(tmp_path / "watched").rotate(points.append)
    assert len(points) == len(NAMES) + 3
    for point in points:
        folder = tmp_path / point
        shutil.copytree(tmp_path / "whole", folder)
        assert os.waitstatus_to_exitcode(_in_a_child(folder, point)) == -signal.SIGKILL
        assert _all_keys(folder) == before, point
        KeyStore(folder).data_key("made-since")
        KeyStore(folder).rotate()
        assert _all_keys(folder) == before, point
        assert KeyStore(folder).has("made-since")
        assert not (folder / "root.next").exists()


def test_a_root_key_of_the_environment_is_not_replaced(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path, "ab" * 32)
    keys.data_key("guard")
    before = (tmp_path / "guard.sealed").read_text()
    with pytest.raises(KeyStoreError, match="comes from AJPRIVACY_ROOT_KEY"):
        keys.rotate()
    assert (tmp_path / "guard.sealed").read_text() == before


def test_the_secrets_of_a_period_go_and_nothing_else_does(tmp_path: Path) -> None:
    settings = load_settings({"AJPRIVACY_HOME": str(tmp_path)})
    prepare_home(settings)
    keys = KeyStore(settings.keys)
    for name in ("pseudonym-improvement-2025", "pseudonym-improvement-2026", "guard"):
        keys.data_key(name)
    with warehouse_lock(settings, alone=False):
        for refused in (lambda: rotate_root(settings), lambda: destroy_period(settings, "2025")):
            with pytest.raises(ControlError):
                refused()
    with pytest.raises(KeyStoreError, match="no key of pseudonymisation for 2025-06"):
        destroy_period(settings, "2025-06")
    assert destroy_period(settings, "2025") == ["pseudonym-improvement-2025"]
    with pytest.raises(KeyStoreError, match="no key of pseudonymisation for 2025"):
        destroy_period(settings, "2025")
    assert rotate_root(settings) == 3
    assert set(keys.fingerprints()) == {"root", "derivation", "guard", "pseudonym-improvement-2026"}
