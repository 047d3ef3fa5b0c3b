"""The stages of carrying out, as data: which columns of which table change when a part is due, and in which order.

Belongs here: what follows from the policy alone. `plan show` and `plan apply` are two evaluators of these stages.
Does not belong here: where a column stands in a warehouse (`targets`), what a value becomes (`values`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.consistency import decided_parts
from ajprivacy_pipeline.policy.retention import Action

Part = tuple[str, str]  # (table of the contract, attribute or part)
SUBJECTS = ("customers", "contacts")
LINK = "link"
ORDER = ("delete_row", "erase", "generalise", "unlink")  # by which of its actions a part is called
# Attributes first; record parts other than links; messages before the cases that they may have their ids from; links
# last, because everything else of a record is found by them.
_LATE = {"communications": 2, "cases": 3}


@dataclass(frozen=True)
class Stage:
    """One part of one table. `columns` are the contract's; those of `company` are no personal data of a business."""

    entity: str
    part: str
    columns: Mapping[str, Action]
    clause: str
    company: frozenset[str] = frozenset()

    @property
    def deletes(self) -> bool:
        """Whether the row goes as a whole."""
        return any(action.action == "delete_row" for action in self.columns.values())

    @property
    def rank(self) -> int:
        """Its place in the order in which the parts of one person go."""
        if self.entity in SUBJECTS:
            return 0
        return 4 if self.part == LINK else _LATE.get(self.entity, 1)

    @property
    def action(self) -> str:
        """What happens to it, in one word of the policy; a part of several kinds goes by the first of them."""
        kinds = {action.action for action in self.columns.values()}
        return next(kind for kind in ORDER if kind in kinds)


def stages_of(policy: Policy) -> dict[tuple[str, str], Stage]:
    """Returns every stage of a policy by table and part, in the order in which they are carried out."""
    found = {(table, part): _stage(policy, table, part) for table, part in decided_parts(policy)}
    return dict(sorted(found.items(), key=lambda item: item[1].rank))


def by_rank(stages: Mapping[tuple[str, str], Stage], table: str, parts: Iterable[str],
            ) -> list[tuple[int, tuple[str, ...]]]:
    """Returns the parts of one row that go together, by their place in the order of one person's parts."""
    found: dict[int, list[str]] = defaultdict(list)
    for part in parts:
        found[stages[table, part].rank].append(part)
    return [(rank, tuple(together)) for rank, together in sorted(found.items())]


def _stage(policy: Policy, table: str, part: str) -> Stage:
    clause, actions = policy.enforcement.clauses[table][part], policy.actions[table]
    if table in SUBJECTS:
        attribute = policy.retention.attributes[part]
        columns = {name: actions[name] for name in attribute.columns if name in actions}
        return Stage(table, part, columns, clause, frozenset(attribute.company_columns))
    return Stage(table, part, {name: action for name, action in actions.items() if action.part == part}, clause)
