"""Who was in which class of the published microdata: what G8 needs to know, and nobody else.

Belongs here: tokens of people, and the ledger, a restricted file with a key of its own. A token is the first 64 bits of
HMAC-SHA256 under a key of the key store: it stays the same from year to year, and leaves the restricted zone never.
The ledger holds the members of the newest published table, and of one about to be published, by the hash of its file.
"""

from pathlib import Path

from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.keystore import KeyStore, pads
from ajprivacy_pipeline.storage.zones import Connection, attached

TOKENS = "microdata_tokens"  # temporary: person, token, control_group, is_known
_FILE = "microdata.duckdb"
_NAME = "microdata_ledger"  # what the file is attached as
_MEMBERS = f"{_NAME}.members"
_TABLE = (f"CREATE TABLE IF NOT EXISTS {_MEMBERS} (sha256 VARCHAR NOT NULL, token UBIGINT NOT NULL, "
          "class BIGINT NOT NULL)")
Members = list[tuple[int, int]]  # token, class


def key_store(settings: Settings) -> KeyStore:
    """Returns the keys of the home."""
    return KeyStore(settings.keys, settings.root_key)


def make_tokens(con: Connection, keys: KeyStore, control_percent: int) -> None:
    """Makes a temporary table of everybody's token and control group, each the same people every time.

    Groups are numbered from 0; each has `control_percent` of the people. What is left over has a number too.
    `is_known`: something about the person is retained or held; of everybody else the ledger forgets the token.
    """
    who, control = pads(keys.derive("microdata", "person")), pads(keys.derive("microdata", "control group"))
    con.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {TOKENS} AS WITH known AS (SELECT DISTINCT subject_id "
        "FROM retention.attribute_decisions WHERE decision IN ('retain', 'hold')) "
        "SELECT c.subject_no AS person, CAST('0x' || substr(sha256($outer || unhex(sha256($inner || "
        "encode(c.customer_id)))), 1, 16) AS UBIGINT) AS token, "
        "CAST('0x' || substr(sha256($control_outer || unhex(sha256($control_inner || "
        "encode(c.customer_id)))), 1, 16) AS UBIGINT) % 100 // $percent AS control_group, "
        "k.subject_id IS NOT NULL AS is_known "
        "FROM retention.subjects AS c LEFT JOIN known AS k USING (subject_id) WHERE c.contact_id IS NULL",
        {"outer": who.outer, "inner": who.inner, "control_outer": control.outer, "control_inner": control.inner,
         "percent": control_percent})


def recall(con: Connection, settings: Settings, keys: KeyStore, sha256: str | None) -> Members | None:
    """Returns the members of the published table; None when the ledger does not know it.

    Forgets every other table, and everybody whom the warehouse knows no more.
    """
    path = _path(settings)
    if not path.exists():
        return None
    kept = con.execute(f"SELECT token FROM {TOKENS} WHERE is_known").fetchnumpy()["token"].tolist()
    with attached(con, keys, path, _NAME, write=True):
        con.execute(_TABLE)
        known = con.execute(f"SELECT count(*) FROM {_MEMBERS} WHERE sha256 = $sha256", {"sha256": sha256}).fetchall()
        con.execute(f"DELETE FROM {_MEMBERS} WHERE sha256 IS DISTINCT FROM $sha256 "
                    "OR token NOT IN (SELECT unnest($kept::UBIGINT[]))", {"sha256": sha256, "kept": kept})
        found = con.execute(f"SELECT token, class FROM {_MEMBERS}").fetchnumpy()
    if not known[0][0]:
        return None
    return list(zip(found["token"].tolist(), found["class"].tolist(), strict=True))


def remember(con: Connection, settings: Settings, keys: KeyStore, sha256: str, members: Members) -> None:
    """Write down the members of a table that is about to be published."""
    tokens, classes = [token for token, _ in members], [number for _, number in members]
    path = _path(settings)
    with attached(con, keys, path, _NAME, create=not path.exists(), write=True):
        con.execute(_TABLE)
        con.execute(f"DELETE FROM {_MEMBERS} WHERE sha256 = $sha256", {"sha256": sha256})
        con.execute(f"INSERT INTO {_MEMBERS} SELECT $sha256, unnest($tokens::UBIGINT[]), unnest($classes::BIGINT[])",
                    {"sha256": sha256, "tokens": tokens, "classes": classes})


def _path(settings: Settings) -> Path:
    return settings.restricted / _FILE
