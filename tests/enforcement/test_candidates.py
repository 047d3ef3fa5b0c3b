"""What a text is told to lead to, before it is looked at piece by piece."""

import random
from collections.abc import Iterator

import pytest

from ajprivacy_pipeline.enforcement.candidates import candidates, leads_nowhere, prepare
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import zones

SWEEP = load_policy(NOTICE).enforcement.sweep
LETTERS = "0123456789" * 3 + " -./()+:,;#T@=%&\\\n\u00a0AaxØé"


@pytest.fixture(scope="module")
def con() -> Iterator[zones.Connection]:
    with zones.memory() as con:
        prepare(con)
        yield con


def test_whatever_leads_nowhere_has_no_candidate(con: zones.Connection) -> None:
    rng = random.Random(7)
    texts = ["".join(rng.choices(LETTERS, k=rng.randint(1, 14))) for _ in range(8_000)]
    texts += [f"{text} {''.join(rng.choices('0123456789-:. T', k=rng.randint(0, 9)))}" for text in
              ("2024-01-31", "2024-01-31 10:11:12", "1999-12-31T23:59") for _ in range(500)]
    con.execute("CREATE OR REPLACE TABLE texts AS SELECT DISTINCT unnest($1) AS value", [texts])
    nowhere = _values(con, f"SELECT value FROM texts WHERE {leads_nowhere('value', SWEEP)}")
    found = _values(con, candidates("(SELECT 0 AS row_no, 0 AS col, value FROM texts)", SWEEP, "[1, 2, 3]", "1"))

    assert len(nowhere) > 400
    assert len(found) > 400
    assert not nowhere & found


def _values(con: zones.Connection, query: str) -> set[str]:
    return {row[0] for row in con.execute(f"SELECT value FROM ({query})").fetchall()}


@pytest.mark.parametrize(("text", "expected"), [
    ("12345.67", True), ("123456.78", False), ("739184", False), ("12 34", False), ("12-34", True),
    ("+47 12 34 56 78", False), ("+47 12 34 5", True),
    ("2024-01-31", True), ("2024-01-31 10:11:12.123456789", True), ("2024-01-31 1", False), ("1@2", False),
    ("a", False), ("ø", False), ("&#65;", False), ("=41", False), ("%41", False), ("\\u0041", False),
])
def test_days_and_few_digits_lead_nowhere(con: zones.Connection, text: str, expected: bool) -> None:
    told = con.execute(f"SELECT {leads_nowhere('$text', SWEEP)}", {"text": text}).fetchall()
    assert told == [(expected,)]
