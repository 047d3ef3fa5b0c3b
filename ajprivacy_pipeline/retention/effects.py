"""Effects of requests that outlive their row: what objections, verified erasures and unsubscriptions have ended.

Belongs here: the key of their tokens, what the control store keeps of them, what a month that ended well changes there.
Does not belong here: whom an effect meets and what it ends, which is SQL (`former_effects`, `standing_effects`).

The store keeps per effect its kind, R and V, and keyed tokens of its row's number, of the subjects it reached and of
their addresses; no id and no address. While the row stands and has an id or an address, the row alone decides and
replaces what is stored; afterwards the stored effect decides, until nobody is left whom it meets.
"""

import base64
import hmac
from collections.abc import Callable, Sequence
from functools import cache

import sqlalchemy as sa

from ajprivacy_pipeline.errors import KeyStoreError
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore, fingerprint, pads
from ajprivacy_pipeline.storage.zones import Connection

KEY = "effects"  # the random key of the tokens; it is never changed, since tokens are compared over years
NO_KEY: dict[str, object] = {"effects_inner": None, "effects_outer": None}
EFFECT_COLUMNS = ("source VARCHAR, kind VARCHAR, received_on DATE, verified_on DATE, by_email BOOLEAN, matches BIGINT, "
                  "what VARCHAR, token VARCHAR, erases BOOLEAN")
_NAMES = tuple(column.split()[0] for column in EFFECT_COLUMNS.split(", "))

# Effects whose row decides: changed, new, or no effect any more; and former ones that meet nobody any more.
_CHANGED = """
    WITH decided AS (FROM control.effects ANTI JOIN retention.former_effects USING (source))
    SELECT DISTINCT source FROM (
        (FROM retention.standing_effects EXCEPT FROM control.effects)
        UNION ALL (FROM decided EXCEPT FROM retention.standing_effects))
    UNION
    SELECT source FROM retention.former_effects GROUP BY source HAVING count(subject_no) + count(email_key) = 0
"""
_UNKNOWN = "SELECT DISTINCT source FROM retention.standing_effects ANTI JOIN control.effects USING (source)"


def stored_effects(control: ControlStore) -> list[tuple[object, ...]]:
    """Returns every stored effect, one row a token, in the order of EFFECT_COLUMNS."""
    columns = [store.effects.c[name] for name in _NAMES]
    return [tuple(row.values()) for row in control.rows(sa.select(*columns).distinct())]


def effect_parameters(keys: KeyStore, control: ControlStore) -> dict[str, object]:
    """Returns the two key pads of the tokens, by parameter name.

    Raises:
        KeyStoreError: the key is not the one that the stored effects were made with; with another one they would be
            forgotten in silence.
    """
    key = _key(keys, control)
    both = pads(key)
    return {"effects_inner": both.inner, "effects_outer": both.outer}


def tokens(keys: KeyStore, control: ControlStore) -> Callable[[str], str]:
    """Returns what makes tokens of texts as the models do; the key is read with the first one."""
    key = cache(lambda: _key(keys, control))
    return lambda text: hmac.digest(key(), text.encode(), "sha256").hex()


def _key(keys: KeyStore, control: ControlStore) -> bytes:
    known = [row["key"] for row in control.rows(sa.select(store.effects.c.key).distinct())]
    if not known or keys.has(KEY):
        key = base64.b64decode(keys.data_key(KEY))
        if not set(known) - {fingerprint(key)}:
            return key
    raise KeyStoreError(f"the control store keeps effects of requests under another key: restore keys/{KEY}.sealed, "
                        "or the marketing that people objected to would begin again")


def remember_effects(con: Connection, control: ControlStore, keys: KeyStore, month: str, run_id: str) -> None:
    """Bring the store to what this month's rows say.

    A month before the newest successful one, or one whose evidence is missing, only adds: it takes nothing that another
    month stored. What a later month stored stays: a request's plan is made in the month that has begun.
    """
    newest = control.rows(sa.select(sa.func.max(store.months.c.month).label("month")))[0]["month"]
    is_missing = con.execute("SELECT is_missing FROM retention.evidence").fetchall()[0][0]
    only_adds = is_missing or (newest is not None and month < newest)
    later = {row["source"] for row in control.rows(
        sa.select(store.effects.c.source).where(store.effects.c.month > month))}
    found = con.execute(_UNKNOWN if only_adds else _CHANGED).fetchall()
    sources = [source for (source,) in found if source not in later]
    if not sources:
        return
    con.execute("CREATE OR REPLACE TEMP TABLE changed_effects AS SELECT unnest($1) AS source", [sources])
    rows = con.execute(f"SELECT {', '.join(_NAMES)} FROM retention.standing_effects SEMI JOIN changed_effects "
                       "USING (source)").fetchall()
    con.execute("DROP TABLE changed_effects")
    control.replace_effects(sources, list(_labelled(rows, fingerprint(_key(keys, control)), month, run_id)))


def _labelled(rows: Sequence[tuple[object, ...]], key: str, month: str, run_id: str) -> list[dict[str, object]]:
    return [{**dict(zip(_NAMES, row, strict=True)), "key": key, "month": month, "run_id": run_id} for row in rows]
