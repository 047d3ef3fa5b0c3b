"""The README's picture of the graph is the graph: groups of assets, and what is made of what."""

import re
from pathlib import Path

from ajprivacy_pipeline.assets.definitions import defs

ROOT = Path(__file__).resolve().parent.parent.parent
START = "00_start_here"  # made of all that went before, and last: the picture draws no way back from it


def _edges() -> set[tuple[str, str]]:
    """From group to group, without what follows from the way over others."""
    graph = defs.resolve_asset_graph()
    groups = {key: graph.get(key).group_name or "" for key in graph.get_all_asset_keys()}
    found = {(groups[parent], groups[node.key]) for node in graph.asset_nodes for parent in node.parent_keys}
    found = {(above, below) for above, below in found if above < below or (below == START != above)}
    return {edge for edge in found if edge[1] not in _beyond(edge[0], found - {edge})}


def _beyond(group: str, edges: set[tuple[str, str]]) -> set[str]:
    reached: set[str] = set()
    ahead = {group}
    while ahead:
        ahead = {below for above, below in edges if above in ahead} - reached
        reached |= ahead
    return reached


def _picture() -> str:
    return "\n".join(["flowchart LR", *(f"    {above} --> {below}" for above, below in sorted(_edges()))])


def test_the_picture_is_of_this_graph() -> None:
    """`python -m tests.docs.test_readme` prints it anew."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    said = re.search(r"^```mermaid\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    assert said is not None
    assert said[1] == _picture()


def test_it_is_two_screens() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 115


if __name__ == "__main__":
    print(_picture())
