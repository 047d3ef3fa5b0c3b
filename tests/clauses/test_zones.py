"""The clauses about where data lies and what leaves."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.pseudonyms.keys import pseudonym_parameters
from ajprivacy_pipeline.retention.bind import catalogue_of, policy_parameters
from ajprivacy_pipeline.settings import NOTICE, load_settings, prepare_home
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import layer_models, run_model
from ajprivacy_pipeline.storage.keystore import KeyStore
from tests.clauses.kit import MONTH, decided
from tests.oracle.casekit import consumer, order, request
from tests.release.release_world import World, fill, shop_rows

SECRET = "Kari Nordmann-Unik"


def test_sec_1_zones_are_encrypted_and_their_owners_alone(tmp_path: Path) -> None:
    """A zone's file shows nothing without its key and opens for nobody else."""
    settings = load_settings({"AJPRIVACY_HOME": str(tmp_path), "AJPRIVACY_THREADS": "1"})
    prepare_home(settings)
    keys = KeyStore(settings.keys, settings.root_key)
    path = settings.restricted / "2026-10.duckdb"
    with zones.open_zone(settings, keys, path) as con:
        con.execute("CREATE TABLE people AS SELECT $name AS name", {"name": SECRET})

    assert SECRET.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert settings.restricted.stat().st_mode & 0o777 == 0o700
    keys.destroy("2026-10")
    with pytest.raises(PrivacyError), zones.open_zone(settings, keys, path, read_only=True):
        pass


def test_ind_3_segments_are_pseudonymous_and_leave_out_who_objected(tmp_path: Path) -> None:
    """A token for whoever may be sorted into segments; nobody who objected, nobody's id or name."""
    recent = "2026-10-05"
    def shop(**tables: list[dict[str, object]]) -> dict[str, list[dict[str, object]]]:
        return {"customers": [consumer(profile_created_at=recent)], "orders": [order(recent)], **tables}
    found = decided({"stays": shop(), "objected": shop(rights_requests=[request("objection", recent)])}, tmp_path)
    keys = KeyStore(_keys(tmp_path), None)
    values = policy_parameters(load_policy(NOTICE), MONTH) | pseudonym_parameters(keys, MONTH)
    for model in layer_models(catalogue_of(load_policy(NOTICE)), ("pseudonyms", "pseudonymised")):
        if model.name in ("pseudonyms.people", "pseudonyms.orders", "pseudonymised.customer_segments"):
            run_model(found.con, model, values)

    rows = found.con.execute("SELECT * FROM pseudonymised.customer_segments").fetchall()
    assert len(rows) == 1
    assert len(rows[0][0]) == len(hashlib.sha256().hexdigest())
    assert "Kari" not in str(rows)
    assert found.subject("stays", "customer:1").partition(":")[2] not in str(rows)


def _keys(folder: Path) -> Path:
    keys = folder / "keys"
    keys.mkdir(mode=0o700)
    return keys


def test_imp_1_purchases_are_published_as_figures(tmp_path: Path) -> None:
    """Demand by product and month, on at least k customers, without anybody's id."""
    world = World(tmp_path)
    fill(world.con, shop_rows())
    world.compute()

    rows = world.rows("SELECT units, customers FROM product_demand_monthly WHERE product_id = 'P1' AND NOT suppressed")
    assert rows
    assert all(customers >= world.policy.release.thresholds.k for _, customers in rows)


def test_imp_2_correspondence_leaves_as_counts(tmp_path: Path) -> None:
    """What is published of messages has no column that could hold a text or an address."""
    world = World(tmp_path)
    fill(world.con, shop_rows())
    world.compute()

    assert world.rows("SELECT sum(messages) FROM communications_monthly WHERE channel = 'email'")[0][0] > 0
    columns = {row[0] for row in world.rows("DESCRIBE communications_monthly")}
    assert columns == {"month", "period", "channel", "direction", "messages", "customers", "suppressed",
                       "suppressed_measures"}
