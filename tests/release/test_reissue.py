"""The explicit commands: a published month that is issued again as a whole, and a history that begins earlier."""

import errno
import hashlib
import signal
import threading
from datetime import date
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.release import GuaranteeError, Release, ReleaseRequest, plan, plan_release
from ajprivacy_pipeline.release.inspect import diff, open_release, verify
from tests.release.release_world import World, add, all_but, die_at, tree

SALES_ALONE = all_but("sales_monthly")
FEBRUARY, MARCH = date(2024, 2, 9), date(2024, 3, 9)
TOTAL = ("SELECT CAST(month AS VARCHAR)[:7], customers FROM sales_monthly WHERE product_category = '(all)' "
         "AND postal_region = '(all)' AND customer_type = '(all)' ORDER BY 1")


@pytest.fixture(scope="module")
def left_out() -> tuple[str, ...]:
    """Sales alone are looked at here."""
    return SALES_ALONE


def buy(world: World, people: int, on: date) -> None:
    """Late orders of so many new companies and as many new consumers, in the region and category of most."""
    who = [(f"{on:%m}-{i}-{kind}", kind) for i in range(people) for kind in ("consumer", "business")]
    add(world.con, "staged.customers", [{"customer_id": f"N{w}", "customer_type": kind, "country": "NO"}
                                        for w, kind in who])
    add(world.con, "staged.orders", [{"order_id": f"X{w}", "customer_id": f"N{w}", "ordered_on": on,
                                      "delivery_postal_code": "0150", "currency": "NOK"} for w, _ in who])
    add(world.con, "staged.order_lines", [{"order_id": f"X{w}", "line_number": 1, "product_id": "P1", "quantity": 1,
                                           "unit_price": 100} for w, _ in who])


def current(world: World) -> Release:
    return open_release(world.settings, "2024-03")


def test_a_month_with_enough_late_facts_is_issued_again_and_nothing_else_changes(published: World) -> None:
    buy(published, 12, FEBRUARY)
    buy(published, 12, MARCH)
    before = tree(published.settings.published / "releases" / "2024-03")
    result = published.publish("2024-03", request=ReleaseRequest(reissue="2024-02"))
    assert (result.status, result.proven) == ("published", True)
    assert published.query(TOTAL) == [("2024-01", 24), ("2024-02", 48), ("2024-03", 24)]
    after = tree(published.settings.published / "releases" / "2024-03")
    changed = {path for path in before if before[path] != after[path]} - {"manifest.json", "release.html"}
    assert {path.partition("/")[2] for path in changed} == {"2024-02.parquet", "all.parquet"}
    assert set(before) == set(after)
    assert current(published).manifest["reissued"] == ["2024-02"]
    assert "issued again" in after["release.html"].decode()
    assert [row["month"] for row in published.control.releases()] == ["2024-03", "2024-03"]
    assert not verify(published.settings)[0]["faults"]


@pytest.mark.soak
def test_later_releases_copy_what_was_issued_again_and_comparing_them_is_no_fault(published: World) -> None:
    buy(published, 12, FEBRUARY)
    published.publish("2024-04")
    published.publish("2024-04", request=ReleaseRequest(reissue="2024-02"))
    assert diff(published.settings, "2024-03", "2024-04")["closed_months_changed"] == []
    published.publish("2024-05")
    assert published.query(TOTAL)[1] == ("2024-02", 48)
    assert open_release(published.settings, "2024-05").manifest["reissued"] == ["2024-02"]


@pytest.mark.parametrize("people", [pytest.param(1, marks=pytest.mark.soak), 4])
def test_a_month_that_differs_by_a_few_people_is_not_issued_again(published: World, people: int) -> None:
    buy(published, people, FEBRUARY)
    before = tree(published.settings.published)
    with pytest.raises(GuaranteeError, match=r"G6: .*of a published month would be published again with other figures "
                                             r"for fewer than 10 contributors"):
        published.publish("2024-03", request=ReleaseRequest(reissue="2024-02"))
    assert tree(published.settings.published) == before
    assert len(published.control.releases()) == 1


@pytest.mark.soak
def test_the_pair_with_every_version_is_compared(published: World) -> None:
    """The second re-issue brings back all but one of the first one's newcomers: it differs from that one by one."""
    buy(published, 12, FEBRUARY)
    published.publish("2024-03", request=ReleaseRequest(reissue="2024-02"))
    published.con.execute("DELETE FROM staged.orders WHERE order_id = 'X02-3-business'")
    with pytest.raises(GuaranteeError, match="G6: sales_monthly"):
        published.publish("2024-03", request=ReleaseRequest(reissue="2024-02"))


def test_equal_facts_change_no_cell(published: World) -> None:
    before = tree(published.settings.published / "releases" / "2024-03")
    published.publish("2024-03", request=ReleaseRequest(reissue="2024-02"))
    after = tree(published.settings.published / "releases" / "2024-03")
    assert {path for path in before if before[path] != after[path]} == {
        "manifest.json", "release.html", "release_info/all.parquet"}


@pytest.mark.parametrize(("month", "asked", "message"), [
    ("2024-03", "2024-04", "2024-04 is not published: the release for 2024-03 has the months from 2024-01 on"),
    ("2024-03", "2023-12", "2023-12 is not published"),
    ("2024-02", "2024-02", "the newest release is for 2024-03"),
    ("2024-03", "februar", "februar"),
])
def test_what_cannot_be_issued_again_is_refused_in_words(published: World, month: str, asked: str,
                                                         message: str) -> None:
    with pytest.raises(Exception, match=message):
        plan_release(published.control, published.policy, month, ReleaseRequest(reissue=asked))


@pytest.mark.soak
def test_older_months_than_tokens_are_kept_for_cannot_be_issued_again(published: World,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "KEPT_MONTHS", 2)
    with pytest.raises(ReleaseError, match=r"2024-01 cannot be issued again: .* for 2 months alone, from 2024-02"):
        plan_release(published.control, published.policy, "2024-03", ReleaseRequest(reissue="2024-01"))
    assert plan_release(published.control, published.policy, "2024-03", ReleaseRequest(reissue="2024-02")).computed == (
        "2024-02",)


def test_nothing_is_issued_again_before_a_proven_release(world: World) -> None:
    with pytest.raises(ReleaseError, match="nothing to issue again"):
        world.publish("2024-03", request=ReleaseRequest(reissue="2024-02"))


@pytest.mark.parametrize("step", [
    pytest.param("swapping the folder", marks=pytest.mark.soak), "recording the release",
    pytest.param("committing", marks=pytest.mark.soak)])
def test_killed_within_a_reissue_the_old_release_or_the_new_one_stands(published: World, step: str) -> None:
    """Equal facts: the release is another one by its manifest alone."""
    old = current(published).manifest_sha256
    published.con.close()
    assert die_at(published.settings.home, "2024-03", step, "2024-02", SALES_ALONE) == -signal.SIGKILL
    assert published.query(TOTAL)[1] == ("2024-02", 24), "readers see one of the two"
    after = World(published.settings.home, sql=published.sql, left_out=SALES_ALONE)
    assert after.publish("2024-03").status == "already_closed"
    new = current(published).manifest_sha256
    assert (new == old) == (step != "committing")
    assert not verify(published.settings)[0]["faults"]


@pytest.mark.soak
def test_a_reader_finds_a_whole_release_at_every_moment_of_a_reissue(published: World) -> None:
    """A thread looks all the time; between two renames it would find nothing."""
    folder = published.settings.published / "releases" / "2024-03"
    known, seen, done = manifest_of(folder), set(), threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add(manifest_of(folder))

    reader = threading.Thread(target=look)
    reader.start()
    buy(published, 12, FEBRUARY)
    result = published.publish("2024-03", request=ReleaseRequest(reissue="2024-02"))
    done.set()
    reader.join()
    assert seen <= {known, result.manifest_sha256}
    assert manifest_of(folder) == result.manifest_sha256


def manifest_of(folder: Path) -> str:
    """The hash of a release's manifest; says when there is none."""
    try:
        return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    except FileNotFoundError:
        return "no release"


@pytest.mark.soak
@pytest.mark.parametrize("how", ["none", "refuses"])
def test_on_another_system_the_folders_are_renamed_one_after_another(
        published: World, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    class Refuses:
        renameat2 = staticmethod(lambda *_: -1)

    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: system())
    monkeypatch.setattr("ctypes.get_errno", lambda: errno.EINVAL)
    system: type[object] = {"none": object, "refuses": Refuses}[how]
    buy(published, 12, FEBRUARY)
    assert published.publish("2024-03", request=ReleaseRequest(reissue="2024-02")).status == "published"
    assert current(published).manifest["reissued"] == ["2024-02"]


@pytest.mark.soak
def test_the_history_begins_earlier_by_the_first_release(world: World) -> None:
    result = world.publish("2024-03", request=ReleaseRequest(history_from="2023-11"))
    assert result.history_from == "2023-11"
    assert [month for month, _ in world.query(TOTAL)] == ["2024-01", "2024-02", "2024-03"], "no facts, no cells"


@pytest.mark.soak
def test_the_history_is_made_longer_afterwards_and_closed_months_are_copied(published: World) -> None:
    buy(published, 12, date(2023, 12, 5))
    buy(published, 1, MARCH)
    before = tree(published.settings.published / "releases" / "2024-03")
    assert published.publish("2024-03", request=ReleaseRequest(history_from="2023-12")).history_from == "2023-12"
    after = tree(published.settings.published / "releases" / "2024-03")
    assert published.query(TOTAL)[:2] == [("2023-12", 24), ("2024-01", 24)]
    months = {path for path in before if "/2024-" in path}
    assert {path: after[path] for path in months} == {path: before[path] for path in months}
    assert published.publish("2024-04").history_from == "2023-12"


@pytest.mark.parametrize("first", ["2024-01", "2024-02"])
def test_a_history_that_does_not_begin_earlier_is_refused(published: World, first: str) -> None:
    with pytest.raises(ReleaseError, match="the history begins with 2024-01: name an earlier month"):
        plan_release(published.control, published.policy, "2024-03", ReleaseRequest(history_from=first))
