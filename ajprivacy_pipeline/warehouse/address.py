"""Where the warehouse is: one SQLAlchemy URL, made ready to connect to, and words for what can go wrong.

Belongs here: everything that sees the URL and its password. Does not belong here: tables and rows.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from ajprivacy_pipeline.clock import LOCAL_ZONE
from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.warehouse.sessions import with_hash, with_session

# Names that people write, and the driver that this product ships or names for them.
_DRIVERS = {
    "postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg", "postgresql+psycopg2": "postgresql+psycopg",
    "sqlite": "sqlite+pysqlite", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql",
}
_PACKAGES = {"psycopg": "psycopg[binary]", "mysqldb": "mysqlclient", "pyodbc": "pyodbc", "oracledb": "oracledb",
             "mysqlconnector": "mysql-connector-python", "aiomysql": "aiomysql", "asyncpg": "asyncpg"}
_EXAMPLES = "sqlite:///shop.db, postgresql://user:password@host/database, mysql+pymysql://user:password@host/database"


@dataclass(frozen=True)
class Address:
    """A warehouse's address. `shown` is what may stand in a message: no user, no password, no options."""

    url: sa.URL = field(repr=False)
    shown: str

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read a URL.

        Raises:
            SourceError: it is no database URL, or names a SQLite file that does not exist (none is made).
        """
        try:
            url = sa.make_url(text)
        except (sa.exc.ArgumentError, ValueError):
            raise SourceError("AJPRIVACY_WAREHOUSE is not a valid database address; write it like "
                              f"{_EXAMPLES}") from None
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        dialect = url.get_backend_name()
        if dialect == "sqlite":
            path = Path(url.database or "").expanduser()
            shown = f"sqlite:///{url.database or ''}"
            if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
                raise SourceError(f"{shown} names no file; write sqlite:///path/to/shop.db")
            if not path.is_file():
                raise SourceError(f"{shown} does not exist; check AJPRIVACY_WAREHOUSE, or make the sample shop with "
                                  "`ajprivacy sample`")
            return cls(url.set(database=str(path)), shown)
        port = f":{url.port}" if url.port else ""
        return cls(url, f"{dialect}://{url.host or 'local socket'}{port}/{url.database or ''}")

    @property
    def sqlite_file(self) -> Path:
        """The file of a SQLite warehouse."""
        return Path(self.url.database or "").absolute()

    @property
    def postgres_options(self) -> str:
        """The address's own options for PostgreSQL's session, and ours.

        An expression that makes a date or a time without a zone of a moment makes Oslo's, unless the address says
        otherwise; where a policy would hide rows, the session refuses.
        """
        own = self.url.query.get("options", "")
        return " ".join((f"-c TimeZone={LOCAL_ZONE}", *((own,) if isinstance(own, str) else own),
                         "-c row_security=off")).strip()

    def engine(self) -> sa.Engine:
        """Returns an engine that cannot write where the dialect lets us say so, and never shows parameters.

        Raises:
            SourceError: unknown scheme, or the driver is not installed.
        """
        try:
            if self.url.get_backend_name() == "sqlite":
                return sa.create_engine(self.url, hide_parameters=True, poolclass=sa.NullPool,
                                        creator=lambda: read_only_sqlite(self.sqlite_file))
            if self.url.get_backend_name() == "postgresql":
                return sa.create_engine(self.url, hide_parameters=True, poolclass=sa.NullPool,
                                        execution_options={"postgresql_readonly": True},
                                        connect_args={"connect_timeout": 10, "client_encoding": "utf8",
                                                      "options": self.postgres_options})
            return with_session(sa.create_engine(self.url, hide_parameters=True, poolclass=sa.NullPool))
        except sa.exc.NoSuchModuleError:
            raise SourceError(f"{self.url.drivername}:// is not a kind of database that this installation supports; "
                              f"write AJPRIVACY_WAREHOUSE like {_EXAMPLES}") from None
        except ImportError as error:
            module = (error.name or self.url.get_driver_name()).split(".")[0].lower()
            package = _PACKAGES.get(module, module)
            raise SourceError(f"the driver for {self.url.drivername}:// is missing: pip install '{package}'") from None
        except (sa.exc.ArgumentError, TypeError, ValueError):
            raise SourceError(f"AJPRIVACY_WAREHOUSE for {self.shown} has an option its driver does not know") from None


def read_only_sqlite(path: Path) -> sqlite3.Connection:
    """Returns a connection to an existing SQLite file that cannot write and makes no file."""
    return with_hash(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10, check_same_thread=False))


@contextmanager
def driver_errors(address: Address, what: str = "") -> Iterator[None]:
    """Turn a driver's error into ours without its text, which may hold the password or values of rows.

    Raises:
        SourceError: instead of any error of a driver.
    """
    where = f"{address.shown}: {what}: " if what else f"{address.shown}: "
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        own = str(error.orig if isinstance(error, sa.exc.DBAPIError) else error)
        raise SourceError(where + (meaning(own) or "the database refused to be read; check its rights and the "
                                   "expressions of the mapping")) from None
    except (sa.exc.SQLAlchemyError, OSError) as error:
        raise SourceError(f"{where}cannot be read ({type(error).__name__}); check AJPRIVACY_WAREHOUSE") from None


_FULL = ("disk is full", "disk full", "no space left", "is full")
_HIDES = re.compile(r'row-level security policy for table "([^"]+)"')


def hidden_rows(text: str) -> str | None:
    """Returns the remedy where a driver's error says that PostgreSQL's row security would hide rows, else None."""
    found = _HIDES.search(text)
    return found and (f'row-level security of table "{found[1]}" would hide rows from this user, and what is hidden '
                      "would count as not there: let the user see every row (ALTER ROLE ... BYPASSRLS, or make it the "
                      "table's owner), and run again")


def is_full(text: str) -> bool:
    """Whether a driver's error says that there is no room for what was to be written."""
    return any(sign in text.lower() for sign in _FULL)


def meaning(text: str) -> str | None:
    """Returns what a driver's error text means, in words of ours; None if we do not know."""
    if hidden := hidden_rows(text):
        return hidden
    text = text.lower()
    meanings = (
        (_FULL, "its disk is full; make room there, and run again"),
        (("utf-8", "utf8", "unicode"), "it holds text that is not UTF-8; fix it there, or map an expression instead"),
        (("password", "authentication", "access denied", "fe_sendauth"),
         "user or password is not accepted; fix AJPRIVACY_WAREHOUSE"),
        (('database "', "unknown database"), "there is no such database; fix AJPRIVACY_WAREHOUSE"),
        (("could not translate", "name or service", "resolve", "getaddrinfo"), "no host of that name is known"),
        (("server closed", "terminating connection", "connection reset", "lost connection", "gone away"),
         "the connection broke; run again"),
        (("invalid connection option", "unexpected keyword"),
         "its address has an option that the driver does not know; fix AJPRIVACY_WAREHOUSE"),
        (("refused", "timeout", "timed out", "unreachable", "can't connect", "no such file or directory"),
         "nobody answers there; check host, port and network"),
        (("not a database", "malformed"), "the file is not a SQLite database, or is damaged"),
        (("locked", "busy"), "it is locked by a writer; wait until the writer is done and run again"),
        (("permission", "readonly", "unable to open"), "its user may not read it; grant SELECT"),
    )
    for signs, words in meanings:
        if any(sign in text for sign in signs):
            return words
    return None
