"""The policy: all parts of the notice's data held together.

Belongs here: which parts there are. Does not belong here: their shapes (a module a file), reading them (`load`).
"""

from ajprivacy_pipeline.policy.base import Frozen
from ajprivacy_pipeline.policy.enforcement import Enforcement
from ajprivacy_pipeline.policy.governance import Clause, NoticeFile, Recipient, Review
from ajprivacy_pipeline.policy.microdata import Leaf
from ajprivacy_pipeline.policy.regions import Regions
from ajprivacy_pipeline.policy.release import Release
from ajprivacy_pipeline.policy.retention import Action, Retention
from ajprivacy_pipeline.policy.rights import Rights
from ajprivacy_pipeline.policy.sources import Sources


class DecisionPolicy(Frozen):
    """The part of the notice that decides about people and explains it. `version` is a hash of the whole notice.

    What was decided by it must stay explainable for years: a key that is added here, or in the shapes it is made of,
    has a default, and none is taken away.
    """

    version: str
    clauses: dict[str, Clause]
    retention: Retention
    actions: dict[str, dict[str, Action]]
    sources: Sources

    @property  # not cached: a copy with other periods would keep the old ones
    def periods(self) -> dict[str, int]:
        """Every period by its name, which carries the unit."""
        return {name: period.value for name, period in self.retention.periods.items()}


class Policy(DecisionPolicy):
    """The whole notice as data."""

    notice: NoticeFile
    release: Release
    regions: Regions
    recipients: dict[str, Recipient]
    review: Review
    enforcement: Enforcement
    rights: Rights

    @property
    def quasi_identifiers(self) -> dict[str, tuple[Leaf, ...]]:
        """Every quasi-identifier of the record-level table with its values; regions are those of the home country."""
        values = self.release.values
        return {**self.release.microdata.quasi_identifiers,
                "postal_region": self.regions.leaves(values.abroad, values.unknown)}
