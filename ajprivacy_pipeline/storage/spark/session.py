"""A Spark session as an engine of the models: tables as views, a model as a table that Spark keeps.

Belongs here: starting Spark, handing tables in and out, turning its errors into ours. Does not belong here: the
dialect. The only module that imports pyspark, and only once somebody asks for a session.
"""

import logging
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from ajprivacy_pipeline.errors import ModelError
from ajprivacy_pipeline.storage.catalogue import Model
from ajprivacy_pipeline.storage.spark.dialect import Macro, to_spark, view_of

NEEDED = "Spark needs Java 17 or 21 and the extra [spark]"
# The session's meaning, not its size: moments without a zone are plain ones, and what overflows is an error.
_MEANING = {"spark.sql.timestampType": "TIMESTAMP_NTZ", "spark.sql.ansi.enabled": "true",
            "spark.sql.legacy.sizeOfNull": "false", "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false"}


class Spark:
    """A session in which the models run; what it takes and makes are its views, gone with it."""

    def __init__(self, session: Any, macros: Mapping[str, Macro]) -> None:
        """Take a session of `session`.

        Args:
            session: a SparkSession.
            macros: of `dialect.macros_of`.
        """
        self._session, self._macros = session, macros

        def nfc(text: str | None) -> str | None:  # in here, so that it travels to the workers itself
            return None if text is None else unicodedata.normalize("NFC", text)
        session.udf.register("nfc_normalize", nfc)

    def take(self, name: str, rows: pa.Table) -> None:
        """Put rows under a table's name; what Spark has no type for becomes the nearest that holds every value."""
        from pyspark.sql.pandas.types import from_arrow_schema
        rows = rows.cast(pa.schema([pa.field(field.name, _known(field.type)) for field in rows.schema]))
        with _spark_errors(name):
            # a table without rows has no batch from which a column could be made
            frame = (self._session.createDataFrame(rows) if rows.num_rows else
                     self._session.createDataFrame([], from_arrow_schema(rows.schema, prefer_timestamp_ntz=True)))
            frame.createOrReplaceTempView(view_of(name))

    def run(self, model: Model, values: Mapping[str, object]) -> int:
        """Make a model's table and keep it, or a view of its own statement where the model is one.

        Raises:
            ModelError: a parameter is not bound, the statement has no meaning in Spark, or Spark refused it.
        """
        if missing := set(model.params) - set(values):
            raise ModelError(f"{model.name}: nothing binds {', '.join(sorted(missing))}")
        statement = to_spark(model.sql, {name: values[name] for name in model.params}, self._macros)
        with _spark_errors(model.name):
            frame = self._session.sql(statement)
            if not model.is_view:
                frame = frame.localCheckpoint(eager=False)  # kept by the first job, which is the count
            made = int(frame.count())
            frame.createOrReplaceTempView(view_of(model.name))
        return made

    def rows(self, name: str) -> pa.Table:
        """Returns the rows of a view."""
        with _spark_errors(name):
            return self._session.table(view_of(name)).toArrow()


@contextmanager
def session(master: str, time_zone: str, options: Mapping[str, str]) -> Iterator[Any]:
    """A Spark session, stopped afterwards.

    Args:
        master: where it runs, for one `local[2]`.
        time_zone: the policy's.
        options: what it may use: memory, partitions, which Python.

    Raises:
        ModelError: PySpark or Java is missing, or Spark does not start.
    """
    try:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException, PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError:
        raise ModelError(f"{NEEDED}: PySpark is not installed") from None
    builder = SparkSession.builder.master(master).appName("ajprivacy").config("spark.sql.session.timeZone", time_zone)
    for name, value in {**_MEANING, **options}.items():
        builder = builder.config(name, value)
    try:
        started = builder.getOrCreate()
    except PySparkRuntimeError:
        raise ModelError(f"{NEEDED}: it did not start; see whether `java -version` says one of them") from None
    except (PySparkException, Py4JError):  # Java is there
        raise ModelError(f"{master}: Spark did not start; see whether the cluster can be reached, and whether "
                         "spark-defaults.conf has its spark.authenticate.secret") from None
    try:
        started.sparkContext.setLogLevel("OFF")  # what both log names values of rows
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
        yield started
    finally:
        started.stop()


def _known(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_uint64(kind):
        return pa.decimal128(20, 0)
    return pa.string() if pa.types.is_dictionary(kind) else kind


@contextmanager
def _spark_errors(what: str) -> Iterator[None]:
    """Turn Spark's errors into ours without their text, which holds statements and values."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    try:
        yield
    except PySparkException as error:
        raise ModelError(f"{what}: Spark refused it ({error.getCondition() or type(error).__name__})") from None
    except Py4JError as error:
        raise ModelError(f"{what}: Spark refused it ({type(error).__name__})") from None
