"""Statements that are made once: each batch binds its own values, and a NULL is never another batch's value."""

import sqlalchemy as sa

from ajprivacy_pipeline.warehouse.writer import Change, open_writer

_COLUMNS = ("a%b", "c:d")
_ROUNDS = [  # by key, what the two columns get; the same columns each time, with other NULLs
    {1: ("x", "y"), 2: ("x", "y"), 3: ("x", None)},
    {1: (None, "z"), 2: (None, None), 4: ("%s", ":keys")},
    {1: ("x", "y"), 3: (None, None), 4: ("x", None)},
]


def test_a_statement_that_is_used_again_writes_what_the_batch_says(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql('CREATE TABLE used_again (id bigint PRIMARY KEY, "a%%b" text, "c:d" varchar(9), '
                                   "version integer NOT NULL DEFAULT 0, rest text DEFAULT 'stays')")
        connection.exec_driver_sql("INSERT INTO used_again (id) VALUES (1), (2), (3), (4), (5)")
    expected = {key: [None, None, 0] for key in range(1, 6)}
    with open_writer(postgres_url, 5, {("used_again",): "version"}) as writer:
        for ends in _ROUNDS:
            with writer.batch() as batch:
                batch.change(Change(("used_again",), ("id",), tuple((key,) for key in ends), _COLUMNS,
                                    tuple(ends.values())))
            for key, values in ends.items():
                expected[key] = [*values, expected[key][2] + 1]
            with engine.connect() as connection:
                found = connection.exec_driver_sql('SELECT id, "a%%b", "c:d", version, rest FROM used_again').fetchall()
            assert {key: [*values] for key, *values, _ in found} == expected
            assert {row[-1] for row in found} == {"stays"}
        assert len(writer.together) == 4  # one for each choice of columns that become NULL
    engine.dispose()
