"""The sentences as data: complete in both languages, with every name that they need."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import ajprivacy_pipeline.explain as package
from ajprivacy_pipeline.explain.words import templates
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE

FOLDER = Path(package.__file__).parent


def _shape(found: dict[str, Any]) -> dict[str, Any]:
    """Keys with the names inside each template; whether a thing is named or is an `it` is the language's own affair."""
    return {key: _shape(value) if isinstance(value, dict) else {
        name for name in re.findall(r"{(\w+)}", str(value)) if not name.startswith("what")}
        for key, value in found.items()}


def test_both_languages_say_the_same_things() -> None:
    """The same sentences and promises, each filled from the same names."""
    assert _shape(dict(templates("nb"))) == _shape(dict(templates("en")))


@pytest.mark.parametrize("language", ["nb", "en"])
def test_every_clause_that_is_cited_has_words_for_people(language: Any) -> None:
    """Whatever clause the code, a freeze or a sentence names, as a sentence; what we chose is the policy's to say."""
    policy = load_policy(NOTICE)
    code = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py"))
    cited = set(re.findall(r'"([A-Z]{3}-\d)"', code)) | {freeze.source for freeze in policy.retention.freezes.values()}

    found = templates(language)["clauses"]
    assert cited <= set(found) <= set(policy.clauses)
    assert all(text.endswith(".") and "choice:" not in text and text[0].isupper() for text in found.values())


@pytest.mark.parametrize("language", ["nb", "en"])
def test_everything_that_can_be_decided_has_a_name(language: Any) -> None:
    """Attributes, purposes, freezes, kinds of terms."""
    policy, found = load_policy(NOTICE), templates(language)
    code = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py"))
    kinds = set(re.findall(r'Term\(\s*"(\w+)"', code))

    assert set(found["attributes"]) == set(policy.retention.attributes)
    assert set(found["freezes"]) == set(policy.retention.freezes)
    assert {name for one in policy.retention.attributes.values() for name in one.purposes} <= set(found["purposes"])
    assert kinds <= set(found["terms"])


def test_no_sentence_of_the_notice_is_shipped() -> None:
    """The templates are data of ours; they parse and hold no line that is as long as a paragraph."""
    text = (FOLDER / "sentences.toml").read_text(encoding="utf-8")

    assert set(tomllib.loads(text)) == {"nb", "en"}
    assert max(map(len, text.splitlines())) < 260


def test_a_reason_is_kept_by_the_same_clause_in_explanations_and_comparisons() -> None:
    """promises.toml names the clause of a term, purposes.toml that of the reason it comes to."""
    kinds = tomllib.loads((FOLDER / "promises.toml").read_text(encoding="utf-8"))["kinds"]
    clauses = load_policy(NOTICE).retention.reason_clauses
    both = {name: (kinds[name], clauses[name]) for name in kinds.keys() & clauses.keys()}
    assert both.keys() >= {"undelivered", "unpaid", "warranty_unknown", "open_case", "open_request"}
    assert [name for name, (explained, compared) in both.items() if explained != compared] == []
    assert kinds["limitation"] == clauses["limitation_period"]
