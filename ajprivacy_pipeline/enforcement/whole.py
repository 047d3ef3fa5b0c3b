"""What a plan says of everybody, whoever it is about: the share of a part that goes, and what is kept for what reason.

Belongs here: counts over the whole decided month, which several plans on the same facts share. Does not belong here:
what a plan's own rows come to (`make`).
"""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from ajprivacy_pipeline.enforcement import shapes, waits
from ajprivacy_pipeline.enforcement.bodies import Count
from ajprivacy_pipeline.enforcement.entries import Entry, carried_out, once
from ajprivacy_pipeline.enforcement.plans import Plan, plan_file
from ajprivacy_pipeline.enforcement.stages import Part, stages_of
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.control import utc_now
from ajprivacy_pipeline.storage.keystore import KeyStore
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

    def __init__(self, con: Connection, policy: Policy, before: Counter[Part]) -> None:
        """Count decisions; `before` is what the plans that share a brake took away in its days."""
        self.policy, self.before = policy, before
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


def taken(con: Connection, settings: Settings, keys: KeyStore, policy: Policy, entries: Iterable[Entry],
          plans: Iterable[Plan]) -> Counter[Part]:
    """Returns how many decisions of each part some plans have carried out in the days of the brake; each once.

    What is ready to go stands again, and is no longer taken away; nor is what a restored warehouse has back.
    """
    since, names = utc_now() - timedelta(days=policy.enforcement.brake.days), {plan.id for plan in plans}
    standing = [entry for entry in carried_out(entries)
                if entry.recorded_at >= since and entry.body["plan"] in names]
    found: Counter[Part] = Counter()
    con.execute("CREATE OR REPLACE TABLE scratch.taken (entity VARCHAR, record_id VARCHAR, part VARCHAR)")
    for plan in dict.fromkeys(entry.body["plan"] for entry in standing):
        batches = [entry for entry in standing if entry.body["plan"] == plan]
        if plan_file(settings, plan).exists():
            with zones.attached(con, keys, plan_file(settings, plan), "earlier"):
                con.execute("INSERT INTO scratch.taken SELECT entity, record_id, part FROM earlier.rows "
                            "WHERE is_carried AND list_contains($batches, batch)",
                            {"batches": [entry.body["batch"] for entry in batches]})
        else:
            for count in (count for entry in batches for count in entry.body["counts"]):
                found[count["entity"], count["part"]] += once(count)
    for entity, part, rows in con.execute(_TAKEN).fetchall():
        found[entity, part] += rows
    return found


_TAKEN = f"""
    SELECT entity, part, count(*) FROM (SELECT DISTINCT entity, record_id, part FROM scratch.taken
        ANTI JOIN {waits.READY} USING (entity, record_id, part))
    GROUP BY ALL
"""
