"""Which rows a condition means at most, and when two mean no row in common."""

import pytest
import sqlglot
from sqlglot import exp

from ajprivacy_pipeline.warehouse.rows import apart, covers, equals_of, told_by, told_of


@pytest.mark.parametrize(("one", "other", "expected"), [
    ("k = 'phone'", "k IN ('first_name', 'last_name')", True),
    ("k = 'phone'", "k IN ('PHONE', 'last_name')", False),  # a collation may take them for one
    ("k = 'phone'", "K = 'street' AND x > 1", True),
    ("k = 'phone'", "k = 'street' OR x > 1", False),
    ("k = 'phone'", "NOT k = 'street'", False),
    ("k = 'phone'", "k <> 'phone'", False),  # not understood, so anything
    ("k = 'phone'", "other = 'street'", False),
    ("k = 'phone'", "k LIKE 'street'", False),
    ("k = 'blå'", "k = 'bla'", False),  # a collation may take å for a
    ("k = 1", "k = 2", False),  # texts of numbers are compared in many ways
    ("k = 'phone'", "(k = 'street' AND x = 1)", True)])
def test_conditions_are_apart_only_where_it_is_plain(one: str, other: str, *, expected: bool) -> None:
    assert apart(told_by(one, "sqlite"), told_by(other, "sqlite")) is expected


def test_what_an_outer_join_says_holds_of_the_joined_table_alone() -> None:
    query = sqlglot.parse_one("SELECT 1 FROM a LEFT JOIN b ON b.k = 'x' AND a.k = 'y' WHERE b.j = 'z'")
    tables = {table.name: told_of(query, table) for table in query.find_all(exp.Table)}
    assert tables == {"a": frozenset(), "b": frozenset({("k", frozenset({"x"})), ("j", frozenset({"z"}))})}


def test_a_join_that_keeps_what_does_not_match_says_nothing() -> None:
    query = sqlglot.parse_one("SELECT 1 FROM a RIGHT JOIN b ON a.k = 'x' AND b.k = 'y'")
    assert [told_of(query, table) for table in query.find_all(exp.Table)] == [frozenset(), frozenset()]


def test_double_quotes_of_mysql_may_be_names() -> None:
    assert told_by('k = "phone"', "mariadb") == frozenset()


@pytest.mark.parametrize(("where", "read", "expected"), [
    (None, "k = 'phone'", True),
    ("k IN ('phone', 'mobile')", "k = 'phone'", True),
    ("k = 'phone'", "k IN ('phone', 'mobile')", False),  # the mobile would stay
    ("k = 'phone'", "x > 1", False),
    ("k = 'phone' AND x > 1", "k = 'phone'", False),  # some of its rows
    ("k = 'phone' OR x > 1", "k = 'phone'", False),  # not understood
    ("k = 'phone' AND j = 'a'", "j = 'a' AND k = 'phone'", True),
    ("k = 1", "k = 1 AND j = 'a'", True),
    ("k = 1", "k = 2", False),
    ("open", "open AND k <> 'x'", True),
    ("k <> 'x'", "k <> 'y'", False),  # that of x is read
    ("k <> i", "k <> j", False),
    ("k <> i", "k <> i", True),
    ("open", "NOT open", False)])
def test_a_condition_means_all_that_is_read_only_where_it_says_nothing_else(where: str | None, read: str, *,
                                                                            expected: bool) -> None:
    assert covers(where, told_by(read, "sqlite"), "sqlite") is expected


@pytest.mark.parametrize(("query", "expected"), [
    ("SELECT 1 FROM a LEFT JOIN b ON b.k = a.i AND b.j > 1", {"b.k=a.i"}),
    ("SELECT 1 FROM a LEFT JOIN b ON b.k = a.i OR b.j > 1", set()),
    ("SELECT 1 FROM a RIGHT JOIN b ON b.k = a.i", set()),
    ("SELECT 1 FROM a JOIN b ON b.k > 1 WHERE b.k = a.i", {"b.k=a.i", "a.i=b.k"})])
def test_columns_are_equal_where_a_condition_says_so_of_every_row(query: str, expected: set[str]) -> None:
    tree = sqlglot.parse_one(query)
    assert {f"{own.sql()}={other.sql()}" for table in tree.find_all(exp.Table)
            for own, other in equals_of(tree, table)} == expected
