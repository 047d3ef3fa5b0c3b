"""Moments in every form, through the rewriting and the macros, against the evaluator's own parser."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.settings import NOTICE, sql_folder
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.catalogue import macros
from ajprivacy_pipeline.warehouse.mapping_file import Mapping
from ajprivacy_pipeline.warehouse.settle import settle_values
from tests.oracle.times import FaultError, read_time

POLICY = load_policy(NOTICE)
_DIGITS = st.text("0123456789", min_size=1, max_size=8)
_MOMENTS = st.builds(
    "{}{}{}{}{}{}".format,
    st.sampled_from(["2026-03-29", "20260329", "2026-W13-7", "2026W137", "2026-088", "2024366", "2025366", "2026-02-29",
                     "2026-3-29", "9999-12-31", "9999365", "2026-03", "2026-10-25"])
    | st.dates(date(1980, 1, 1), date(2199, 12, 31)).map(str),
    st.sampled_from(["T", "t", " ", ""]),
    st.sampled_from(["", "00", "23", "24", "25", "0130", "23:30", "24:00", "00:60", "233059", "23:59:59", "24:00:00",
                     "24:00:01", "23:59:60", "23:5959", "2359:59"]),
    st.just("") | st.builds("{}{}".format, st.sampled_from(".,"), _DIGITS),
    st.sampled_from(["", " "]),
    st.sampled_from(["", "Z", "z", "UTC", "GMT", "CET", "CEST", "EST", "+01:00", "-0530", "+14", "+24:00", "-23:59",
                     "+01:60", "Europe/Oslo", "America/New_York", "Europe/Nowhere"]))


def days_of(texts: list[str]) -> list[date | None]:
    """What is staged of each text as the completion of an order."""
    con = zones.memory()
    con.execute(f"SET TimeZone = {zones.literal(POLICY.retention.time_zone)}")
    con.execute("CREATE SCHEMA raw")
    for name, table in POLICY.sources.tables.items():
        con.execute(f"CREATE TABLE raw.{name} ({', '.join(f'{column} VARCHAR' for column in table.columns)})")
    con.execute("INSERT INTO raw.orders (order_id, completed_at) SELECT unnest($ids), unnest($texts)",
                {"ids": [f"{at:06}" for at in range(len(texts))], "texts": texts})
    settle_values(con, POLICY, Mapping())
    con.execute(macros(sql_folder(), vocabulary_of(POLICY)))
    found = con.execute("SELECT local_on(completed_at, DATE '1980-01-01', DATE '2199-12-31') FROM raw.orders "
                        "ORDER BY order_id").fetchall()
    return [day for (day,) in found]


def expected(text: str) -> date | None:
    """What the evaluator reads, inside the plausible years."""
    try:
        day = read_time(text.strip()).local
    except FaultError:
        return None
    return day if day is not None and 1980 <= day.year <= 2199 else None


def _moments_are_read_as_the_evaluator_reads_them(texts: list[str]) -> None:
    found = days_of(texts)
    assert dict(zip(texts, found, strict=True)) == {text: expected(text) for text in texts}


@settings(max_examples=5, deadline=None)
@given(st.lists(_MOMENTS, min_size=200, max_size=400))
def test_moments_are_read_as_the_evaluator_reads_them(texts: list[str]) -> None:
    _moments_are_read_as_the_evaluator_reads_them(texts)


@pytest.mark.soak
@settings(max_examples=20, deadline=None)
@given(st.lists(_MOMENTS, min_size=200, max_size=400))
def test_moments_are_read_as_the_evaluator_reads_them_on_many(texts: list[str]) -> None:
    _moments_are_read_as_the_evaluator_reads_them(texts)
