"""The page of a release: in the manifest, the same for the same release, readable on a phone, true."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.anonymise.verdict import verdict
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.release import verify_release
from ajprivacy_pipeline.report.release_page import PAGE, TableUse, planned_words, render, table_uses, words_of
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
    assert "not proven anonymous" in text
    found = world.query("SELECT count(*), count(*) FILTER (suppressed) FROM sales_monthly")
    assert found == [(uses["sales_monthly"].rows, uses["sales_monthly"].withheld)]
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


@pytest.mark.parametrize("width", [390, 1200])
def test_a_browser_shows_it_without_an_error_or_overflow(folder: Path, width: int) -> None:
    with opened((folder / PAGE).read_text(encoding="utf-8"), width) as page:
        assert overflow(page) <= 0
        assert page.locator("h1").inner_text() == "Release 2024-03"
        assert page.locator("ul.gates li").count() == 16
        assert page.locator("svg").count() >= 9
        assert len(page.pdf(format="A4")) > 1000
