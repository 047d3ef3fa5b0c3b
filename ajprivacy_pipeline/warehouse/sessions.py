"""What every session on a database says before anything else, whether it reads or writes.

Belongs here: settings that change what SQL and values mean. Does not belong here: waiting, locks (`engines`, `stream`).

MySQL and MariaDB give a TIMESTAMP in the session's zone, take || for OR and "x" for a text, each as the server or the
address happens to say. Here a TIMESTAMP is UTC, || joins texts and "x" is a name, as in every other database; what else
a session's mode says stays. SQLite has no hash: our own sessions give it one.
"""

import hashlib
import sqlite3
from typing import Any

import sqlalchemy as sa

SQLITE_HASH = "ajprivacy_sha256"  # of a text, in hexadecimal digits; NULL stays NULL
MYSQL = ("mysql", "mariadb")
_SAID = ("SET SESSION time_zone = '+00:00'",
         "SET SESSION sql_mode = CONCAT(@@SESSION.sql_mode, ',ANSI_QUOTES,PIPES_AS_CONCAT')")


def with_session(engine: sa.Engine) -> sa.Engine:
    """Returns an engine whose every connection says this first, before SQLAlchemy looks how names are quoted."""
    if engine.dialect.name in MYSQL:
        sa.event.listen(engine, "connect", _say, insert=True)
    return engine


def with_hash(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Returns a connection of SQLite's that knows the hash."""
    connection.create_function(SQLITE_HASH, 1, _hash, deterministic=True)
    return connection


def _hash(text: object) -> str | None:
    return None if text is None else hashlib.sha256(str(text).encode()).hexdigest()


def _say(connection: Any, _record: object) -> None:
    """Say it on a connection of the driver's."""
    cursor = connection.cursor()
    try:
        for statement in _SAID:
            cursor.execute(statement)
    finally:
        cursor.close()
