"""What each column is made of, over the product's own SQL: whole, in time, and what the tables really have."""

import time
from pathlib import Path

from ajprivacy_pipeline.lineage import check_lineage, graph, labels, product_graph
from ajprivacy_pipeline.lineage.tables import given_tables
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.release import model_values, plan_release
from ajprivacy_pipeline.retention.bind import CONTROL_TABLES, POLICY_TABLES, catalogue_of, policy_parameters, prepare
from ajprivacy_pipeline.retention.quality import write_quality
from ajprivacy_pipeline.settings import NOTICE, load_settings, prepare_home
from ajprivacy_pipeline.storage.catalogue import layer_models, run_model
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.zones import memory, quote
from ajprivacy_pipeline.warehouse.beside import EXTRACTION_COLUMNS

POLICY = load_policy(NOTICE)


def test_every_model_is_understood_and_g11_passes() -> None:
    found = check_lineage(POLICY)

    assert found.violations == ()
    assert found.passed
    assert product_graph(POLICY).faults == {}
    assert set(product_graph(POLICY).flows) == set(catalogue_of(POLICY))


def test_the_graph_is_made_in_time_and_once() -> None:
    """At most five seconds on a slow machine; after that it costs nothing."""
    graph._build.cache_clear()
    started = time.monotonic()
    first = product_graph(POLICY)
    assert time.monotonic() - started < 5
    assert product_graph(POLICY) is first


def test_an_email_is_followed_to_the_counts_and_no_further() -> None:
    """newsletter: the address becomes a token, the token is counted."""
    made = product_graph(POLICY)
    found = labels(POLICY, made)
    email = "raw.newsletter_subscriptions.email"

    assert ("direct", email) in found["staged.newsletter_subscriptions", "email"]
    assert ("token", email) in found["anonymous.tokens", "token"]
    assert ("direct", email) not in found["anonymous.tokens", "token"]
    assert ("token", email) in found["anonymous.newsletter", "token"]
    assert found["published.newsletter_monthly", "contributors"] == frozenset()


def test_depends_names_columns_of_real_tables() -> None:
    """What Dagster shows as column lineage."""
    made = product_graph(POLICY)

    assert made.depends("staged.products")["category"] == [("raw.products", "category")]
    assert ("anonymous.sales", "revenue_nok") in made.depends("published.sales_monthly")["revenue_nok"]
    for table in made.flows:
        for sources in made.depends(table).values():
            assert all(column in made.columns[source] for source, column in sources)


def test_every_declassifier_is_passed_somewhere() -> None:
    """One that nothing uses is an open door."""
    passed = {passage for flows in product_graph(POLICY).flows.values() for flow in flows.values()
              for step in flow.steps for passage in step.passed}
    rules = POLICY.release.declassifiers
    assert rules
    for name, rule in rules.items():
        wanted = {f"{rule.function}:{argument}" for argument in rule.arguments} or {rule.function}
        assert wanted <= passed, name
        without = {other: entry for other, entry in rules.items() if other != name}
        release = POLICY.release.model_copy(update={"declassifiers": without})
        assert not check_lineage(POLICY.model_copy(update={"release": release})).passed, f"{name} is not needed"


def _real(policy: Policy, home: Path) -> dict[str, tuple[str, ...]]:
    """The columns of every table as DuckDB has them, over an empty warehouse."""
    settings = load_settings({"AJPRIVACY_HOME": str(home)})
    prepare_home(settings)
    control = ControlStore.in_folder(settings.control)
    con = memory()
    given = given_tables(policy)
    con.execute("CREATE SCHEMA raw")
    for name, columns in given.items():
        if name.startswith("raw.") and name != "raw.extraction":
            con.execute(f"CREATE TABLE {name} ({', '.join(f'{quote(column)} VARCHAR' for column in columns)})")
    con.execute(f"CREATE TABLE raw.extraction ({EXTRACTION_COLUMNS})")
    prepare(con, policy, control, "2024-03")
    for name in ("control.rates", "control.carried_facts"):
        con.execute(f"CREATE TABLE IF NOT EXISTS {name} ({CONTROL_TABLES[name]})")
    values = {**policy_parameters(policy, "2024-03"), **model_values(policy, plan_release(control, policy, "2024-03")),
              **{f"{domain}_{half}": b"\0" * 64 for domain in ("improvement", "individualisation")
                 for half in ("inner", "outer")}}
    catalogue = catalogue_of(POLICY)
    staged = layer_models(catalogue, ("staged",))
    for model in staged:
        run_model(con, model, values)
    write_quality(con, policy)
    for model in catalogue.values():
        if model not in staged:
            run_model(con, model, values)
    found: dict[str, tuple[str, ...]] = {}
    every = ("SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE NOT internal "
             "ORDER BY table_oid, column_index")
    for schema, table, column in con.execute(every).fetchall():
        name = f"{schema}.{table}"
        found[name] = (*found.get(name, ()), column)
    con.close()
    return found


def test_derived_columns_are_those_of_the_real_tables(tmp_path: Path) -> None:
    """Sqlglot's reading and DuckDB's are the same: no column is lost or invented."""
    real, derived = _real(POLICY, tmp_path), product_graph(POLICY).columns

    assert set(POLICY_TABLES) <= set(real)
    assert {name: derived[name] for name in real} == real
    assert set(derived) == set(real)
