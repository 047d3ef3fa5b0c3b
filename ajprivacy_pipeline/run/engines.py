"""Which engine decides a month: DuckDB in the month's own file, or Spark, asked for by AJPRIVACY_ENGINE.

Belongs here: handing tables to Spark and bringing back what it makes, so that every reader of the month finds its
tables in the month's file whichever engine made them. Does not belong here: the dialect, the text of models.

Spark runs the layers `staged` and `retention`: every table of them is the same on both. What needs a key stays where
the keys are (pseudonyms), and so do the release with its proof, and batches of an apply, which are a few people each.
"""

import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.settings import SPARK, Settings, sql_folder
from ajprivacy_pipeline.storage.catalogue import Model, macros, make_relation, run_model
from ajprivacy_pipeline.storage.engine import DuckDB, Engine
from ajprivacy_pipeline.storage.zones import Connection, quote

ON_SPARK = ("staged", "retention")
RunModel = Callable[[Model, Mapping[str, object]], int]


@contextmanager
def engine_of(settings: Settings, policy: Policy, con: Connection, folder: Path) -> Iterator[RunModel]:
    """Gives what makes a model's table in the month's file and returns its row count; Spark starts with the first.

    Args:
        settings: which engine, where Spark runs, how much memory it may take.
        policy: its words and its time zone.
        con: the month's file.
        folder: where Spark may leave what does not fit into memory, encrypted; removed afterwards.

    Raises:
        ModelError: of the function that is given; PySpark or Java is missing, Spark does not start, or an engine
            refused a model.
    """
    if settings.engine != SPARK:
        yield lambda model, values: run_model(con, model, values)
        return
    with ExitStack() as held:
        beside: list[Beside] = []

        def run(model: Model, values: Mapping[str, object]) -> int:
            if model.layer not in ON_SPARK:
                return run_model(con, model, values)
            if not beside:
                beside.append(Beside(con, held.enter_context(_spark(settings, policy, folder))))
            return beside[0].run(model, values)
        yield run


class Beside:
    """Another engine beside a zone's connection: it is given what a model reads, and what it makes is brought back."""

    def __init__(self, con: Connection, engine: Engine) -> None:
        """Hand nothing over yet."""
        self._con, self._duck, self._engine = con, DuckDB(con), engine
        self._made: set[str] = set()

    def run(self, model: Model, values: Mapping[str, object]) -> int:
        """Make a model's table there and in the zone, with the types that DuckDB gives it; returns its row count.

        What the engine made itself it has; everything else is handed over each time, since a step may have written it
        anew.

        Raises:
            ModelError: a parameter is not bound, or one of the engines refused the statement.
        """
        for table in sorted(set(model.reads) - self._made):
            self._engine.take(table, self._duck.rows(table))
        made = self._engine.run(model, values)
        self._made.add(model.name)
        if model.is_view:
            make_relation(self._con, model, values)
        else:
            self._bring(model, values)
        return made

    def _bring(self, model: Model, values: Mapping[str, object]) -> None:
        bound = {name: values[name] for name in model.params}
        columns = self._con.execute(f"DESCRIBE {model.sql}", bound).fetchall()
        shown = ", ".join(f"CAST({quote(name)} AS {kind}) AS {quote(name)}" for name, kind, *_ in columns)
        self._con.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(model.layer)}")
        self._con.register("brought", self._engine.rows(model.name))
        try:
            self._con.execute(f"CREATE OR REPLACE TABLE {quote(model.layer)}.{quote(model.table)} AS "
                              f"SELECT {shown} FROM brought")
        finally:
            self._con.unregister("brought")


@contextmanager
def _spark(settings: Settings, policy: Policy, folder: Path) -> Iterator[Engine]:
    from ajprivacy_pipeline.storage.spark.dialect import MACROS, macros_of
    from ajprivacy_pipeline.storage.spark.session import Spark, session
    shared = macros(sql_folder(), vocabulary_of(policy))
    own = (sql_folder() / MACROS).read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with session(settings.spark, policy.retention.time_zone, options(settings, folder)) as started:
            yield Spark(started, macros_of(shared, own))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def options(settings: Settings, folder: Path) -> dict[str, str]:
    """Returns what Spark is told of its size and place.

    What it writes is encrypted and lies in the restricted zone; between processes it is encrypted, too.
    """
    own = settings.spark.partition("[")[0]
    here = {"spark.pyspark.python": sys.executable} if own in ("local", "local-cluster") else {}  # else the cluster's
    wire = {} if own == "local" else {"spark.authenticate": "true", "spark.network.crypto.enabled": "true"}
    if own == "local-cluster":  # elsewhere the cluster has one, or its administrator
        wire["spark.authenticate.secret"] = secrets.token_hex(32)
    return {"spark.driver.memory": f"{settings.memory_limit // 2**20}m",
            "spark.local.dir": str(folder), "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.driver.extraJavaOptions": f"-Djava.io.tmpdir={folder}",
            "spark.io.encryption.enabled": "true", "spark.io.encryption.keySizeBits": "256", **here, **wire}
