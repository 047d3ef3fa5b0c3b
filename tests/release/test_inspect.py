"""`ajprivacy releases list|verify|diff`: what is there, whether it is whole, what changed."""

import json
import os
import subprocess

import duckdb
import pytest

from ajprivacy_pipeline.release import read_release
from ajprivacy_pipeline.release.inspect import diff, list_releases, verify
from tests import forked
from tests.release.release_world import World, all_but


@pytest.fixture(scope="module")
def left_out() -> tuple[str, ...]:
    """Sales alone are looked at here."""
    return all_but("sales_monthly")


def call(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("AJPRIVACY")}
    env["AJPRIVACY_HOME"] = str(world.settings.home)
    return forked.call(["releases", *arguments], env, world.settings.home)


@pytest.mark.soak
def test_two_months_are_listed_whole_and_differ_by_the_new_month_alone(published: World) -> None:
    published.publish("2024-04")
    settings = published.settings

    assert [(row["month"], row["state"]) for row in list_releases(settings)] == [
        ("2024-03", "earlier"), ("2024-04", "current")]
    assert [row["faults"] for row in verify(settings)] == [[], []]
    rows = sum(read_release(settings).rows.values())
    assert list_releases(settings)[-1]["rows"] == verify(settings)[-1]["rows"] == rows
    assert rows == sum(published.query(f"SELECT count(*) FROM {table}")[0][0] for table in read_release(settings).tables
                       if table not in ("data_dictionary", "release_info")), "these tell of the release"
    found = diff(settings, "2024-03", "2024-04")
    assert found["closed_months_changed"] == []
    assert set(found["tables"]["sales_monthly"]["files"]) == {"sales_monthly/2024-04.parquet"}
    cells = found["tables"]["sales_monthly"]["cells"]
    assert cells["added"] > 0
    assert cells["removed"] == cells["changed"] == 0


def test_a_tampered_file_is_named_and_ends_with_2(published: World) -> None:
    file = published.settings.published / "releases" / "2024-03" / "sales_monthly" / "2024-02.parquet"
    file.write_bytes(file.read_bytes() + b"x")
    done = call(published, "verify")

    assert done.returncode == 2
    assert "sales_monthly/2024-02.parquet" in done.stderr
    assert list_releases(published.settings)[0]["state"] == "damaged"
    assert call(published, "list").returncode == 0


def test_a_tampered_analytics_file_is_found(published: World) -> None:
    with duckdb.connect(str(published.analytics)) as con:
        con.execute("UPDATE published.sales_monthly SET orders = orders + 1 WHERE orders IS NOT NULL")
    faults = [fault for row in verify(published.settings) for fault in row["faults"]]
    assert len(faults) == 1
    assert "analytics.duckdb: rows of sales_monthly are not those of the release" in faults[0]
    published.analytics.unlink()
    assert "analytics.duckdb is missing" in verify(published.settings)[0]["faults"][0]


def test_lines_json_and_what_is_not_there(published: World, tmp_path: pytest.TempPathFactory) -> None:
    assert "1 release(s)" in call(published, "list").stdout
    assert json.loads(call(published, "list", "--json").stdout)[0]["month"] == "2024-03"
    assert json.loads(call(published, "verify", "2024-03", "--json").stdout)[0]["faults"] == []
    done = call(published, "diff", "2024-03", "2024-03", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tables"] == {}
    for arguments in (("verify", "2023-01"), ("diff", "2024-03", "2023-01")):
        missing = call(published, *arguments)
        assert missing.returncode == 2
        assert "there is no release for 2023-01" in missing.stderr
