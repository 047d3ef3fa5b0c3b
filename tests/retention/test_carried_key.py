"""The tokens of whom something was carried out are compared over years: under another key nothing is asked of them."""

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.errors import KeyStoreError
from ajprivacy_pipeline.retention.carried import KEY, carried_parameters
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore

ROWS = {store.carried_out: {"is_whole": False}, store.first_due: {"due_on": date(2026, 1, 1)}, store.dropped: {},
        store.used_again: {"erased_on": date(2026, 1, 1)}}


@pytest.mark.parametrize("table", list(ROWS), ids=lambda table: table.name)
def test_rows_of_each_table_under_another_key_are_refused(table: sa.Table, tmp_path: Path) -> None:
    control, keys = ControlStore("sqlite://"), KeyStore(tmp_path / "keys")
    carried_parameters(keys, control)
    assert keys.has(KEY)
    control.insert(table, [{"token": "t", "month": "2026-10", "key": "another", **ROWS[table]}])
    with pytest.raises(KeyStoreError, match=rf"under another key: restore keys/{KEY}\.sealed"):
        carried_parameters(keys, control)


@pytest.mark.parametrize("table", list(ROWS), ids=lambda table: table.name)
def test_where_its_key_is_gone_no_other_one_is_made(table: sa.Table, tmp_path: Path) -> None:
    control, keys = ControlStore("sqlite://"), KeyStore(tmp_path / "keys")
    control.insert(table, [{"token": "t", "month": "2026-10", "key": "another", **ROWS[table]}])
    with pytest.raises(KeyStoreError, match="under another key"):
        carried_parameters(keys, control)
    assert not keys.has(KEY)
