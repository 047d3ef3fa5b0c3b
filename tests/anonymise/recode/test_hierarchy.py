"""Hierarchies: codes, lowest common ancestors, loss, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import UNIT, Hierarchy, hierarchy, read_hierarchy
from ajprivacy_pipeline.errors import ReleaseError
from tests.anonymise.recode.lookalike import trees

PLACES = [("Oslo", "east", "*"), ("Bergen", "west", "*"), ("Hamar", "east", "*"), ("Stavanger", "west", "*")]


def test_the_order_of_rows_says_nothing() -> None:
    one, other = hierarchy("place", PLACES), hierarchy("place", PLACES[::-1])
    assert one.leaves == other.leaves
    assert (one.levels == other.levels).all()


def test_the_root_is_added_where_it_is_left_out() -> None:
    assert hierarchy("place", [row[:-1] for row in PLACES]).labels == hierarchy("place", PLACES).labels


def test_loss_is_the_share_of_further_leaves() -> None:
    tree = hierarchy("place", PLACES)
    assert tree.losses[:, 0].tolist() == [0, round(UNIT / 3), UNIT]
    assert hierarchy("one", [("only", "*")]).losses.tolist() == [[0], [0]]


@pytest.mark.parametrize("tree", trees(), ids=lambda tree: tree.column)
def test_meet_is_the_lowest_common_ancestor(tree: Hierarchy) -> None:
    """Against the first common element of the two paths."""
    for low in range(len(tree.leaves)):
        for high in range(low, len(tree.leaves)):
            slow = next(level for level in range(tree.depth) if tree.levels[level, low] == tree.levels[level, high])
            assert tree.meet(np.array([low]), np.array([high])).tolist() == [slow]


@pytest.mark.parametrize(("rows", "words"), [
    ([], "path of the same length"),
    ([()], "path of the same length"),
    ([("a", "*"), ("b", "x", "*")], "path of the same length"),
    ([("a", "x", "*"), ("a", "x", "*")], "1 leaves stand twice"),
    ([("a", "x", "p", "*"), ("b", "x", "q", "*")], "1 values have more than one parent"),
    ([("a", "x", "*"), ("x", "y", "*")], "1 values mean different leaves"),
])
def test_what_is_no_hierarchy_is_refused(rows: list[tuple[str, ...]], words: str) -> None:
    with pytest.raises(ReleaseError, match=f"place.*{words}"):
        hierarchy("place", rows)


def test_a_file_is_read_and_a_missing_one_refused(tmp_path: Path) -> None:
    file = tmp_path / "place.csv"
    file.write_text("\n".join(";".join(row) for row in PLACES), encoding="utf-8")
    assert read_hierarchy("place", file).leaves == hierarchy("place", PLACES).leaves
    with pytest.raises(ReleaseError, match="cannot be read"):
        read_hierarchy("place", tmp_path / "other.csv")
