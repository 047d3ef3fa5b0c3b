"""What a plan says of everybody, whoever it is about: the share of a part that goes, and what is kept for what reason.

Belongs here: counts over the whole decided month, which several plans on the same facts share. Does not belong here:
what a plan's own rows come to (`make`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta

from ajprivacy_pipeline.enforcement import shapes, waits
from ajprivacy_pipeline.enforcement.bodies import Count
from ajprivacy_pipeline.enforcement.plans import Plan
from ajprivacy_pipeline.enforcement.stages import Part, stages_of
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.control import utc_now
from ajprivacy_pipeline.storage.zones import Connection, quote

_WITH_A_VALUE = f"""
    SELECT entity, part, count(*) FROM {waits.DECIDED} WHERE decision <> 'absent' GROUP BY ALL
"""
_KEPT = """
    SELECT decision, why, count(*) FROM (
        SELECT decision, unnest(CASE decision WHEN 'retain' THEN retained_by ELSE held_by END) AS why FROM (
            SELECT decision, retained_by, held_by FROM retention.attribute_decisions
            UNION ALL SELECT decision, retained_by, held_by FROM retention.record_decisions)
        WHERE decision IN ('retain', 'hold'))
    GROUP BY ALL ORDER BY ALL
"""


class Whole:
    """Counts of a decided month; counted once, as it stands after `waits.set_aside`."""

    def __init__(self, con: Connection, policy: Policy, plans: Sequence[Plan]) -> None:
        """Count decisions, and what some plans, which share a brake, took away in its days."""
        self.policy = policy
        self.before = _taken(plans, policy)
        self.held = {(entity, part): rows for entity, part, rows in con.execute(_WITH_A_VALUE).fetchall()}
        going = con.execute(f"SELECT DISTINCT entity, part FROM {waits.READY}").fetchall()
        for entity, part in going:
            if policy.sources.tables[entity].bulk:  # no decision tells whether such a row has a value
                columns = [f"r.{quote(name)}::VARCHAR" for name in stages_of(policy)[entity, part].columns]
                self.held[entity, part] = con.execute(f"SELECT count(coalesce({', '.join(columns)})) "
                                                      f"FROM raw.{quote(entity)} AS r").fetchall()[0][0]
        self.kept: dict[str, dict[str, int]] = {"retain": {}, "hold": {}}
        for decision, why, count in con.execute(_KEPT).fetchall():
            self.kept[decision][why] = count

    def brake(self, summary: Iterable[Count]) -> list[shapes.BrakeRow]:
        """Returns the share of each part's rows with a value that goes, with what earlier plans took away."""
        rules = self.policy.enforcement.brake
        found: list[shapes.BrakeRow] = []
        for row in summary:
            part = row["entity"], row["part"]
            goes = row["rows"] + self.before[part]
            limit = rules.bulk_share if self.policy.sources.tables[row["entity"]].bulk else rules.share
            share = goes / max(1, self.held.get(part, 0) + self.before[part])
            found.append({"entity": row["entity"], "part": row["part"], "share": round(share, 4), "limit": limit,
                          "tripped": goes >= rules.least_rows and share > limit})
        return found


def _taken(plans: Iterable[Plan], policy: Policy) -> Counter[Part]:
    """Rows of each part that some plans have taken away in the days of the brake."""
    found: Counter[Part] = Counter()
    since = utc_now() - timedelta(days=policy.enforcement.brake.days)
    for plan in plans:
        for event in plan.events:
            if event.event == "applied" and event.happened_at >= since:
                for entity, part, rows in event.detail.get("parts", ()):
                    found[entity, part] += rows
    return found
