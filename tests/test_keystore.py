"""Keys: made once, sealed, destroyed, never readable by others."""

import hashlib
import hmac
import os
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import KeyStoreError
from ajprivacy_pipeline.storage.keystore import KeyStore, fingerprint, pads


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
