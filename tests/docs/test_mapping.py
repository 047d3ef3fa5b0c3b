"""Every example of docs/mapping.md is a mapping, and every part that it is about stands in one."""

import re
from pathlib import Path

import pytest

from ajprivacy_pipeline.warehouse.mapping_file import ColumnEntry, Mapping, TableEntry
from tests.warehouse.shopkit import mapping_file

DOCUMENT = (Path(__file__).resolve().parent.parent.parent / "docs" / "mapping.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_mappings(example: str, tmp_path: Path) -> None:
    assert mapping_file(tmp_path, example) != Mapping()


def test_every_part_has_an_example() -> None:
    parts = {"source_timezone", "for_each", "union", "pivot", "address", "guests", "soft_delete", "codes", "only_if",
             "prefix", "guest", "empty", "lives_in", "merged_into", "keys", "newest", "tombstones", "rates",
             "triggers_reviewed", "history_days", "version", "increments"}
    assert parts - {"keys", "newest"} <= {*ColumnEntry.model_fields, *TableEntry.model_fields, *Mapping.model_fields}
    assert [part for part in parts if not any(re.search(rf"\b{part}\b", example) for example in EXAMPLES)] == []
