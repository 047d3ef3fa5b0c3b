"""Where published tables may go besides the files: a database that has declared its country (EEA-1).

Belongs here: everything that sees the destination's URL and its password, and whether it may be written to at all. Does
not belong here: tables and rows (`publish`).
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa

from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.settings import Settings

POSTGRESQL, SQLITE = "postgresql", "sqlite"
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg",
            "postgresql+psycopg2": "postgresql+psycopg", "sqlite": "sqlite+pysqlite"}
_EXAMPLES = "postgresql://user:password@host/database or sqlite:///analytics.db"
_NAME = re.compile(r"^[a-z_][a-z0-9_]{0,62}$")


@dataclass(frozen=True)
class Destination:
    """A database inside the EEA. `shown` is what may stand in a message: no user, no password, no options."""

    url: sa.URL = field(repr=False)
    shown: str
    country: str
    schema: str | None

    @property
    def dialect(self) -> str:
        """The kind of database."""
        return self.url.get_backend_name()

    def engine(self) -> sa.Engine:
        """Returns an engine whose transactions hold changes of tables too, and whose errors show no values."""
        if self.dialect == POSTGRESQL:
            return sa.create_engine(self.url, hide_parameters=True, poolclass=sa.NullPool,
                                    connect_args={"connect_timeout": 10})
        engine = sa.create_engine(self.url, hide_parameters=True, poolclass=sa.NullPool)
        sa.event.listen(engine, "connect", _no_transactions_of_its_own)
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine


def _no_transactions_of_its_own(connection: sqlite3.Connection, _record: object) -> None:
    """Python's driver begins a transaction before rows alone, so a table made or dropped would stand outside it."""
    connection.isolation_level = None


def destination_of(settings: Settings, policy: Policy) -> Destination:
    """Returns the declared destination; nothing is connected to.

    Raises:
        ReleaseError: there is none, its country is not declared or lies outside the EEA, its address is none, or the
            kind of database cannot exchange tables in one transaction.
    """
    if settings.publish_url is None:
        raise ReleaseError(f"no destination is declared: set AJPRIVACY_PUBLISH_URL, like {_EXAMPLES}, and "
                           "AJPRIVACY_PUBLISH_COUNTRY to the country its data lies in")
    country = (settings.publish_country or "").strip().upper()
    if not country:
        raise ReleaseError("the destination declares no country: set AJPRIVACY_PUBLISH_COUNTRY to where its data lies, "
                           "as NO (EEA-1); nothing was written")
    if country not in policy.notice.eea:
        raise ReleaseError(f"the destination's country, {country[:20]}, is not in the EEA "
                           f"({', '.join(policy.notice.eea)}): data stays inside it (EEA-1); choose a destination "
                           "there; nothing was written")
    if not _NAME.fullmatch(settings.publish_schema):
        raise ReleaseError("AJPRIVACY_PUBLISH_SCHEMA must be a plain name: small letters, digits and underscores")
    try:
        url = sa.make_url(settings.publish_url)
    except (sa.exc.ArgumentError, ValueError):
        raise ReleaseError("AJPRIVACY_PUBLISH_URL is not a valid database address; write it like "
                           f"{_EXAMPLES}") from None
    url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
    dialect = url.get_backend_name()
    if dialect not in {POSTGRESQL, SQLITE}:
        raise ReleaseError(f"{dialect} cannot exchange tables in one transaction: publish to PostgreSQL or SQLite")
    if dialect == SQLITE and (not url.database or url.database == ":memory:" or url.database.startswith("file:")):
        raise ReleaseError("AJPRIVACY_PUBLISH_URL names no file; write sqlite:///path/to/analytics.db")
    port = f":{url.port}" if url.port else ""
    shown = f"sqlite:///{url.database}" if dialect == SQLITE else (
        f"postgresql://{url.host or 'local socket'}{port}/{url.database or ''}")
    return Destination(url, shown, country, settings.publish_schema if dialect == POSTGRESQL else None)


@contextmanager
def destination_errors(destination: Destination) -> Iterator[None]:
    """Turn a driver's error into ours without its text, which may hold the password or values.

    Raises:
        ReleaseError: instead of any error of a driver.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise ReleaseError(f"{destination.shown}: {_meaning(str(error.orig).lower())}; nothing was changed") from None
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise ReleaseError(f"{destination.shown}: cannot be written ({type(error).__name__}); nothing was "
                           "changed") from None


def _meaning(text: str) -> str:
    """What a driver's error text means, in words of ours."""
    meanings = (
        (("password", "authentication", "fe_sendauth"), "user or password is not accepted; fix AJPRIVACY_PUBLISH_URL"),
        (("could not translate", "name or service", "resolve", "getaddrinfo"), "no host of that name is known"),
        (("refused", "timeout", "timed out", "unreachable", "no such file"),
         "nobody answers there; check host and port"),
        (("permission", "readonly", "must be owner"), "its user may not write there; grant the schema to it"),
        (("unable to open",), "the file cannot be made; check its folder and its rights"),
        (("not a database", "malformed"), "the file is not a SQLite database"),
        (("depend",), "a view or key of yours depends on a table whose columns changed; drop it and publish again"),
        (("locked", "busy"), "somebody writes there; publish again when they are done"),
    )
    for signs, words in meanings:
        if any(sign in text for sign in signs):
            return words
    return "the database refused; check that its user may create a schema and tables"
