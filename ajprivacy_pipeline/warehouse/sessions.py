"""What every session on a database says before anything else, whether it reads or writes.

Belongs here: settings that change what SQL and values mean. Does not belong here: waiting, locks (`engines`, `stream`).

MySQL and MariaDB give a TIMESTAMP in the session's zone, take || for OR and "x" for a text, each as the server or the
address happens to say. Here a TIMESTAMP is UTC, || joins texts and "x" is a name, as in every other database; what else
a session's mode says stays.
"""

from typing import Any

import sqlalchemy as sa

MYSQL = ("mysql", "mariadb")
_SAID = ("SET SESSION time_zone = '+00:00'",
         "SET SESSION sql_mode = CONCAT(@@SESSION.sql_mode, ',ANSI_QUOTES,PIPES_AS_CONCAT')")


def with_session(engine: sa.Engine) -> sa.Engine:
    """Returns an engine whose every connection says this first, before SQLAlchemy looks how names are quoted."""
    if engine.dialect.name in MYSQL:
        sa.event.listen(engine, "connect", _say, insert=True)
    return engine


def _say(connection: Any, _record: object) -> None:
    """Say it on a connection of the driver's."""
    cursor = connection.cursor()
    try:
        for statement in _SAID:
            cursor.execute(statement)
    finally:
        cursor.close()
