"""G11 against SQL that was spoilt on purpose: every way of an e-mail out, and every syntax that would hide it."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.lineage import LineageError, check_lineage
from ajprivacy_pipeline.lineage.graph import build_graph, labels
from ajprivacy_pipeline.lineage.syntax import parse_macros
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.release import GuaranteeError
from ajprivacy_pipeline.settings import NOTICE, sql_folder
from ajprivacy_pipeline.storage.catalogue import Model, macros
from tests.release.release_world import World, fill, shop_rows, small_sql

POLICY = load_policy(NOTICE)
MACROS = macros(sql_folder(), vocabulary_of(POLICY))


@pytest.fixture
def sql(tmp_path: Path) -> Path:
    """The two layers that G11 is asked about, to be spoilt."""
    return small_sql(tmp_path / "sql")


def spoil(sql: Path, model: str, old: str, new: str, reads: str = "") -> None:
    """Change a model, and its header where it reads another table."""
    path = sql / f"{model}.sql"
    text = path.read_text(encoding="utf-8")
    assert old in text
    text = text.replace(old, new, 1)
    path.write_text(text.replace("-- reads: ", f"-- reads: {reads}, ", 1) if reads else text, encoding="utf-8")


def violations(sql: Path) -> str:
    """What G11 finds; it must find something."""
    found = check_lineage(POLICY, sql)
    assert not found.passed
    return "\n".join(found.violations)


def test_unspoilt_models_pass(sql: Path) -> None:
    assert check_lineage(POLICY, sql).passed


@pytest.mark.parametrize("innocent", [
    "lower(email)", "{'detail': email}.detail", "{'detail': {'more': [email]}}", "to_json({'detail': email})",
    "json_extract_string(to_json({'a': email}), '$.a')", "string_agg(email, ',')", "list(email)", "list(email)[1]",
    "any_value(email)", "arg_max(email, subscribed_on)", "sha256(email)", "md5(email)", "split_part(email, '@', 2)",
    "left(email, 1)", "left(email, 200)", "list_position([email], 'x')", "list_position(['x'], email)",
    "list_position(list_transform(['x'], lambda x: email), 'x')", "email_key(email, NULL)", "text_of(email)",
    "enum_of(email, ['a'])",
    "CASE WHEN email = 'x' THEN 'y' ELSE 'z' END", "CASE WHEN true THEN 'x' ELSE email END", "length(email)",
    "coalesce(NULL, email)", "substr(customer_id, 2)", "'K' || customer_id",
    "list_filter([email], lambda x: x <> '')[1]",
    "list_transform(['a'], lambda x: email)", "max(email) FILTER (email <> '')", "starts_with(email, 'kari')",
    "first_value(email) OVER (ORDER BY subscribed_on)", "row_number() OVER ()", "rowid",
    "(SELECT max(c.email) FROM staged.customers AS c)", "sha256($run_inner || encode(email))", "$run_inner",
])
def test_an_email_under_an_innocent_name_is_found(sql: Path, innocent: str) -> None:
    """Functions, structs, JSON, lists, aggregates, windows, macros, sub-queries, unkeyed or half-keyed hashes."""
    (sql / "published" / "extra.sql").write_text(
        "-- model: published.extra\n-- grain: x\n" + ("-- params: run_inner\n" if "$run_inner" in innocent else "")
        + "-- reads: staged.newsletter_subscriptions" + (", staged.customers" if "staged.customers" in innocent else "")
        + f"\n-- doc: x\nSELECT {innocent} AS theme FROM staged.newsletter_subscriptions\n", encoding="utf-8")
    (sql / "staged").mkdir(exist_ok=True)
    text = violations(sql)

    assert "published.extra" in text
    assert "reaches it" in text


def test_through_a_free_text_beside_a_dimension(sql: Path) -> None:
    spoil(sql, "anonymous/logs", "$unknown) AS level",
          "message, $unknown) AS level")
    text = violations(sql)
    assert "published.service_health_daily.level: a value that names a person reaches it: raw.app_logs.message" in text


def test_through_the_second_arm_of_a_union(sql: Path) -> None:
    spoil(sql, "anonymous/demand",
          "        month, period, order_number, token, nameless_order, $all, $all, product_category,",
          "        month, period, order_number, token, nameless_order, $all, CAST(order_number AS VARCHAR), "
          "product_category,")
    assert "published.product_demand_monthly.product_name: a value that names a person" in violations(sql)


def test_a_token_leaves_only_through_a_count(sql: Path) -> None:
    spoil(sql, "published/newsletter_monthly", "count(DISTINCT token) AS contributors,", "max(token) AS contributors,")
    text = violations(sql)
    assert "published.newsletter_monthly.contributors: a token of a person reaches it" in text


def test_through_a_new_model_between(sql: Path) -> None:
    (sql / "anonymous" / "middle.sql").write_text(
        "-- model: anonymous.middle\n-- grain: x\n-- reads: staged.customers\n-- doc: x\n"
        "WITH c AS (SELECT * EXCLUDE (name) FROM staged.customers) SELECT c.* RENAME (email AS topic) FROM c\n",
        encoding="utf-8")
    (sql / "published" / "extra.sql").write_text(
        "-- model: published.extra\n-- grain: x\n-- reads: anonymous.middle\n-- doc: x\n"
        "SELECT topic, count(*) AS n FROM anonymous.middle GROUP BY topic\n", encoding="utf-8")
    text = violations(sql)
    assert ("published.extra.topic: a value that names a person reaches it: raw.customers.email -> "
            "staged.customers.email -> anonymous.middle.topic -> published.extra.topic") in text
    assert "published.extra.n" not in text


@pytest.mark.parametrize(("statement", "why"), [
    ("SELECT * FROM staged.customers PIVOT (count(*) FOR email IN ('a'))", "PIVOT is not understood"),
    ("PIVOT staged.customers ON email USING count(*)", "PIVOT is not a query"),
    ("SELECT * FROM (UNPIVOT staged.customers ON email INTO NAME a VALUE b)", "not understood"),
    ("SELECT COLUMNS('em.*') FROM staged.customers", "COLUMNS is not understood"),
    ("SELECT * FROM staged.nowhere", "cannot be traced"),
    ("SELECT c FROM staged.customers AS c", "not understood"),
    ("SELECT * FROM read_csv('x.csv')", "not understood"),
    ("SELECT * FROM query('SELECT email FROM staged.customers')", "not understood"),
    ("SELECT getvariable('x') AS a", "getvariable() is neither a macro"),
    ("SELECT my_function(email) AS a FROM staged.customers", "my_function() is neither a macro"),
    ("WITH RECURSIVE r AS (SELECT email FROM staged.customers UNION ALL SELECT email FROM r) SELECT * FROM r",
     "RECURSIVE"),
    ("SELECT 'x' AS email UNION ALL BY NAME SELECT email FROM staged.customers", "BY NAME"),
    ("SELECT customer_id, customer_id FROM staged.customers", "stands twice"),
    ("SELECT current_user AS a FROM staged.customers", ""),
    ("SELECT random() AS a FROM staged.customers", ""),
    ("DELETE FROM staged.customers", "is not a query"),
    ("SELECT FROM WHERE", "cannot be parsed at line 1"),
])
def test_what_is_not_understood_is_refused(statement: str, why: str) -> None:
    """Fail closed: sqlglot would lose the column without a word, or with one."""
    models = [Model("staged.customers", "", "", (), (), "SELECT email, name, customer_id FROM raw.customers"),
              Model("published.extra", "", "", (), (), statement)]
    made = build_graph(POLICY, models, MACROS)

    assert "published.extra" in made.faults
    assert why in made.faults["published.extra"]
    assert "published.extra" not in made.flows


def test_a_table_that_no_model_makes_is_refused(sql: Path) -> None:
    (sql / "published" / "retention_monthly.sql").unlink()
    assert "published.retention_monthly: no model makes it" in violations(sql)


@pytest.mark.parametrize("macros", [
    "CREATE TEMP MACRO f(x) AS (SELECT max(email) FROM raw.customers);", "CREATE TABLE t AS SELECT 1 AS a;",
    "CREATE TEMP MACRO f(x) AS TABLE SELECT 1 AS a;",
])
def test_macros_of_another_kind_are_refused(macros: str) -> None:
    with pytest.raises(LineageError):
        parse_macros(macros)


def test_alias_of_the_same_name_hides_nothing() -> None:
    """DuckDB takes the column where an alias bears its name, and so does the lineage."""
    models = [Model("staged.customers", "", "", (), (), "SELECT 'x' AS email, email AS topic FROM raw.customers")]
    found = labels(POLICY, build_graph(POLICY, models, MACROS))

    assert found["staged.customers", "email"] == frozenset()
    assert found["staged.customers", "topic"] == {("direct", "raw.customers.email")}


def test_filters_are_no_flow_but_conditions_of_case_are() -> None:
    """The border that flow.py draws."""
    models = [Model("staged.a", "", "", (), (), "SELECT industry FROM raw.customers WHERE email = 'x'"),
              Model("staged.b", "", "", (), (), "SELECT CASE WHEN email > 'k' THEN 1 END AS a FROM raw.customers")]
    found = labels(POLICY, build_graph(POLICY, models, MACROS))

    assert found["staged.a", "industry"] == frozenset()
    assert found["staged.b", "a"] == {("direct", "raw.customers.email")}


def test_a_publish_is_refused_and_nothing_is_there(world: World) -> None:
    """The gate itself: a spoilt model stops the release, and the message names columns and no value."""
    spoil(world.sql, "anonymous/logs", "$unknown) AS level",
          "$unknown, message) AS level")
    with pytest.raises(GuaranteeError, match=r"G11: published.service_health_daily.level: .*raw.app_logs.message"):
        world.publish()
    assert not world.analytics.exists()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A small shop of its own."""
    made = World(tmp_path / "home", sql=small_sql(tmp_path / "models"))
    fill(made.con, shop_rows())
    return made
