"""`proven`: what it takes, what an unproven release closes (nothing), and what the first proven one replaces."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.disclosure.guarantees import GUARANTEES, PROVING
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.release import GuaranteeError, plan_release, read_release
from ajprivacy_pipeline.release.inspect import list_releases, verify
from ajprivacy_pipeline.release.manifest import is_proven
from tests.release.release_world import World, all_but, fill, shop_rows, tree

MESSAGES_ALONE = all_but("communications_monthly")


@pytest.fixture(scope="module")
def left_out() -> tuple[str, ...]:
    """Messages alone are looked at here."""
    return MESSAGES_ALONE


@pytest.fixture
def unproven(tmp_path: Path) -> World:
    """A home as an older version leaves it: February and March published, neither of them proven."""
    made = World(tmp_path, left_out=MESSAGES_ALONE)
    fill(made.con, shop_rows("2024-05"))
    made.logs = None
    made.publish("2024-02")
    made.publish("2024-03")
    made.logs = list
    return made


def test_every_guarantee_must_have_passed() -> None:
    passed = [verdict(g, "", []) for g in PROVING]
    assert is_proven(passed)
    assert set(GUARANTEES) - set(PROVING) == {"G16"}, "which is a test"
    for left in PROVING:
        assert not is_proven([v for v in passed if v.guarantee != left]), left
        assert not is_proven([v if v.guarantee != left else Verdict(left, False, "") for v in passed]), left


@pytest.mark.soak
def test_an_unproven_release_says_so_wherever_it_is_read(unproven: World) -> None:
    assert unproven.query("SELECT DISTINCT proven FROM release_info") == [(False,)]
    comments = unproven.query("SELECT comment FROM duckdb_tables() WHERE database_name = 'analytics'")
    assert all("must not be shared outside the organisation" in comment for (comment,) in comments)
    page = unproven.settings.published / "releases" / "2024-03" / "release.html"
    assert "not proven anonymous: must not be shared outside the organisation" in page.read_text(encoding="utf-8")


def test_an_unproven_release_closes_nothing(unproven: World) -> None:
    plan = plan_release(unproven.control, unproven.policy, "2024-03")
    assert (plan.previous, plan.closed, plan.computed) == (None, False, ("2024-01", "2024-02", "2024-03"))
    unproven.logs = None
    assert unproven.publish("2024-03").status == "published", "and again"


@pytest.mark.soak
def test_the_first_proven_release_is_the_first_and_replaces_the_others(unproven: World, march: Path) -> None:
    unproven.con.execute("UPDATE staged.communications SET channel = 'email'")
    result = unproven.publish("2024-03")
    assert (result.status, result.proven, result.history_from) == ("published", True, "2024-01")
    by_email = "SELECT messages FROM communications_monthly WHERE channel = 'email' AND direction = '(all)'"
    assert unproven.query(by_email) == [(24,)] * 3, "every month was computed anew, though it had been published"
    folders = [path.name for path in (unproven.settings.published / "releases").iterdir()]
    assert folders == ["2024-03"], "what was not proven is gone"
    assert read_release(unproven.settings).manifest["proven"] is True
    assert [(row["month"], row["state"]) for row in list_releases(unproven.settings)] == [
        ("2024-02", "replaced"), ("2024-03", "replaced"), ("2024-03", "current")]
    assert [row["faults"] for row in verify(unproven.settings)] == [[]]
    april = unproven.publish("2024-04")
    assert (april.status, april.proven, april.history_from) == ("published", True, "2024-01")
    assert unproven.publish("2024-03").status == "already_closed"


@pytest.mark.soak
def test_killed_after_the_commit_the_next_run_removes_what_was_not_proven(
        unproven: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("ajprivacy_pipeline.release.swap.retire_unproven", lambda *_: None)
        unproven.publish("2024-04")
    assert len(list((unproven.settings.published / "releases").iterdir())) == 3
    assert unproven.publish("2024-04").status == "already_closed"
    assert [path.name for path in (unproven.settings.published / "releases").iterdir()] == ["2024-04"]


def test_nothing_unproven_replaces_a_proven_release(published: World) -> None:
    before = tree(published.settings.published)
    published.logs = None
    with pytest.raises(GuaranteeError, match="G13: not checked, and the release before is proven"):
        published.publish("2024-04")
    assert tree(published.settings.published) == before
    assert len(published.control.releases()) == 1
