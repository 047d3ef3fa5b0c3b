"""What models become in Spark's SQL, without Spark: each has a meaning there, and each trap is said anew."""

from __future__ import annotations

from datetime import date

import pytest

from ajprivacy_pipeline.errors import ModelError
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.settings import NOTICE, sql_folder
from ajprivacy_pipeline.storage.catalogue import load_catalogue
from ajprivacy_pipeline.storage.spark.dialect import macros_of, to_spark
from tests.sql.engines.sparkbench import spark_macros


def test_every_model_of_a_month_can_be_said() -> None:
    catalogue, macros = load_catalogue(sql_folder(), vocabulary_of(load_policy(NOTICE))), spark_macros()
    for model in catalogue.values():
        said = to_spark(model.sql, dict.fromkeys(model.params), macros)
        assert "MATERIALIZED" not in said
        assert "ENUM" not in said
        for table in model.reads:
            assert table not in said


@pytest.mark.parametrize(("duckdb", "spark"), [
    ("SELECT list(x ORDER BY y) AS l",
     ("SELECT NULLIF(TRANSFORM(ARRAY_SORT(COLLECT_LIST(STRUCT(y IS NULL AS no_k0, y AS k0, x AS v))), s -> s.v), "
      "ARRAY()) AS l")),
    ("SELECT list(x) FILTER (y) AS l FROM a.t",
     "SELECT NULLIF(TRANSFORM(COLLECT_LIST(STRUCT(x AS v)) FILTER(WHERE y), s -> s.v), ARRAY()) AS l FROM a__t AS t"),
    ("SELECT max(x, 2)[2] AS m FROM a.t",
     "SELECT GET(SLICE(SORT_ARRAY(COLLECT_LIST(x), FALSE), 1, 2), CAST(1 AS INT)) AS m FROM a__t AS t"),
    ("SELECT date_diff('day', a, b) AS d", "SELECT CAST(DATEDIFF(b, a) AS BIGINT) AS d"),
    ("SELECT unnest($l) AS x, unnest($m) AS y", "SELECT INLINE(ARRAYS_ZIP(ARRAY(1, 2), ARRAY('a', 'b'))) AS (x, y)"),
    ("SELECT u.* REPLACE (upper(x) AS x) FROM a.t AS u", "SELECT u.* EXCEPT (x), UPPER(x) AS x FROM a__t AS u"),
    ("SELECT any_value(x) AS x FROM a.t", "SELECT ANY_VALUE(x) IGNORE NULLS AS x FROM a__t AS t"),
    ("SELECT format('{:,} of {:.1f} %', a, b) AS f",
     ("SELECT CASE WHEN NOT CAST(a AS BIGINT) IS NULL AND NOT CAST(b AS DOUBLE) IS NULL THEN "
      "FORMAT_STRING('%,d of %.1f %%', CAST(a AS BIGINT), CAST(b AS DOUBLE)) END AS f")),
    ("SELECT $day AS d, $key AS k, $none AS n, $text AS t",
     "SELECT CAST('2026-10-31' AS DATE) AS d, X'01ff' AS k, NULL AS n, 'it\\'s \\\\' AS t"),
])
def test_what_would_mean_something_else_is_said_anew(duckdb: str, spark: str) -> None:
    values = {"l": [1, 2], "m": ["a", "b"], "day": date(2026, 10, 31), "key": b"\x01\xff", "none": None,
              "text": "it's \\"}
    assert to_spark(duckdb, values, {}) == spark


def test_a_macro_is_sparks_own_where_it_has_one_and_takes_expressions_as_they_are() -> None:
    shared = "CREATE OR REPLACE TEMP MACRO twice(x) AS 2 * x;\nCREATE OR REPLACE TEMP MACRO four(x) AS twice(twice(x));"

    said = to_spark("SELECT four(a + 1) AS x", {}, macros_of(shared, ""))
    assert said == "SELECT ((2 * ((2 * ((a + 1)))))) AS x"
    own = "-- why; not\nCREATE TEMPORARY MACRO twice(x) AS x DIV 1;"
    assert to_spark("SELECT twice(a) AS x", {}, macros_of(shared, own)) == "SELECT ((a) DIV 1) AS x"


@pytest.mark.parametrize(("statement", "says"), [
    ("SELECT list(x ORDER BY y DESC) FROM a.t", "descending order"),
    ("SELECT date_diff('month', a, b)", "for days alone"),
    ("SELECT format(x, y)", "for a literal text alone"),
    ("SELECT unnest($l) AS x, unnest($l) AS y, z FROM a.t", "beside columns"),
    ("SELECT FROM WHERE", "cannot be said in Spark's SQL"),
    ("SELECT known(1, 2)", "takes 1 arguments"),
])
def test_what_has_no_counterpart_is_refused(statement: str, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        to_spark(statement, {"l": [1]}, macros_of("CREATE OR REPLACE TEMP MACRO known(x) AS x;", ""))


def test_macros_of_one_name_take_the_same() -> None:
    with pytest.raises(ModelError, match="known takes x in"):
        macros_of("CREATE OR REPLACE TEMP MACRO known(x) AS x;", "CREATE TEMPORARY MACRO known(y) AS y;")
    with pytest.raises(ModelError, match="macro known cannot be read in the dialect of spark"):
        macros_of("", "CREATE TEMPORARY MACRO known(y) AS y +;")
