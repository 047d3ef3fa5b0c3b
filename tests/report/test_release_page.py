"""The page of a release: in the manifest, the same for the same release, readable on a phone, true."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.disclosure.guarantees import GUARANTEES
from ajprivacy_pipeline.disclosure.verdict import verdict
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.release import verify_release
from ajprivacy_pipeline.release.page import PAGE, TableUse, planned_words, render, table_uses, words_of
from ajprivacy_pipeline.release.plots import plots_of
from tests.browser import opened, overflow
from tests.release.release_world import World, fill, shop_rows


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A home with one release."""
    made = World(tmp_path_factory.mktemp("page"))
    fill(made.con, shop_rows())
    made.publish("2024-03")
    return made


@pytest.fixture(scope="module")
def folder(world: World) -> Path:
    """The release's folder."""
    return world.settings.published / "releases" / "2024-03"


def test_the_page_is_part_of_the_release(folder: Path) -> None:
    release = verify_release(folder)

    assert PAGE in release.manifest["files"]
    assert PAGE not in release.tables
    text = (folder / PAGE).read_text(encoding="utf-8")
    (folder / PAGE).write_text(text + " ", encoding="utf-8")
    with pytest.raises(ReleaseError, match=PAGE):
        verify_release(folder)
    (folder / PAGE).write_text(text, encoding="utf-8")


def test_it_says_what_the_manifest_and_the_files_say(world: World, folder: Path) -> None:
    release = verify_release(folder)
    text = (folder / PAGE).read_text(encoding="utf-8")
    paths = [path for path in release.manifest["files"] if "/" in path]
    uses = {use.table: use for use in table_uses(world.policy, folder, paths)}

    assert text == render(world.policy, release.manifest, list(uses.values()))
    assert '<span class="state">proven anonymous</span>' in text
    found = world.query("SELECT count(*), count(*) FILTER (suppressed) FROM sales_monthly")
    assert found == [(uses["sales_monthly"].rows, uses["sales_monthly"].suppressed)]
    for guarantee, gate in release.manifest["guarantees"].items():
        assert f"<b>{guarantee}</b>" in text
        assert gate["verdict"] in text


def test_every_word_of_it_was_scanned_before(world: World, folder: Path) -> None:
    """One scan of the warehouse covers the page: it says nothing that was not known before its figures."""
    head = verify_release(folder).manifest

    assert set(words_of((folder / PAGE).read_text(encoding="utf-8"))) <= planned_words(world.policy, head)


def test_words_are_texts_and_labels_and_no_style() -> None:
    page = '<style>p { color: red }</style><p title="Ask Kari">Hello <b>you</b> 12</p>'
    assert set(words_of(page)) == {"Ask Kari", "Hello", "you"}


def test_values_are_escaped(world: World) -> None:
    head = {"month": "2024-03", "history_from": "2024-01", "policy_version": "x", "proven": True,
            "guarantees": {"G2": {"verdict": verdict("G2", "", []).word, "figure": "<script>alert(1)</script>"}}}
    text = render(world.policy, head, [TableUse("sales_monthly", 0, 0, 0)])
    assert "<script>" not in text
    assert "proven anonymous" in text


HEAD = {"utility": {
    "golden": {"orders_by_month": {"exact": 3, "up to 5 %": 1, "suppressed": 4}},
    "contributors": {"10 to 19": 8, "20 to 49": 2, "1,000 and more": 0},
    "trend": [{"month": "2024-03", "rows": 200, "suppressed": 50}, {"month": "2024-04", "rows": 0, "suppressed": 0}],
    "suppressed_sums": {"suppressed_in_systems": 40, "exactly_recoverable": 1, "too_narrow": 1,
                      "narrowest_count": 20, "narrowest_percent": 10}},
    "microdata": {"classes": {"20 to 49": 4}, "risks": {
        "linkage_risk_max_ppm": 50_000, "linkability_least": 20, "gain_spend_band_ppm": 300_000,
        "advantage_spend_band_ppm": -4_000}}}


def test_bars_are_as_long_as_their_figures(world: World) -> None:
    plots = {plot.title: {bar.name: (bar.length, bar.figure, bar.limit) for bar in plot.bars}
             for plot in plots_of(world.policy, HEAD)}
    assert plots["Golden queries"] == {"orders_by_month": (50.0, "50.0 %, up to 5 %", None)}
    contributors = plots["Contributors behind the shown cells"]
    assert list(contributors) == ["10 to 19", "20 to 49", "50 to 99", "100 to 999", "1,000 and more"]
    assert contributors["20 to 49"] == (25.0, "2", None)
    assert plots["People in a class of the microdata"]["20 to 49"] == (100.0, "4", None)
    assert plots["Suppressed, release by release"] == {
        "2024-03": (25.0, "25.0 %", None), "2024-04": (0.0, "0.0 %", None)}
    assert plots["Risk by attack"] == {
        "G5 a suppressed sum told within 10 contributors or 10 %": (5.0, "2 of 40", 0.0),
        "G5 the narrowest interval of a suppressed count": (50.0, "at least 20 wide, 10 are asked for", 100.0),
        "G5 the narrowest interval of a suppressed amount": (100.0, "at least 10 % on both sides, 10 are asked for",
                                                           100.0),
        "G7 finding a person's row, at most": (5.0, "5.0 % of 10 %", 10.0),
        "G8 following a person into the next table, at most": (5.0, "5.0 % of 10 %", 10.0),
        "G9 guessing spend_band, gain at most": (30.0, "30.0 % of 35 %", 35.0),
        "G9 guessing spend_band, advantage of being in it": (0.0, "0.0 % of 5 %", 5.0)}


@pytest.mark.parametrize("width", [390, pytest.param(1200, marks=pytest.mark.soak)])
def test_a_browser_shows_it_without_an_error_or_overflow(folder: Path, width: int) -> None:
    with opened((folder / PAGE).read_text(encoding="utf-8"), width) as page:
        assert overflow(page) <= 0
        assert page.locator("h1").inner_text() == "Release 2024-03"
        assert page.locator("ul.gates li").count() == len(GUARANTEES)
        assert page.locator("svg").count() >= 9
        titles = page.locator("h3").all_inner_texts()
        assert {"Golden queries", "Contributors behind the shown cells", "Risk by attack",
                "Suppressed, release by release"} <= set(titles)
        assert page.locator("script").count() == 0
        bars = page.locator("ul.plot li")
        assert bars.count() >= 13 + 5 + 1 + 1
        assert all(box and box["width"] > 40 for box in (bars.nth(i).locator("svg").bounding_box()
                                                         for i in range(bars.count()))), "a bar can be seen"
        assert len(page.pdf(format="A4")) > 1000
