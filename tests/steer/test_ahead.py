"""What another policy would decide, and when what is kept goes."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import PolicyError, PrivacyError, ZoneError
from ajprivacy_pipeline.policy import read_texts
from ajprivacy_pipeline.settings import NOTICE, Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.whatif.forecast import COUNTED, by_year, forecast, write_csv, write_plot
from ajprivacy_pipeline.whatif.simulate import simulate
from tests.steer.conftest import MONTH

Changed = Callable[..., Path]
SHORTER = ("individualisation_tail_months = { value = 12", "individualisation_tail_months = { value = 1")
LONGER = ("individualisation_tail_months = { value = 12", "individualisation_tail_months = { value = 60")


def state(settings: Settings) -> dict[str, str]:
    """Every file of the zones that hold people or decisions, by its content."""
    files = (path for folder in (settings.restricted, settings.control, settings.keys) for path in folder.rglob("*"))
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}


def by_change(result: dict[str, object], key: str = "flips") -> set[str]:
    """The kinds of change in a list of a result."""
    return {row["change"] for row in result[key]}  # type: ignore[attr-defined]


def test_the_same_policy_flips_nobody_and_nothing_is_touched(settings: Settings) -> None:
    before = state(settings)
    found = simulate(settings, read_texts(NOTICE), MONTH)

    assert found["flips"] == found["dates"] == found["bulk"] == []
    assert found["backlog"]["attributes"] == 0
    assert found["old_version"] == found["new_version"]
    assert state(settings) == before


def test_another_staging_with_the_same_rules_flips_nobody(settings: Settings, changed: Changed) -> None:
    """The staged tables are made anew where the policy reads values differently."""
    found = simulate(settings, read_texts(changed("purposes.toml", ("[1900, 2199]", "[1901, 2199]"))), MONTH)

    assert found["flips"] == []


def test_a_shorter_period_shows_its_backlog_first(settings: Settings, changed: Changed) -> None:
    found = simulate(settings, read_texts(changed("purposes.toml", SHORTER)), MONTH)
    backlog = found["backlog"]

    assert by_change(found) <= {"becomes_due", "becomes_held"}
    assert backlog["attributes"] == sum(row["rows"] for row in found["flips"]
                                        if (row["change"], row["kind"]) == ("becomes_due", "attributes")) > 0
    assert backlog["by_year"][0]["year"] == int(backlog["oldest_due_on"][:4])
    assert list(found).index("backlog") < list(found).index("flips")
    assert {row["clause"] for row in found["by_clause"] if row["change"] == "becomes_due"} == {"IND-2"}
    assert {row["change"] for row in found["dates"]} == {"earlier"}


def test_a_longer_period_never_revives(settings: Settings, changed: Changed) -> None:
    """What is gone stays gone, nothing becomes due; what was due already is said to be owed."""
    found = simulate(settings, read_texts(changed("purposes.toml", LONGER)), MONTH)

    assert by_change(found) <= {"no_longer_due", "no_longer_held"}
    assert not [row for row in found["flips"] if "absent" in (row["from_decision"], row["to_decision"])]
    assert found["owed_before_the_change"]["attributes"] > 0
    assert found["owed_before_the_change"]["oldest_due_on"] <= found["as_of"]


def test_ids_go_into_the_restricted_zone_alone(settings: Settings, changed: Changed, tmp_path: Path) -> None:
    texts = read_texts(changed("purposes.toml", SHORTER))
    out = settings.restricted / "flips.parquet"
    link = settings.restricted / "link"
    link.symlink_to(tmp_path)
    before = state(settings)
    for elsewhere in (tmp_path / "ids.parquet", settings.restricted / ".." / "ids.parquet", link / "ids.parquet",
                      settings.published / "ids.parquet"):
        with pytest.raises(ZoneError, match="inside the restricted zone"):
            simulate(settings, texts, MONTH, elsewhere)
    assert state(settings) == before
    found = simulate(settings, texts, MONTH, out)

    assert out.stat().st_mode & 0o777 == 0o600
    written = zones.memory().execute(f"SELECT count(*), count(subject_id) > 0 FROM read_parquet('{out}')").fetchall()
    assert written == [(found["ids_written"], True)]
    assert sum(row["rows"] for row in found["flips"]) == found["ids_written"]
    assert "customer:" not in str(found)
    with pytest.raises(ZoneError, match="new file"):
        simulate(settings, texts, MONTH, out)


@pytest.mark.parametrize(("month", "error"), [("2026-09", "never made"), ("september", "YYYY-MM")])
def test_an_unknown_month_changes_nothing(month: str, error: str, settings: Settings) -> None:
    before = state(settings)
    with pytest.raises(PrivacyError, match=error):
        simulate(settings, read_texts(NOTICE), month)
    with pytest.raises(PrivacyError, match=error):
        forecast(settings, month)

    assert state(settings) == before


def test_columns_that_were_not_read_are_named(settings: Settings, changed: Changed) -> None:
    more = 'contact_id = { type = "id", required = true, class = "reference" }'
    folder = changed("sources.toml", (more, f'{more}\nshoe_size = {{ type = "text", class = "quasi_identifier" }}'))
    with pytest.raises(PolicyError, match=r"contacts\.shoe_size was not extracted"):
        simulate(settings, read_texts(folder), MONTH)


def test_the_forecast_adds_up(settings: Settings) -> None:
    """Every person, attribute and record that is there stands in exactly one place."""
    found = forecast(settings, MONTH)
    keys = KeyStore(settings.keys, settings.root_key)
    with zones.open_zone(settings, keys, settings.restricted / f"{MONTH}.duckdb", read_only=True) as con:
        there = con.execute("SELECT count(DISTINCT subject_id), count(*) FROM retention.attribute_decisions "
                            "WHERE decision <> 'absent'").fetchall()[0]
        records = con.execute("SELECT count(*) FROM retention.record_decisions "
                              "WHERE decision <> 'absent'").fetchall()[0][0]
        due, next_month = con.execute(
            "SELECT count(*) FILTER (decision = 'due'), count(*) FILTER (decision = 'retain' "
            "AND due_on > DATE '2026-11-01' AND due_on <= DATE '2026-12-01') "
            "FROM retention.attribute_decisions").fetchall()[0]
    places = [*found["months"], *(found[name] for name in ("now", "held", "no_end_in_sight", "later"))]

    assert [sum(place[column] for place in places) for column in COUNTED] == [*there, records]
    assert found["now"]["attributes"] == due
    assert (found["months"][0]["when"], found["months"][0]["attributes"]) == ("2026-11", next_month)
    assert (len(found["months"]), found["months"][-1]["when"]) == (360, "2056-10")
    assert sum(row["people"] for row in by_year(found)) == sum(row["people"] for row in found["months"])


def test_the_forecast_is_drawn_and_written(settings: Settings, tmp_path: Path) -> None:
    found = forecast(settings, MONTH)
    write_plot(found, tmp_path / "ahead.png")
    write_csv(found, tmp_path / "ahead.csv")

    assert (tmp_path / "ahead.png").read_bytes().startswith(b"\x89PNG")
    with (tmp_path / "ahead.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["when"] for row in (rows[0], rows[3], rows[-1])] == ["now", "2026-11", "later"]
    assert len(rows) == 364
    with pytest.raises(PrivacyError, match="cannot be written"):
        write_plot(found, tmp_path / "nowhere" / "ahead.png")
