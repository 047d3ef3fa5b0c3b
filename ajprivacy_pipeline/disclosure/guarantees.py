"""The guarantees of a release as data: `guarantees.toml`, read once.

Belongs here: what a guarantee is called, means and how it is proven. Does not belong here: checking one (the modules
beside this one, `release`), or what a check found (`verdict`).
"""

import tomllib
from importlib.resources import files
from typing import Literal

from pydantic import Field

from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.base import Frozen

BY_TEST = "held by tests of the product, not by a release"


class Guarantee(Frozen):
    """One promise. `meaning` may hold names of the policy's thresholds in braces; `words` fills them in."""

    id: str = Field(pattern="^G[1-9][0-9]*$")
    title: str = Field(pattern="^[a-z]+( [a-z]+)*$")
    meaning: str
    remedy: str
    proof: Literal["release", "test"]
    microdata: bool = False

    @property
    def number(self) -> int:
        """Its place among the others."""
        return int(self.id[1:])

    @property
    def check_name(self) -> str:
        """Its name as a check, sorted by number: g02_threshold."""
        return f"g{self.number:02d}_{self.title.replace(' ', '_')}"

    def words(self, policy: Policy) -> str:
        """Returns what it means under a policy."""
        return self.meaning.format_map(policy.release.thresholds.model_dump())


def parse_guarantees(text: str) -> dict[str, Guarantee]:
    """Returns the guarantees of a TOML text by their ids, in the order of their numbers."""
    found = [Guarantee(id=name, **entry) for name, entry in tomllib.loads(text).items()]
    return {one.id: one for one in sorted(found, key=lambda one: one.number)}


GUARANTEES = parse_guarantees(
    files("ajprivacy_pipeline.disclosure").joinpath("guarantees.toml").read_text(encoding="utf-8"))
PROVING = tuple(one.id for one in GUARANTEES.values() if one.proof == "release")
OF_MICRODATA = tuple(one.id for one in GUARANTEES.values() if one.microdata)
