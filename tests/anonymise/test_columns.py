"""G1: every shape that differs from what is declared is named."""

import pytest

from ajprivacy_pipeline.disclosure.columns import check_columns
from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.policy.release import PublishedColumn
from ajprivacy_pipeline.settings import NOTICE

POLICY = load_policy(NOTICE)


def declared() -> dict[str, dict[str, str]]:
    """The shapes the policy declares."""
    return {name: {n: c.type for n, c in table.columns.items()} for name, table in POLICY.release.tables.items()}


def with_column(name: str, column: PublishedColumn) -> Policy:
    """The policy with another column in sales_monthly."""
    sales = POLICY.release.tables["sales_monthly"]
    changed = sales.model_copy(update={"columns": {**sales.columns, name: column}})
    tables = {**POLICY.release.tables, "sales_monthly": changed}
    return POLICY.model_copy(update={"release": POLICY.release.model_copy(update={"tables": tables})})


def test_what_is_declared_passes_with_its_figure() -> None:
    found = check_columns(POLICY, declared())
    assert found.passed
    assert found.violations == ()
    assert found.figures["tables"] == len(POLICY.release.tables)


@pytest.mark.parametrize(("table", "column", "column_type", "violation"), [
    ("sales_monthly", "customer_id", "VARCHAR", "sales_monthly.customer_id: the column is not declared"),
    ("sales_monthly", "contributors", "BIGINT", "sales_monthly.contributors: the column is not declared"),
    ("sales_monthly", "units", "DOUBLE", "sales_monthly.units: is DOUBLE, declared BIGINT"),
    ("sales_monthly", "units", None, "sales_monthly.units: the column is missing"),
    ("people", "name", "VARCHAR", "people: the table is not declared"),
    ("sales_monthly", None, None, "sales_monthly: the table is missing")])
def test_each_difference_is_a_violation(
        table: str, column: str | None, column_type: str | None, violation: str) -> None:
    shapes = declared()
    if column is None:
        del shapes[table]
    elif column_type is None:
        del shapes[table][column]
    else:
        shapes.setdefault(table, {})[column] = column_type
    found = check_columns(POLICY, shapes)
    assert not found.passed
    assert violation in found.violations


@pytest.mark.parametrize(("name", "column_type", "role"), [
    ("ordered_at", "TIMESTAMP", "dimension"), ("ordered_on", "DATE", "dimension"), ("weight", "DOUBLE", "measure"),
    ("email", "VARCHAR", "dimension"), ("customer_id", "VARCHAR", "dimension"), ("visitor_id", "VARCHAR", "text")])
def test_declaring_it_does_not_make_a_precise_time_or_an_identifier_fit(name: str, column_type: str, role: str) -> None:
    column = PublishedColumn.model_validate({"type": column_type, "role": role, "meaning": "No."})
    policy = with_column(name, column)
    shapes = declared()
    shapes["sales_monthly"][name] = column_type
    found = check_columns(policy, shapes)
    assert any(violation.startswith(f"sales_monthly.{name}: ") for violation in found.violations)
