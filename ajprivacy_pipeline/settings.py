"""Where things lie and what the environment says: read once at the edges and handed in.

Belongs here: environment variables, folders of the home, nothing else. No other module reads the environment.
"""

import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ajprivacy_pipeline.errors import PrivacyError

_PLAIN = r"[\w /.\-]"  # characters of a path that mean nothing else anywhere
_MASTER = r"local(\[(\d+|\*)\])?|local-cluster\[\d+,\d+,\d+\]|yarn|(spark|k8s)://\S+"

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent
NOTICE = PACKAGE / "notice"  # the default to start from; `Settings.notice` is the one that counts
VARIABLES = {
    "AJPRIVACY_HOME": "the folder of everything that is kept",
    "AJPRIVACY_WAREHOUSE": "the customer warehouse (a SQLAlchemy URL)",
    "AJPRIVACY_NOTICE": "the folder of notice files",
    "AJPRIVACY_MAPPING": "the mapping of the warehouse's names",
    "AJPRIVACY_ENGINE": "what decides a month: duckdb or spark",
    "AJPRIVACY_SPARK": "where Spark runs, as local[2] or spark://HOST:7077",
    "AJPRIVACY_MEMORY": "how much memory a run may take, as 4GB",
    "AJPRIVACY_THREADS": "how many threads it may use",
    "AJPRIVACY_ROOT_KEY": "the root key, instead of the file in keys/",
    "AJPRIVACY_PUBLISH_URL": "a database that the published tables are copied to",
    "AJPRIVACY_PUBLISH_COUNTRY": "where that database is",
    "AJPRIVACY_PUBLISH_SCHEMA": "in which schema of it",
    "AJPRIVACY_ALERTS": "who is told what needs attention",
}
DUCKDB, SPARK = "duckdb", "spark"
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_BESIDE_ENGINE = 680 * 10**6  # bytes: Python, its libraries, the solver, and what the engine takes without counting it
_UNCOUNTED = 8  # of what is beyond the least one part in so many: the more the engine holds, the more it does not count
_LEAST = 10**9  # bytes


def sql_folder() -> Path:
    """Returns the SQL models: beside the package in a checkout, inside it when installed from a wheel."""
    inside = PACKAGE / "sql"
    return inside if inside.is_dir() else CHECKOUT / "sql"


@dataclass(frozen=True)
class Settings:
    """Folders and addresses of one installation. Every zone is a folder below `home`."""

    home: Path
    warehouse_url: str
    notice: Path
    mapping_file: Path | None
    memory_limit: int  # bytes of the whole process
    threads: int
    root_key: str | None
    publish_url: str | None = field(default=None, repr=False)
    publish_country: str | None = None
    publish_schema: str = "published"
    alerts: tuple[str, ...] = field(default=(), repr=False)
    engine: str = DUCKDB
    spark: str = "local[*]"

    @property
    def engine_memory(self) -> int:
        """Bytes that DuckDB may take of the process's."""
        return self.memory_limit - _BESIDE_ENGINE - (self.memory_limit - _LEAST) // _UNCOUNTED

    @property
    def restricted(self) -> Path:
        """Identifying data: one encrypted DuckDB file a month."""
        return self.home / "restricted"

    @property
    def pseudonymised(self) -> Path:
        """Pseudonymised data: one encrypted DuckDB file."""
        return self.home / "pseudonymised"

    @property
    def published(self) -> Path:
        """Anonymous releases and the file that analysts open."""
        return self.home / "published"

    @property
    def control(self) -> Path:
        """The control store: runs, releases, holds, review decisions."""
        return self.home / "control"

    @property
    def keys(self) -> Path:
        """The root key and the sealed data keys of the zones' files."""
        return self.home / "keys"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage."""
        return self.home / "dagster"


def load_settings(env: dict[str, str] | None = None) -> Settings:
    """Read the environment.

    AJPRIVACY_HOME (default: `.ajprivacy` in the checkout, else in the working folder), AJPRIVACY_WAREHOUSE (default:
    the sample shop's SQLite file), AJPRIVACY_NOTICE (a folder of notice files; default: those of the package),
    AJPRIVACY_MAPPING, AJPRIVACY_MEMORY, AJPRIVACY_THREADS, AJPRIVACY_ROOT_KEY. What decides a month: AJPRIVACY_ENGINE
    (`duckdb` unless it says `spark`), AJPRIVACY_SPARK (Spark's master; default `local[*]`). For a database that gets
    the published tables too: AJPRIVACY_PUBLISH_URL, AJPRIVACY_PUBLISH_COUNTRY (where its data lies, as NO),
    AJPRIVACY_PUBLISH_SCHEMA (default `published`; SQLite has none). Who is told what needs attention:
    AJPRIVACY_ALERTS, addresses with blanks between them (`alerts.notify`).

    Raises:
        PrivacyError: what one of them says cannot be used; the message names it.
    """
    values = dict(os.environ) if env is None else env
    root = CHECKOUT if (CHECKOUT / "workspace.yaml").is_file() else Path.cwd()
    home = _home(values.get("AJPRIVACY_HOME") or root / ".ajprivacy")
    mapping = values.get("AJPRIVACY_MAPPING")
    engine, spark = _engine(values)
    default_mapping = home / "mapping.toml"
    return Settings(
        home=home,
        notice=notice_folder(values),
        warehouse_url=values.get("AJPRIVACY_WAREHOUSE") or f"sqlite:///{home / 'sample' / 'shop.db'}",
        mapping_file=Path(mapping) if mapping else default_mapping if default_mapping.is_file() else None,
        memory_limit=_bytes(values.get("AJPRIVACY_MEMORY") or "2GB"),
        threads=_threads(values.get("AJPRIVACY_THREADS") or str(os.cpu_count() or 2)),
        root_key=values.get("AJPRIVACY_ROOT_KEY"),
        publish_url=values.get("AJPRIVACY_PUBLISH_URL") or None,
        publish_country=values.get("AJPRIVACY_PUBLISH_COUNTRY") or None,
        publish_schema=values.get("AJPRIVACY_PUBLISH_SCHEMA") or "published",
        alerts=tuple((values.get("AJPRIVACY_ALERTS") or "").split()),
        engine=engine,
        spark=spark,
    )


def _home(said: str | Path) -> Path:
    home = Path(said).expanduser().resolve()
    if strange := sorted(set(re.sub(_PLAIN, "", str(home)))):
        raise PrivacyError(f"AJPRIVACY_HOME: {', '.join(map(repr, strange))} means something else in a database's "
                           "address or a pattern of files; choose a folder whose path has letters, digits, blanks "
                           "and . _ - alone")
    return home


def _engine(values: Mapping[str, str]) -> tuple[str, str]:
    """Returns which engine decides a month, and Spark's master."""
    engine, spark = values.get("AJPRIVACY_ENGINE") or DUCKDB, values.get("AJPRIVACY_SPARK") or Settings.spark
    if engine not in (DUCKDB, SPARK):
        raise PrivacyError(f"AJPRIVACY_ENGINE must be {DUCKDB} or {SPARK}")
    if not re.fullmatch(_MASTER, spark):
        raise PrivacyError("AJPRIVACY_SPARK must be a master of Spark: local[2], spark://HOST:7077, yarn or "
                           "k8s://HOST; a Spark Connect address (sc://) keeps no table between two models")
    return engine, spark


def _threads(said: str) -> int:
    if not said.isdigit() or int(said) < 1:
        raise PrivacyError("AJPRIVACY_THREADS must be a whole number of at least 1")
    return int(said)


def _bytes(said: str) -> int:
    """Returns the bytes that a size like 4GB or 1.5 GiB says.

    Raises:
        PrivacyError: it is no size, or too little for a month.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([MGT]I?B)", said.strip().upper())
    if not found:
        raise PrivacyError("AJPRIVACY_MEMORY must be a size, as 4GB or 1500MB")
    size = int(float(found[1]) * _UNITS[found[2]])
    if size < _LEAST:
        raise PrivacyError("AJPRIVACY_MEMORY must be at least 1GB: a month does not finish in less")
    return size


def notice_folder(env: dict[str, str] | None = None) -> Path:
    """Returns the folder of notice files: AJPRIVACY_NOTICE, else the package's.

    A code location asks for nothing else.
    """
    given = (dict(os.environ) if env is None else env).get("AJPRIVACY_NOTICE")
    return Path(given).expanduser().resolve() if given else NOTICE


def prepare_home(settings: Settings) -> None:
    """Create the zones, readable by their owner alone; published/ alone is for everybody, and the way to it.

    From then on every file this process makes is for its owner alone, unless it is opened to readers on purpose:
    DuckDB and Dagster make files of their own beside the zones' (write-ahead logs, histories).
    """
    os.umask(0o077)
    for folder in (settings.home, settings.restricted, settings.pseudonymised, settings.published,
                   settings.control, settings.keys, settings.dagster_home):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod({settings.home: 0o711, settings.published: 0o755}.get(folder, 0o700))


def operator() -> str:
    """Returns the operating system's name for who runs this, whatever the environment says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
