"""Rows that are appended in one run stand as SQLAlchemy stores them, and what is asked of the guard takes its index."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.storage.appending import append_rows
from ajprivacy_pipeline.storage.control_tables import IS_ID, META, carried_out, executed_counts, guard


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    """An empty store."""
    engine = sa.create_engine("sqlite://")
    META.create_all(engine)
    with engine.begin() as found:
        yield found
    engine.dispose()


@pytest.mark.parametrize(("table", "rows"), [
    (guard, [{"kind": "id", "token": "a'b\"?:x", "erased_on": date(2026, 11, day), "key": "k"} for day in (1, 30)]),
    (carried_out, [{"key": "ø", "token": "t", "is_whole": whole, "month": "2026-10"} for whole in (True, False)]),
    (executed_counts, [{"table_name": "orders", "column_name": "", "rows": rows,
                        "executed_at": datetime(2026, 11, 29, 23, 59, 59, micro, UTC).replace(tzinfo=None)}
                       for rows, micro in ((0, 0), (2**40, 999_999))]),
], ids=lambda given: given.name if isinstance(given, sa.Table) else "")
def test_stands_as_sqlalchemy_stores_it(connection: sa.Connection, table: sa.Table,
                                        rows: list[dict[str, object]]) -> None:
    """Days, moments, truth values and texts, in the order in which they are given."""
    columns = ", ".join(rows[0])
    connection.execute(table.insert(), rows)
    expected = connection.exec_driver_sql(f"SELECT {columns} FROM {table.name} ORDER BY id").fetchall()
    connection.execute(table.delete())

    append_rows(connection, table, rows)

    assert connection.exec_driver_sql(f"SELECT {columns} FROM {table.name} ORDER BY id").fetchall() == expected
    assert [dict(row) for row in connection.execute(
        sa.select(*(table.c[name] for name in rows[0])).order_by(table.c.id)).mappings()] == rows


def test_of_nothing_nothing_stands(connection: sa.Connection) -> None:
    """An empty list is no row of NULLs."""
    append_rows(connection, guard, [])

    assert connection.execute(sa.select(guard)).fetchall() == []


def test_a_row_that_lacks_a_column_is_refused(connection: sa.Connection) -> None:
    """Rows name the same columns: nothing is stored of one that does not."""
    row = {"kind": "id", "token": "t", "erased_on": date(2026, 11, 1), "key": "k"}

    with pytest.raises(KeyError):
        append_rows(connection, guard, [row, {"kind": "id"}])

    assert connection.execute(sa.select(guard)).fetchall() == []


def test_an_id_of_the_guard_is_found_by_its_index(connection: sa.Connection) -> None:
    """The index holds ids alone, and SQLite takes it for what is asked of them."""
    query = sa.select(sa.func.max(guard.c.erased_on)).where(guard.c.token == "t", IS_ID)

    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query.compile(connection)}", ("t",)).fetchall()

    assert "USING INDEX ix_guard_token" in plan[0][-1]
