"""The page of a month: its figures are those of the month, and it can be read, by anybody, on anything."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.calendar import shift
from ajprivacy_pipeline.cli.pages import page as command
from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.monthly.figures import MonthFigures, MonthPage
from ajprivacy_pipeline.monthly.page import LANGUAGES, page_name, render, write_pages
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage.month_files import read_month
from tests.browser import contrasts, opened, overflow
from tests.enforcement.enforcement_world import MONTH, World
from tests.enforcement.kept import Kept
from tests.enforcement.keyed_shop import keyed_world

POLICY = load_policy(NOTICE)
TODAY = date(2026, 11, 28)
FOLDER = Path(NOTICE).parent / "monthly"
PEOPLE = ("Kari", "Nordmann", "kari@", "Per Hansen", "Anne", "SW1A", "customer:1", "contact:31")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A shop of five people."""
    return Kept(tmp_path_factory.mktemp("keyed"), lambda folder: keyed_world(
        folder, f"sqlite:///{folder / 'shop.db'}"))


def figures_of(world: World, today: date = TODAY) -> MonthFigures:
    """The figures of a decided month."""
    with read_month(world.settings, MONTH) as (con, month):
        return MonthPage(con, world.settings, world.policy, world.control, month, today).figures()


@pytest.fixture(scope="module")
def applied(kept: Kept) -> MonthFigures:
    """Of a month that is carried out."""
    return figures_of(kept.applied())


def full(found: MonthFigures, **changed: Any) -> MonthFigures:
    """The same with something in every section, so that every part of the page is drawn."""
    more: dict[str, Any] = {
        "held_by": {"restriction": 2, "open_balance": 1_234}, "overdue_since": date(2026, 10, 2), "overdue_days": 57,
        "plan": {"state": "made", "rows": 1_000, "subjects": 1, "brakes": 2, "refused": 1,
                 "not_carried_out": {"no mapping": 3}, "waiting": {"orders.link": 4}},
        "releases": [{"month": "2026-09", "proven": True, "published_on": date(2026, 10, 2)},
                     {"month": MONTH, "proven": True, "published_on": date(2026, 11, 2)}],
        "standing": {"month": MONTH, "whole": True,
                     "verdicts": {"G2": "passed", "G3": "failed", "G4": "not checked", "G16": "not checked"},
                     "visible": [{"table": "sales_monthly", "measure": "revenue_nok", "levels": [100, 44, None]},
                                 {"table": "sales_monthly", "measure": "orders", "levels": [None]}]},
        "requests": [{"kind": "access", "received": 1, "ended": 2, "open": 3, "soon": 4, "overdue": 5},
                     {"kind": "unknown", "received": 0, "ended": 0, "open": 1, "soon": 0, "overdue": 1}],
        "reviews_undecided": {"no_evidence": 7}, "review_days": 1, "missing_evidence": ["orders is not mapped"],
        "source_rows": [("2026-09", 36_396), (MONTH, 34_627)],
        "faults": [{"table": "orders", "column": f"c{number}", "fault": "orphan", "rows": 10} for number in range(17)],
        "policies": [
            {"version": "a" * 16, "stored_at": datetime(2026, 1, 1, 12, 0), "stored_by": None, "months": [],  # noqa: DTZ001 - the store's
             "changes": None},
            {"version": "b" * 16, "stored_at": datetime(2026, 10, 5, 12, 0), "stored_by": "ada", "months": [MONTH],  # noqa: DTZ001 - as above
             "changes": [{"file": "purposes.toml", "key": f"periods.p{number}", "kind": "changed", "was": "12",
                          "now": "<b>6</b>"} for number in range(21)]}]}
    return {**found, **more, **changed}  # type: ignore[typeddict-item]


def test_what_is_decided_is_what_the_month_decided(kept: Kept, applied: MonthFigures) -> None:
    """Every decision about something that is there is counted once, at its part; so is each age of what is due."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for (entity, key, part), (decision, _) in kept.decisions.items():
        named = ("contacts" if key.startswith("contact:") else "customers") if entity == "subject" else entity
        if decision != "absent":
            counted[named, part, decision] += 1
    assert {(row["entity"], row["part"], decision): row[decision] for row in applied["decided"]  # type: ignore[literal-required]
            for decision in ("due", "hold", "retain") if row[decision]} == dict(counted)  # type: ignore[literal-required]
    days = [day for decision, day in kept.decisions.values() if decision == "due"]
    ages = Counter("under_a_month" if day > date(2026, 10, 1) else "under_a_year" if day > date(2025, 11, 1) else
                   "under_three_years" if day > date(2023, 11, 1) else "older" for day in days)
    assert len(ages) > 1
    assert {age: count for age, count in applied["due_ages"].items() if count} == dict(ages)
    assert {row["clause"] for row in applied["decided"]} <= set(POLICY.clauses)


def test_the_forecast_holds_everything_that_is_there(applied: MonthFigures) -> None:
    ahead = applied["forecast"]
    attributes = sum(row["attributes"] for row in ahead["months"]) + sum(
        ahead[edge]["attributes"] for edge in ("now", "held", "no_end_in_sight", "later"))
    assert attributes == sum(row["due"] + row["hold"] + row["retain"] for row in applied["decided"]
                             if row["entity"] in ("customers", "contacts"))
    assert ahead["months"][0]["when"] == shift(MONTH, 1)


def test_before_approval_somebody_is_overdue_and_afterwards_nobody(kept: Kept, applied: MonthFigures) -> None:
    world = kept.decided()
    before = figures_of(world)
    assert before["plan"]["state"] is None
    assert before["certificate"] is None
    world.plan()
    waiting = figures_of(world)
    assert waiting["plan"]["state"] == "made"
    assert waiting["overdue_days"] == (TODAY - waiting["overdue_since"]).days if waiting["overdue_since"] else False
    assert applied["overdue_since"] is None
    assert applied["plan"]["state"] == "verified"
    assert applied["certificate"] is not None
    assert applied["certificate"]["rows"] == applied["plan"]["rows"] == applied["carried_out"]
    assert (before["carried_out"], waiting["carried_out"]) == (0, 0)
    done = f"<br>{applied['carried_out']} carried out</p>"
    assert done in render(applied, POLICY, "en")
    assert done not in render(waiting, POLICY, "en")
    assert "Planen venter på godkjenning." in render(waiting, POLICY, "nb")
    assert "nobody waits for anything" in render(applied, POLICY, "en")


@pytest.mark.parametrize(("days", "alert"), [(-1, False), (0, False), (1, True)])
def test_longer_overdue_than_the_policy_allows_is_shown_in_red(applied: MonthFigures, days: int, alert: bool) -> None:
    limit = POLICY.enforcement.overdue_days
    text = render(full(applied, overdue_since=TODAY - timedelta(limit + days), overdue_days=limit + days), POLICY, "en")
    assert (f'<p class="big alert">{limit + days} days</p>' in text) == alert


@pytest.mark.parametrize(("whole", "proven", "says"), [
    (True, True, "proven anonymous"), (True, False, "must not be shared"),
    (False, True, "not what was proven any more")])
def test_a_release_is_called_proven_only_while_its_files_are(applied: MonthFigures, whole: bool, proven: bool,
                                                            says: str) -> None:
    found = full(applied)
    assert found["standing"] is not None
    text = render(full(applied, standing={**found["standing"], "whole": whole}, releases=[
        {"month": MONTH, "proven": proven, "published_on": TODAY}]), POLICY, "en")
    card = text[text.index('class="cards"'):text.index("<nav")]
    assert says in card
    assert (f'<span class="{"good" if whole and proven else "alert"}">' in card)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_on_it(applied: MonthFigures, language: Any) -> None:
    for found in (applied, full(applied)):
        text = render(found, POLICY, language)
        assert [name for name in PEOPLE if name in text] == []
        assert not re.search(r"\S+@\S+\.\w", text)


class Outline(HTMLParser):
    """What a page is built of."""

    VOID = ("meta", "link", "br", "rect", "polyline")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag opens."""
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """The newest one that is open closes."""
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag without content."""
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_well_formed_and_needs_nothing_else(applied: MonthFigures, language: Any) -> None:
    """Every tag is closed, headings descend by one, every cell of a head has a scope, every plot says what it shows."""
    text = render(full(applied), POLICY, language)
    found = Outline()
    found.feed(text)
    found.close()
    assert found.open == []
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(attrs.get("scope") for tag, attrs in found.tags if tag == "th")
    assert all(attrs.get("role") == "presentation" or attrs.get("aria-label") for tag, attrs in found.tags
               if tag == "svg")
    ids = [attrs["id"] for _, attrs in found.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = [str(attrs["href"]) for tag, attrs in found.tags if tag == "a"]
    assert {link.removeprefix("#") for link in links if link.startswith("#")} <= set(ids)
    assert [link for link in links if not link.startswith("#")] == [
        page_name(MONTH, "en" if language == "nb" else "nb")]
    assert not {tag for tag, _ in found.tags} & {"script", "img", "iframe", "form"}
    assert "<b>6</b>" not in text
    assert "&lt;b&gt;6" in text


@pytest.mark.parametrize(("language", "width"), [("nb", 390), pytest.param("en", 1200, marks=pytest.mark.soak)])
def test_a_browser_shows_it_on_a_phone_and_on_a_screen(applied: MonthFigures, language: Any, width: int) -> None:
    with opened(render(full(applied), POLICY, language), width) as page:
        assert overflow(page) <= 0
        assert contrasts(page) == []
        assert page.locator("h1").inner_text() == {"nb": "Personvern i oktober 2026",
                                                   "en": "Privacy in October 2026"}[language]
        assert page.locator("h2").count() == 10
        bars = page.locator("#demanded ~ .scroll svg").first
        box = bars.bounding_box()
        assert box is not None
        assert box["width"] > 40
        page.locator("nav a").nth(3).click()
        assert page.evaluate("location.hash") == "#overdue"
        assert len(page.pdf(format="A4")) > 1000


def _filled(words: dict[str, Any], path: str = "") -> Iterator[tuple[str, set[str]]]:
    for name, text in words.items():
        if isinstance(text, dict):
            yield from _filled(text, f"{path}{name}.")
        else:
            yield f"{path}{name}", set(re.findall(r"\{(\w+)\}", text))


def test_both_languages_say_the_same_things_and_none_is_left_over() -> None:
    words = tomllib.loads((FOLDER / "words.toml").read_text(encoding="utf-8"))
    assert dict(_filled(words["nb"])) == dict(_filled(words["en"]))
    source = "".join((FOLDER / name).read_text(encoding="utf-8") for name in ("page.py", "monthly.html.j2"))
    titles = [f"{name}_title" for name in ("demanded", "happened", "next", "overdue", "releases", "plan", "requests",
                                           "quality", "policy")]
    assert [name for name in words["nb"] if f'"{name}"' not in source and name not in titles] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_english_names_stand_on_no_norwegian_page(applied: MonthFigures, language: Any) -> None:
    """Parts, grounds, rights and faults have words; what has none would show its name with an underscore."""
    found = full(applied)
    text = render(full(found, policies=[], standing=None), POLICY, language)
    seen = re.sub(r"<(style|code|ul lang).*?</(style|code|ul)>|<[^>]+>", " ", text, flags=re.DOTALL)
    assert re.findall(r"\b[a-z]+_[a-z_]+\b", seen) == []


def test_the_command_writes_both_and_says_what_is_wrong(kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                       capsys: pytest.CaptureFixture[str]) -> None:
    world = kept.applied()
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    command(out=tmp_path / "pages")
    assert capsys.readouterr().out.split() == [str(tmp_path / "pages" / page_name(MONTH, language))
                                               for language in LANGUAGES]
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == sorted(
        page_name(MONTH, language) for language in LANGUAGES)
    with pytest.raises(PrivacyError, match="2026-01 has no file"):
        command(month="2026-01", out=tmp_path / "none")
    assert not (tmp_path / "none").exists()
    (tmp_path / "taken").write_text("")
    with pytest.raises(PrivacyError, match="cannot be written"):
        write_pages(figures_of(world), POLICY, tmp_path / "taken")
