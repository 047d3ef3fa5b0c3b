"""Connections that may write, and what a database says when it refuses, in words of ours.

Belongs here: what is set for a connection before anything is written. Does not belong here: writing (`writer`, which
alone uses this).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.warehouse.address import Address, driver_errors
from ajprivacy_pipeline.warehouse.sessions import with_hash, with_session


class BusyError(SourceError):
    """Somebody else holds a lock for longer than a batch waits."""


def writing_engine(address: Address, wait: float) -> sa.Engine:
    """Returns an engine whose connections may write, and wait so many seconds for a lock of SQLite's."""
    if address.url.get_backend_name() == "sqlite":
        def connect() -> sqlite3.Connection:
            con = sqlite3.connect(f"{address.sqlite_file.as_uri()}?mode=rw", uri=True, timeout=wait,
                                  isolation_level=None, check_same_thread=False)
            con.execute("PRAGMA secure_delete = ON")
            con.execute("PRAGMA cache_spill = OFF")  # a batch that spills keeps everybody from reading to its end
            con.execute("PRAGMA cache_size = -32768")  # KiB; a batch comes to its pages three times
            return with_hash(con)
        return sa.create_engine(address.url, hide_parameters=True, poolclass=sa.NullPool, creator=connect)
    if address.url.get_backend_name() == "postgresql":
        return sa.create_engine(address.url, hide_parameters=True, poolclass=sa.NullPool,
                                isolation_level="READ COMMITTED",
                                connect_args={"connect_timeout": 10, "client_encoding": "utf8",
                                              "options": address.postgres_options})
    return with_session(sa.create_engine(address.url, hide_parameters=True, poolclass=sa.NullPool))


@contextmanager
def writing_errors(address: Address) -> Iterator[None]:
    """Turn a driver's error into ours, without its text: it may hold values of rows."""
    with driver_errors(address):
        try:
            yield
        except sa.exc.IntegrityError as error:
            raise SourceError(f"{address.shown}: a constraint refused the change"
                              f"{_constraint(error)}; nothing of the batch was changed: make the plan "
                              "again, which looks at the catalogue anew") from None
        except sa.exc.OperationalError as error:
            if _is_busy(error):
                raise BusyError(f"{address.shown}: somebody else holds what a batch needs; "
                                "run it again when they are done") from None
            raise


def _constraint(error: sa.exc.IntegrityError) -> str:
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    return f" ({name})" if name else ""


def _is_busy(error: sa.exc.OperationalError) -> bool:
    text = str(error.orig).lower()
    return any(sign in text for sign in ("locked", "lock timeout", "lock wait timeout", "deadlock",
                                         "canceling statement"))
