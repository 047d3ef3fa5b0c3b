"""docs/guarantees.md says what guarantees.toml says: `python -m tests.docs.test_guarantees` writes it anew."""

from pathlib import Path

from ajprivacy_pipeline.disclosure.guarantees import GUARANTEES, PROVING
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "guarantees.md"


def written() -> str:
    """The document, under the shipped policy."""
    policy = load_policy(NOTICE)
    by_release = [one for one in GUARANTEES.values() if one.id in PROVING]
    others = [one for one in GUARANTEES.values() if one.id not in PROVING]
    lines = [
        "# What a release promises", "",
        "Every publish checks these, one after the other. Where one does not hold, nothing is published and the previous",
        "release stays. What was found stands in `release_info`, in the manifest, on the release's page, and in Dagster as a",
        "check of the month. A release is `proven` when all of them passed.", "",
        "| | guarantee | what it means | check in Dagster |", "|---|---|---|---|",
        *(f"| {one.id} | {one.title} | {one.words(policy)} | `{one.check_name}` |" for one in by_release), "",
        "Tests of the product hold these; no release can prove them:", "",
        "| | guarantee | what it means |", "|---|---|---|",
        *(f"| {one.id} | {one.title} | {one.words(policy)} |" for one in others), ""]
    return "\n".join(lines)


def test_the_document_is_the_one_on_file() -> None:
    assert PAGE.read_text(encoding="utf-8") == written()


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
