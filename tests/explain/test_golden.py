"""How explanations read: every sentence about a dozen people, in both languages, as the file beside this one has them.

A change of wording is seen in review: `python -m tests.explain.test_golden` writes the file anew.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from ajprivacy_pipeline.explain import Explanation, explain_each
from ajprivacy_pipeline.explain.words import Language, Words
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE, Settings
from ajprivacy_pipeline.storage.month_files import read_month
from tests.explain.world import HOLDS, MONTH, PEOPLE, home, shop

GOLDEN = Path(__file__).with_name("golden.txt")
LANGUAGES: tuple[Language, ...] = ("nb", "en")


def _sentences(explanation: Explanation, language: Language) -> Iterator[str]:
    words = Words(explanation, language)
    first = {(item.entity, item.part): item for item in reversed(explanation.records)}  # one of a kind reads as all do
    yield from (f"= {line}" for line in words.summary((*explanation.attributes, *explanation.records)))
    yield from (sentence for sentence, _ in words.shared(explanation.attributes))
    yield from dict.fromkeys(words.sentence(item) for item in reversed(first.values()) if item.decision != "absent")
    yield from (words.web(count) for count in explanation.web_events)
    yield from (f"* {words.hold(hold)}" for hold in explanation.freezes)


def _written(settings: Settings) -> str:
    policy = load_policy(NOTICE)
    with read_month(settings, MONTH) as (con, _):
        found = list(zip(PEOPLE, PEOPLE.values(), explain_each(con, policy, list(PEOPLE), MONTH), strict=True))
    blocks = []
    for subject, fate, explanation in found:
        lines = [f"{language}  {line}" for language in LANGUAGES for line in _sentences(explanation, language)]
        blocks.append("\n".join([f"# {subject} {fate}", *lines]))
    return "\n\n".join(blocks) + "\n"


def test_a_dozen_people_read_as_a_lawyer_would_write(settings: Settings) -> None:
    """Whole sentences, Norwegian and English."""
    assert _written(settings) == GOLDEN.read_text(encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as new:
        GOLDEN.write_text(_written(home(Path(new), shop(), holds=HOLDS)), encoding="utf-8")
