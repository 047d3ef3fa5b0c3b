"""The visible share: what is measured, what of it is said, and that it gives nothing away."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest

from ajprivacy_pipeline.cli.console import _release_rows
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release import read_release, visible
from ajprivacy_pipeline.release.visible import EMPTY, NOTHING, may_tell, percent, told_lines, visible_shares
from ajprivacy_pipeline.storage.zones import Connection, memory
from tests.release.release_world import World, small_policy

K = 10
TABLE = "communications_monthly"
JANUARY, FEBRUARY = "2024-01-01", "2024-02-01"


@dataclass(frozen=True)
class Cell:
    """A cell of the table of messages, with how many customers stand behind it; `hidden` values are suppressed."""

    month: str
    channel: str
    direction: str
    messages: int
    customers: int
    hidden: tuple[str, ...] = ()


def said_of(cells: Sequence[Cell], previous: Sequence[Any] = (), closed: Sequence[Cell] = (),
            is_new: bool = True) -> tuple[dict[Any, Any], list[Any]]:
    """By level and measure what is said of the table; everything that is said."""
    policy = small_policy()
    con = memory()
    con.execute("CREATE SCHEMA published")
    put(con, f"published.{TABLE}", cells, true=True)
    put(con, "public", cells)
    put(con, "earlier", closed)
    listed = visible_shares(con, policy, {TABLE: "public"}, {TABLE: "earlier"} if closed else {}, previous,
                            is_new=is_new)
    (entry,) = listed
    return {(level["dimensions"], share["measure"]): share
            for level in entry["levels"] for share in level["shares"]}, listed


def test_a_level_that_is_not_listed_counts_among_what_is_suppressed() -> None:
    """Its sums are in the whole; that nobody of it is shown may be said, and no share that would tell who is left."""
    cells = month(JANUARY, 50, 50, customers=(2001, 2000, 1))
    listed = [cell for cell in cells if cell.channel != "phone"]
    policy, con = small_policy(), memory()
    con.execute("CREATE SCHEMA published")
    put(con, f"published.{TABLE}", cells, true=True)
    put(con, "public", listed)
    (entry,) = visible_shares(con, policy, {TABLE: "public"}, {}, (), is_new=True)
    said = {(level["dimensions"], share["measure"]): share["percent"]
            for level in entry["levels"] for share in level["shares"]}
    assert said[2, "messages"] == 50
    assert said[2, "customers"] == 99, "and not all of them"
    con.execute("DELETE FROM public WHERE channel <> '(all)'")
    (entry,) = visible_shares(con, policy, {TABLE: "public"}, {}, (), is_new=True)
    assert [(level["dimensions"], level["cells"]) for level in entry["levels"]] == [(0, 1), (1, 1), (2, 0)]
    assert {share["percent"] for share in entry["levels"][2]["shares"]} == {0}
    con.execute("DELETE FROM public")
    (entry,) = visible_shares(con, policy, {TABLE: "public"}, {}, (), is_new=True)
    assert entry["nothing"] == NOTHING, "something did happen"


def put(con: Connection, relation: str, cells: Sequence[Cell], *, true: bool = False) -> None:
    con.execute(f"CREATE TABLE {relation} (month DATE, channel VARCHAR, direction VARCHAR, messages BIGINT, "
                "customers BIGINT, suppressed BOOLEAN, suppressed_measures VARCHAR[])")
    for cell in cells:
        hidden = () if true else cell.hidden
        values = [None if name in hidden else value for name, value in
                  (("messages", cell.messages), ("customers", cell.customers))]
        con.execute(f"INSERT INTO {relation} VALUES (?, ?, ?, ?, ?, ?, [])",
                    [cell.month, cell.channel, cell.direction, *values, len(hidden) == 2])


BOTH = ("messages", "customers")


def month(first: str, email: int, phone: int, customers: tuple[int, int, int] = (60, 50, 20),
          hidden: tuple[str, ...] = BOTH, total: tuple[str, ...] = ()) -> list[Cell]:
    """A month with two channels, phone hidden, and one direction."""
    every, by_email, by_phone = customers
    rows = [("(all)", email + phone, every, total), ("email", email, by_email, ()), ("phone", phone, by_phone, hidden)]
    return [Cell(first, channel, direction, messages, people, gone)
            for channel, messages, people, gone in rows for direction in ("(all)", "in")]


def test_a_share_is_the_sum_of_shown_cells_by_that_of_all_cells_rounded_down() -> None:
    """99 of 150 by channel, all 150 by direction: 249 of 300 with one dimension named, 99 of 150 with two."""
    said, _ = said_of(month(JANUARY, 99, 51))
    assert said[0, "messages"]["percent"] == 100
    assert said[1, "messages"]["percent"] == 83
    assert said[2, "messages"]["percent"] == 66


@pytest.mark.parametrize(("email", "phone", "told"), [(100, 0, 100), (999, 1, 99), (991, 9, 99), (989, 11, 98)])
def test_a_hundred_percent_is_nothing_less(email: int, phone: int, told: int) -> None:
    assert said_of(month(JANUARY, email, phone))[0][2, "messages"]["percent"] == told


def test_a_period_whose_total_is_suppressed_is_not_counted_and_that_is_said() -> None:
    """What is shown of it would tell what its total is."""
    said, _ = said_of([*month(JANUARY, 75, 25), *month(FEBRUARY, 10, 90, total=("messages",))])
    assert said[0, "messages"] == {"measure": "messages", "percent": 50, "periods": 1, "of": 2}
    assert said[2, "messages"] == {"measure": "messages", "percent": 75, "periods": 1, "of": 2}
    only = said_of(month(FEBRUARY, 10, 90, total=("messages",)))[0]
    assert (only[2, "messages"]["percent"], only[2, "messages"]["periods"]) == (None, 0)


def test_the_share_of_sums_follows_from_published_cells_alone() -> None:
    """Other figures under the suppressed cells change nothing that is said."""
    told = [said_of(month(JANUARY, 75, 25))[0], said_of(month(JANUARY, 75, 25))[0]]
    hidden = said_of([Cell(cell.month, cell.channel, cell.direction, 7 if cell.hidden else cell.messages,
                           cell.customers, cell.hidden) for cell in month(JANUARY, 75, 25)])[0]
    for key in ((0, "messages"), (1, "messages"), (2, "messages")):
        assert told[0][key] == told[1][key] == hidden[key]


def test_closed_periods_count_from_their_files() -> None:
    said, listed = said_of(month(FEBRUARY, 50, 50), closed=month(JANUARY, 100, 0))
    assert said[2, "messages"] == {"measure": "messages", "percent": 75, "periods": 2, "of": 2}
    assert [(level["cells"], level["suppressed"]) for level in listed[0]["levels"]] == [(2, 0), (6, 2), (4, 2)]


@pytest.mark.parametrize(("people", "hidden", "told"), [
    # 80 % of 2,000 and the hidden ones: these are more than 469.1 and at most 500.
    (2000, 500, None), (2000, 491, None), (2000, 490, 80), (2000, 480, 80), (2000, 479, None), (2000, 470, None),
    # 99 %: at most 20.2, and down to none.
    (2000, 1, 99), (2000, 10, 99), (2000, 11, None), (40, 10, None), (40, 1, None)])
def test_people_are_told_of_only_where_it_leaves_the_suppressed_ones_open(
        people: int, hidden: int, told: int | None) -> None:
    """They add up over nothing, so that no published total tells how many there are."""
    said = said_of(month(JANUARY, 50, 50, customers=(people + hidden, people, hidden)))[0][2, "customers"]
    assert said["percent"] == told


def bounds(told: int, shown: int) -> tuple[Fraction, Fraction]:
    """Between what a reader knows the hidden sum to lie, by the meaning of rounding down."""
    most = Fraction(100 * shown, told) - shown
    least = Fraction(100 * shown, told + 1) - shown
    return max(Fraction(0), least), most


@pytest.mark.parametrize("shown", [1, 9, 50, 400, 3000, 100_000])
def test_what_is_told_leaves_ten_people_on_either_side(shown: int) -> None:
    """Held against the definition, for every hidden sum up to the shown one, and some far beyond."""
    answers = set()
    for hidden in [*range(1, min(shown, 700) + 1), 5 * shown, 40 * shown]:
        found = percent(shown, shown + hidden)
        assert found is not None
        if not found:
            continue
        least, most = bounds(found, shown)
        assert least < hidden <= most or (least == 0 and hidden <= most)
        is_open = most - hidden >= K and (hidden - least >= K or least == 0)
        assert may_tell(found, shown, hidden, 1, K) == is_open
        answers.add(is_open)
    assert (True in answers) if shown >= 400 else (False in answers)


def test_nothing_suppressed_gives_nothing_away() -> None:
    assert may_tell(100, 5, 0, 0, K)
    assert not may_tell(100, 5, 0, 1, K), "a suppressed zero would be known to be one"


def test_later_releases_put_together_what_was_said() -> None:
    """Each speaks of its own periods; a re-issue adds nothing, and what may not be told is not counted."""
    first = said_of(month(JANUARY, 50, 50, customers=(2490, 2000, 490)))
    assert (first[0][2, "customers"]["percent"], first[0][2, "customers"]["periods"]) == (80, 1)
    january = month(JANUARY, 50, 50, customers=(2490, 2000, 490))
    march = month("2024-03-01", 50, 50, customers=(4100, 4000, 100))
    later = said_of(march, first[1], january)[0][2, "customers"]
    assert (later["percent"], later["periods"], later["of"]) == (90, 2, 2), "6,000 of at most 2,500 and 4,123.7"
    again = said_of(march, first[1], january, is_new=False)[0][2, "customers"]
    assert (again["percent"], again["periods"], again["of"]) == (80, 1, 2)
    untold = said_of(month(FEBRUARY, 50, 50, customers=(41, 40, 1)), first[1], january)[0][2, "customers"]
    assert (untold["percent"], untold["periods"], untold["of"]) == (80, 1, 2)


def test_a_table_without_a_figure_says_so_in_one_line_and_what_would_help() -> None:
    nothing = [Cell(JANUARY, "(all)", "(all)", 5, 3, BOTH), Cell(JANUARY, "email", "(all)", 5, 3, BOTH)]
    ((table, line),) = told_lines(said_of(nothing)[1])
    assert (table, line) == (TABLE, NOTHING)
    assert "\n" not in line
    assert "quarter" in line
    ((_, line),) = told_lines(said_of([])[1])
    assert line == EMPTY, "and what has no rows is a known zero"


def test_the_release_tells_it_wherever_it_is_looked_for(published: World) -> None:
    manifest = read_release(published.settings).manifest
    lines = dict(told_lines(manifest["visible"]))
    assert lines["communications_monthly"] == "messages 100, 50, 0 %; customers 100, –, 0 %"
    assert lines["service_monthly"] == EMPTY
    found = published.query("SELECT title, percent, figure FROM release_info WHERE guarantee = "
                            "'communications_monthly' AND title LIKE 'messages%'")
    assert found == [("messages, total", 100, "3 of 3 periods"), ("messages, 1 dimension named", 50, "3 of 3 periods"),
                     ("messages, 2 dimensions named", 0, "3 of 3 periods")]
    assert published.query("SELECT verdict, percent FROM release_info WHERE guarantee = 'service_monthly'") == [
        ("nothing visible", None)]
    page = (published.settings.published / "releases" / "2024-03" / "release.html").read_text(encoding="utf-8")
    cells, gone = published.query("SELECT count(*), count(*) FILTER (suppressed) FROM communications_monthly "
                                  "WHERE (channel = '(all)') <> (direction = '(all)')")[0]
    assert f"<td>1 dimension named</td><td>{cells}</td><td>{gone}</td><td>50 %</td><td>–</td>" in page
    assert EMPTY in page


def test_the_share_is_that_of_the_published_file(published: World) -> None:
    """By hand, from what analysts have: shown with one dimension named by twice the totals."""
    shown, totals = published.query(
        "SELECT sum(messages) FILTER ((channel = '(all)') <> (direction = '(all)')), "
        "sum(messages) FILTER (channel = '(all)' AND direction = '(all)') FROM communications_monthly")[0]
    assert published.query("SELECT percent FROM release_info WHERE title = 'messages, 1 dimension named'") == [
        (100 * shown // (2 * totals),)]


@pytest.mark.soak
def test_the_summary_counts_rows_of_tables_alone(world: World) -> None:
    """The dictionary and release_info tell of the release and are no part of what it tells."""
    result = world.publish()
    assert [n for n in result.figures if n.startswith(("visible_", "golden_"))] == [], "what a release does not tell"
    assert {"data_dictionary", "release_info"} & set(result.rows) == set()
    assert result.rows["sales_monthly"] == world.query("SELECT count(*) FROM sales_monthly")[0][0]
    again = world.publish("2024-02")
    assert (again.status, again.rows, again.visible) == ("already_closed", result.rows, result.visible)
    assert [(v.guarantee, v.word, v.figure) for v in again.verdicts] == [
        (v.guarantee, v.word, v.figure) for v in result.verdicts]
    assert again.figures == {name: result.figures[name] for name in ("cells", "cells_suppressed")}
    assert again.published_at == result.published_at
    assert result.published_at[:10] == world.control.releases()[0]["published_at"].date().isoformat()


@pytest.mark.parametrize("status", ["published", "already_closed"])
def test_the_command_line_shows_it(status: str) -> None:
    rows = _release_rows({"status": status, "proven": True, "history_from": "2024-01", "cells": 8,
                          "cells_suppressed": 2, "unconverted_lines": 0, "rows": 8, "gates": {"G2": "passed"},
                          "visible": {"sales_monthly": "orders 100, 98 %"}, "absent": {}})
    assert ("", "sales_monthly: orders 100, 98 %") in rows
    assert ("gates", "1 passed (G2)") in rows
    assert any("the month is closed" in text for _, text in rows) == (status == "already_closed")


def test_measures_told_are_counts_amounts_and_people() -> None:
    policy: Policy = small_policy()
    told = {table: visible.measures_told(policy, visible.shape_of(policy, table))
            for table, entry in policy.release.tables.items() if entry.months}
    assert told["sales_monthly"] == ["orders", "revenue_nok", "customers"]
    assert told["deliveries_monthly"] == ["orders"], "no median"
    assert told["newsletter_monthly"] == ["subscribed"], "no stock"
    assert told["retention_monthly"] == []
