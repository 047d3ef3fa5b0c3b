"""Somebody who has never seen Dagster's pages finds, in a real browser, what a month came to and what is to be done.

One home for all: a month that ended well, and one that failed after it. Pictures go to AJPRIVACY_PICTURES where that is
set, never into the repository.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from ajprivacy_pipeline.assets.history import CODE
from ajprivacy_pipeline.assets.instance import prepare_dagster
from playwright.sync_api import Page, expect

from ajprivacy_pipeline.settings import load_settings
from tests.assets.conftest import Home
from tests.assets.test_pages import Pages
from tests.assets.tiny import CANARIES
from tests.browser import visited

pytestmark = pytest.mark.soak

MONTH, PARTITION, NEXT = "2026-08", "2026-08-01", "2026-09"
QUESTIONS = ("Did last month run?", "Who is overdue, and why?", "Is the standing release proven?",
             "What happens next month?", "Which check failed, and what is to be done?",
             "Which policy decided, and who changed it?", "What waits for me?")
# Somebody whose profile and orders ended long ago.
OLD = ("INSERT INTO customers (customer_id, customer_type, name, email, birth_date, profile_created_at, "
       "profile_closed_at) VALUES ('c-old', 'consumer', 'Old Person', 'old@eksempel.test', '1970-01-01', "
       "'2009-01-01 10:00:00', '2010-01-01 10:00:00')")
LAYERS = ("retention", "pseudonyms", "pseudonymised")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which August ended well and September failed."""
    made = Home(tmp_path_factory.mktemp("watched") / "home")
    made.folder.mkdir()
    made.shop()
    with closing(sqlite3.connect(made.folder / "sample" / "shop.db")) as con, con:
        con.execute(OLD)
    done = made.call("run", "--month", MONTH, "--history-from", "2026-07")
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(made.folder / "sample" / "shop.db")) as con, con:
        con.execute(OLD)  # the same id again
    assert made.call("run", "--month", NEXT).returncode != 0
    return made


@pytest.fixture(scope="module")
def page(home: Home) -> Iterator[Page]:
    """A window before the pages of that home."""
    pages = Pages(home.folder, "--read-only")
    try:
        pages.wait()
        with visited(f"http://127.0.0.1:{pages.port}") as window:
            yield window
    finally:
        pages.end()


@pytest.fixture(autouse=True)
def picture(page: Page, request: pytest.FixtureRequest) -> Iterator[None]:
    """What was seen last, where somebody wants to look; and no planted person on any page."""
    yield
    if folder := os.environ.get("AJPRIVACY_PICTURES"):
        page.screenshot(path=Path(folder) / f"{request.node.name}.png")
    seen = page.inner_text("body")
    assert not [mark for mark in CANARIES if mark in seen]


def _see(page: Page, address: str, *texts: str) -> None:
    """Open an address, and see each text."""
    page.goto(address)
    for text in texts:
        expect(page.get_by_text(text, exact=False).filter(visible=True).first).to_be_visible(timeout=60_000)


def _is_whole(page: Page) -> None:
    """Nothing is cut off at the side, where a reader would have to look for it."""
    assert page.evaluate("""() => [...document.querySelectorAll('*')].filter(one =>
        one.scrollWidth > one.clientWidth + 5 && getComputedStyle(one).overflowX === 'auto').length""") == 0


def test_did_last_month_run(page: Page) -> None:
    """The overview and the list of runs: what failed, what did not, by whom, under which policy, by which code."""
    _see(page, "/overview", "monthly")
    _see(page, "/runs", f"partition: {PARTITION}", "Success", "Failure", "actor: command_line", "policy: ",
         "revision: ")


def test_who_opens_the_pages_begins_at_the_answers(page: Page) -> None:
    """No click, and nothing that a column cuts off."""
    _see(page, "/", *QUESTIONS, "decisions are due, the oldest for")
    page.wait_for_url("**/assets/month/page")
    _is_whole(page)


def test_a_newcomer_finds_the_way_from_the_job_and_from_the_graph(page: Page) -> None:
    _see(page, f"/locations/{CODE}/jobs/monthly", *QUESTIONS)
    _see(page, "/asset-groups", "00_start_here", "04_retention", "10_release")


def test_the_seven_questions_are_answered_in_one_place(page: Page) -> None:
    """Each with its answer below it, and a link to what says more; the page of the month is a click away."""
    _see(page, "/assets/month/page", *QUESTIONS, f"this is the page of {MONTH}", "decisions are due, the oldest for",
         "guarantees passed", "more become due by the end of", "checks_not_passed", "waits for approval")
    page.get_by_role("link", name="retention/due").first.click()
    page.wait_for_url("**/assets/retention/due**")
    page.goto("/assets/month/page")
    link = page.get_by_role("link", name=f"/month/month-{MONTH}.en.html")
    expect(link).to_be_visible(timeout=60_000)
    page.goto(str(link.get_attribute("href")))
    for text in ("Privacy in August 2026", "proven anonymous", "What is due next", "The policy, and who changed what"):
        expect(page.get_by_text(text).first).to_be_visible()


def test_who_is_overdue_and_why(page: Page) -> None:
    _see(page, "/assets/retention/due", "due by ", "older): ", "due_by_purpose", "has ended", "oldest_overdue_days",
         "whose it is: customer:ID or contact:ID", "privacy: reference")


def test_a_published_table_says_what_it_is_and_how_fresh(page: Page) -> None:
    _see(page, "/assets/release/sales_monthly", "Orders, units and revenue", "Freshness policy", "content: anonymous",
         "First day of the period of ordering.")


def test_a_table_in_between_says_whether_anybody_was_lost(page: Page) -> None:
    _see(page, "/assets/retention/attribute_rulings?view=checks", "is_whole", "Every subject is ruled on")


def test_is_the_release_proven(page: Page) -> None:
    """Of the one that stands, though a later run failed before it came to a release."""
    _see(page, "/assets/release/analytics?view=checks", "g02_threshold", "Passed", "blocking", PARTITION)
    expect(page.get_by_text("Failed")).to_have_count(0)


def test_which_check_failed_and_what_is_to_be_done(page: Page) -> None:
    """In one table for the month; at the table itself, that the failed run asked nothing."""
    _see(page, "/assets/month/page", "values_fit", "staged/orders", "fault(s) in", "correct the values in the source")
    _see(page, "/assets/staged/orders?view=checks", "values_fit", "not checked")


def test_what_happens_next_month(page: Page) -> None:
    """When it runs, and that it will."""
    _see(page, "/automation", "monthly_on_the_second", "on day 2 of the month", "alerts", "failed_runs")


def test_a_failed_run_says_what_to_do(page: Page, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DAGSTER_HOME", "DAGSTER_REDACT_USER_CODE_ERRORS", "DAGSTER_DISABLE_TELEMETRY", "AJPRIVACY_HOME"):
        monkeypatch.setenv(name, "")
    with prepare_dagster(load_settings(home.env)) as instance:
        (run,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    _see(page, f"/runs/{run.run_id}", "Failure", "Errored (1)", "make it unique in the source")


def test_every_column_of_a_months_tables_says_what_it_is(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its class; a new column without words is found here."""
    for name in ("DAGSTER_HOME", "DAGSTER_REDACT_USER_CODE_ERRORS", "DAGSTER_DISABLE_TELEMETRY", "AJPRIVACY_HOME"):
        monkeypatch.setenv(name, "")
    silent = []
    with prepare_dagster(load_settings(home.env)) as instance:
        for key in instance.get_asset_keys():
            event = instance.get_latest_materialization_event(key) if key.path[0] in LAYERS else None
            if event is not None and event.asset_materialization is not None:
                schema = event.asset_materialization.metadata.get("dagster/column_schema")
                columns = schema.schema.columns if isinstance(schema, dg.TableSchemaMetadataValue) else ()
                silent += [f"{key.to_user_string()}.{column.name}" for column in columns
                           if not column.description or "privacy" not in (column.tags or {})]
    assert silent == []
