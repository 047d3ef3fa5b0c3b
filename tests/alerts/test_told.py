"""Who is told what, and how often: once when it begins, again after a week, and once when it is over."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.alerts.conditions import Condition, Health
from ajprivacy_pipeline.alerts.told import Told, _named, tell
from ajprivacy_pipeline.settings import Settings, load_settings, prepare_home
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.control_tables import alerts_told

NOTHING: Health = {"conditions": [], "unknown": {}}


def _health(*names: str, unknown: bool = False) -> Health:
    found: list[Condition] = [{"name": name, "severity": "error", "count": 1, "days": 0, "says": f"{name} is so",
                               "to_do": "mend it"} for name in names]
    return {"conditions": found, "unknown": {"month": "locked"} if unknown else {}}


class Box:
    """A home whose alerts a program writes into a file."""

    def __init__(self, folder: Path, *before: str) -> None:
        """Begin with other addresses, if any."""
        program = folder / "program"
        program.write_text(f'#!/bin/sh\n(echo "$1"; cat) >> {folder}/seen\n')
        program.chmod(0o700)
        self.seen = folder / "seen"
        self.settings: Settings = load_settings({
            "AJPRIVACY_HOME": str(folder / "home"), "AJPRIVACY_ALERTS": " ".join([*before, f"command:{program}"])})
        prepare_home(self.settings)

    def told(self, found: Health) -> tuple[Told, list[str]]:
        """Tell, and take what arrived."""
        self.seen.unlink(missing_ok=True)
        said = tell(self.settings, found)
        return said, self.seen.read_text().splitlines() if self.seen.exists() else []

    def age(self, days: float) -> None:
        """Let everything that was told be older."""
        with ControlStore.in_folder(self.settings.control).change() as connection:
            connection.execute(sa.update(alerts_told).values(happened_at=utc_now() - timedelta(days=days)))


def test_a_condition_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    """And once more from its next beginning."""
    box = Box(tmp_path)
    subject, line = "ajprivacy: 1 thing(s) need attention (run_failed)", "error: run_failed is so. mend it."
    assert box.told(NOTHING)[1] == []
    assert box.told(_health("run_failed")) == ({"began": 1, "again": 0, "over": 0, "faults": []}, [subject, line])
    assert box.told(_health("run_failed"))[1] == []
    box.age(6.9)
    assert box.told(_health("run_failed"))[1] == []
    box.age(7)
    assert box.told(_health("run_failed")) == ({"began": 0, "again": 1, "over": 0, "faults": []}, [subject, line])
    assert box.told(_health("run_failed"))[1] == []
    assert box.told(NOTHING)[1] == ["ajprivacy: it is over (run_failed)", "over: run failed"]
    assert box.told(NOTHING)[1] == []
    assert box.told(_health("run_failed"))[1] == [subject, line]


def test_one_message_tells_what_began_and_what_is_over(tmp_path: Path) -> None:
    """What goes on is in neither."""
    box = Box(tmp_path)
    box.told(_health("run_failed", "month_missed"))
    assert box.told(_health("month_missed", "plan_waiting"))[1] == [
        "ajprivacy: 1 thing(s) need attention (plan_waiting, run_failed)", "error: plan_waiting is so. mend it.",
        "over: run failed"]


def test_what_could_not_be_looked_at_is_not_over(tmp_path: Path) -> None:
    """While a month runs its file is closed to others."""
    box = Box(tmp_path)
    box.told(_health("reviews_undecided"))
    assert box.told(_health(unknown=True))[1] == []
    assert box.told(NOTHING)[1] == ["ajprivacy: it is over (reviews_undecided)", "over: reviews undecided"]


@pytest.mark.parametrize("before", [[], ["command:/nowhere"]], ids=["one address", "another that fails"])
def test_who_did_not_hear_it_is_told_again(tmp_path: Path, before: list[str]) -> None:
    """The next time that somebody looks, and who heard it is not."""
    box = Box(tmp_path, *before)
    program = tmp_path / "program"
    program.chmod(0o600)
    assert len(box.told(_health("run_failed"))[0]["faults"]) == len(before) + 1
    program.chmod(0o700)
    said, lines = box.told(_health("run_failed"))
    assert (said["began"], len(said["faults"]), len(lines)) == (1, len(before), 2)
    said, lines = box.told(_health("run_failed"))
    assert (said["began"], len(said["faults"]), lines) == (0, len(before), [])


def test_one_address_hears_what_it_missed_and_the_other_nothing_twice(tmp_path: Path) -> None:
    """Also of the end: who never heard that it began is not told that it is over."""
    (tmp_path / "other").mkdir()
    other = Box(tmp_path / "other")
    program = tmp_path / "other" / "program"
    box = Box(tmp_path, f"command:{program}")
    program.chmod(0o600)
    assert box.told(_health("run_failed", "month_missed"))[0]["began"] == 2
    assert box.told(_health("run_failed"))[1] == ["ajprivacy: it is over (month_missed)", "over: month missed"]
    program.chmod(0o700)
    assert box.told(_health("run_failed"))[1] == []
    assert other.seen.read_text().splitlines() == ["ajprivacy: 1 thing(s) need attention (run_failed)",
                                                   "error: run_failed is so. mend it."]


def test_two_who_look_at_the_same_time_tell_it_once(tmp_path: Path) -> None:
    """A sensor, and a timer of the system."""
    box = Box(tmp_path)
    (tmp_path / "program").write_text(f'#!/bin/sh\nsleep 0.3\n(echo "$1"; cat) >> {box.seen}\n')
    both = [threading.Thread(target=tell, args=(box.settings, _health("run_failed"))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(box.seen.read_text().splitlines()) == 2


def test_a_new_password_is_the_same_address(tmp_path: Path) -> None:
    """And neither of them stands in the control store."""
    box = Box(tmp_path)
    assert _named("smtp://ops:old@h?from=a&to=b") == _named("smtp://ops:new@h?from=a&to=b") != _named(
        "smtp://ops:new@h?from=a&to=c")
    box.told(_health("run_failed"))
    rows = ControlStore.in_folder(box.settings.control).rows(sa.select(alerts_told))
    assert str(tmp_path) not in str(rows)


def test_without_an_address_nothing_is_told_and_nothing_written(tmp_path: Path) -> None:
    """Who sets one later hears what still stands."""
    settings = load_settings({"AJPRIVACY_HOME": str(tmp_path / "home")})
    assert tell(settings, _health("run_failed")) == {"began": 0, "again": 0, "over": 0, "faults": []}
    assert not settings.control.exists()
    assert Box(tmp_path).told(_health("run_failed"))[0]["began"] == 1
