"""How much of a run is left, by what the last whole run did."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.cli.console import Lines
from ajprivacy_pipeline.run.expected import Expected
from ajprivacy_pipeline.run.progress import Progress

STEPS = [Progress("raw.orders", 10, 1.0), Progress("staged.orders", 10, 2.0), Progress("release: writing", None, 90.0)]


def _kept(folder: Path) -> None:
    first = Expected(folder)
    assert [first.note(step) for step in STEPS] == ["", "", ""], "the first run of a home knows nothing"
    assert first.seconds_left() is None
    first.keep()


def test_each_step_is_one_of_those_of_the_last_run(tmp_path: Path) -> None:
    _kept(tmp_path)
    second = Expected(tmp_path)
    assert second.seconds_left() == 93
    assert [(second.note(step), second.seconds_left()) for step in STEPS] == [
        ("1 of 3", 92), ("2 of 3", 90), ("3 of 3", 0)]


def test_what_was_not_expected_makes_it_more_and_never_less_than_nothing(tmp_path: Path) -> None:
    _kept(tmp_path)
    second = Expected(tmp_path)
    assert second.note(Progress("raw.new", 1, 1.0)) == "1 of 4"
    assert [second.note(STEPS[0]), second.note(STEPS[0])] == ["2 of 4", "3 of 5"]
    assert second.seconds_left() == 92


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[["a", "b"]]', "null"])
def test_a_file_that_is_none_is_as_if_there_were_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "progress.json").write_text(text, encoding="utf-8")
    assert Expected(tmp_path).note(STEPS[0]) == ""


def test_a_line_says_which_of_how_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _kept(tmp_path)
    with Lines(Expected(tmp_path)) as lines:
        lines.report(STEPS[0])
    assert capsys.readouterr().err.splitlines()[-1].endswith("1.0 s     1 of 3")
