"""People carried out inside an open period: its cells count them when it closes, as if they had stayed.

Before their links go, the release ledger learns who stood behind each fact that is not published yet: the record and
the person as its own keyed tokens, the region of an order, and the month, by which it is forgotten again. A release
then gives a record that lost its person that contributor; who is still named by another record is one and the same.
Without a release there is nothing that is open, and nothing is kept.
Belongs here: which facts, and handing them to the models (control.carried_facts). Does not belong here: the ledger's
file (ledger), carrying out (enforcement).
"""

from collections.abc import Mapping
from datetime import date

from ajprivacy_pipeline.calendar import shift, whole_periods
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release import ledger
from ajprivacy_pipeline.release.ledger_cells import NAME, contributor_key, key_store
from ajprivacy_pipeline.release.periods import BY_MONTH, fitted_populations
from ajprivacy_pipeline.retention.bind import CONTROL_TABLES
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import pads
from ajprivacy_pipeline.storage.zones import Connection, attached, engine_errors

_POPULATIONS = ("orders", "deliveries", "cases", "messages", "web_events")  # of facts that name a customer
_HASHED = "CAST('0x' || substr(sha256($outer || unhex(sha256($inner || encode({x})))), 1, 16) AS UBIGINT)"
_RECORD = _HASHED.format(x="'record:' || entity || ':' || record_id")
_PERSON = _HASHED.format(x="'customer:' || customer_id")


def remember_facts(con: Connection, settings: Settings, policy: Policy, control: ControlStore, pending: str) -> int:
    """Give the release ledger the facts of open periods that are about to lose their person; returns how many are new.

    To be called before anything is carried out; again it adds nothing.

    Args:
        con: the warehouse as it is now, staged.
        settings: where the ledger and its key are.
        policy: populations and regions.
        control: which periods are published.
        pending: the relation of what is about to go: entity, record_id, part, subject_id.
    """
    since = _open_since(policy, control)
    if not since or not ledger.exists(settings):
        return 0
    pad = pads(contributor_key(settings))
    values = policy.release.values
    bound = {**{f"since_{name}": since.get(name, date.max) for name in _POPULATIONS}, **policy.regions.values(),
             "unknown": values.unknown, "abroad": values.abroad, "inner": pad.inner, "outer": pad.outer}
    with engine_errors("facts of open periods"):
        con.execute(f"CREATE OR REPLACE TEMP TABLE carried_new AS {_FACTS.format(pending=pending)}", bound)
        try:
            return ledger.add_carried(con, settings)
        finally:
            con.execute("DROP TABLE temp.carried_new")


def write_carried_facts(con: Connection, settings: Settings) -> None:
    """Write control.carried_facts: the contributor and the region of records whose person was carried out."""
    with engine_errors("control.carried_facts"):
        con.execute(f"CREATE OR REPLACE TABLE control.carried_facts ({CONTROL_TABLES['control.carried_facts']})")
        if not ledger.exists(settings):
            return
        with attached(con, key_store(settings), settings.restricted / f"{NAME}.duckdb", NAME):
            if not ledger.has_carried(con):
                return
            con.execute("CREATE OR REPLACE TEMP TABLE carried_known AS FROM ledger.carried")
        since = con.execute("SELECT min(month) FROM temp.carried_known").fetchall()[0][0]
        pad = pads(contributor_key(settings))
        if since is not None:
            con.execute(f"INSERT INTO control.carried_facts {_BACK}", {"since": since, "inner": pad.inner,
                                                                       "outer": pad.outer})
        con.execute("DROP TABLE temp.carried_known")


def _open_since(policy: Policy, control: ControlStore) -> Mapping[str, date]:
    """The first day of what is not published yet, by population of facts; nothing where nothing is published."""
    known = [row for row in control.releases() if row["proven"]]
    if not known:
        return {}
    last = max(known, key=lambda row: (row["month"], row["id"]))
    lengths, found = control.release_periods(last["manifest_sha256"]), {}
    for population in fitted_populations(policy):
        closed = whole_periods(lengths.get(population, BY_MONTH), last["history_from"], last["month"])
        first = shift(closed[-1].last, 1) if closed else last["history_from"]
        found[population] = date.fromisoformat(f"{first}-01")
    return found


# A contact counts as its customer, and a message without ids of its own as its case, as in the models of `anonymous`.
_FACTS = f"""
    WITH pending AS (SELECT entity, record_id, part, subject_id FROM {{pending}}),
    moved AS (SELECT subject_id FROM pending WHERE entity = 'customers' AND part = 'address'),
    delivered AS (SELECT order_id, max(delivered_on) AS last_on FROM staged.order_lines GROUP BY ALL),
    facts AS (
        SELECT 'orders' AS entity, o.order_id AS record_id, NULL AS case_id, o.delivery_postal_code AS postal_code,
            coalesce(o.customer_id, n.customer_id) AS customer_id,
            greatest(o.ordered_on, coalesce(o.delivered_on, d.last_on)) AS last_on
        FROM staged.orders AS o
        LEFT JOIN staged.contacts AS n ON n.contact_id = o.contact_id
        LEFT JOIN delivered AS d ON d.order_id = o.order_id
        WHERE o.ordered_on >= $since_orders OR coalesce(o.delivered_on, d.last_on) >= $since_deliveries
        UNION ALL
        SELECT 'cases', a.case_id, a.case_id, NULL, coalesce(a.customer_id, n.customer_id),
            greatest(a.opened_on, a.closed_on)
        FROM staged.cases AS a LEFT JOIN staged.contacts AS n ON n.contact_id = a.contact_id
        WHERE a.opened_on >= $since_cases OR a.closed_on >= $since_cases
        UNION ALL
        SELECT 'communications', m.communication_id, a.case_id, NULL,
            coalesce(m.customer_id, CASE WHEN m.contact_id IS NULL THEN a.customer_id END, n.customer_id), m.occurred_on
        FROM staged.communications AS m
        LEFT JOIN staged.cases AS a ON a.case_id = m.case_id
        LEFT JOIN staged.contacts AS n
            ON n.contact_id = CASE WHEN m.customer_id IS NULL AND m.contact_id IS NULL THEN a.contact_id
                                   ELSE m.contact_id END
        WHERE m.occurred_on >= $since_messages
        UNION ALL
        SELECT 'web_events', w.event_id, NULL, NULL, coalesce(w.customer_id, n.customer_id), w.occurred_on
        FROM staged.web_events AS w LEFT JOIN staged.contacts AS n ON n.contact_id = w.contact_id
        WHERE w.occurred_on >= $since_web_events
    ), going AS (
        SELECT f.* FROM facts AS f SEMI JOIN pending AS p ON p.entity = f.entity AND p.record_id = f.record_id
        UNION
        SELECT f.* FROM facts AS f SEMI JOIN pending AS p ON p.entity = 'cases' AND p.record_id = f.case_id
        UNION
        SELECT f.* FROM facts AS f SEMI JOIN moved AS m ON m.subject_id = 'customer:' || f.customer_id
        WHERE f.entity = 'orders'
    )
    SELECT g.entity, {_RECORD} AS record, {_PERSON.replace('customer_id', 'g.customer_id')} AS person,
        CASE WHEN g.entity = 'orders' THEN region_of(c.country, g.postal_code, $home_spellings, $postal_pattern,
            $region_width, $region_starts, $region_labels, $unknown, $abroad) END AS region,
        CAST(date_trunc('month', g.last_on) AS DATE) AS month
    FROM going AS g LEFT JOIN staged.customers AS c ON c.customer_id = g.customer_id
    WHERE g.customer_id IS NOT NULL
"""
_BACK = f"""
    WITH records AS (
        SELECT 'orders' AS entity, order_id AS record_id FROM staged.orders
        UNION ALL SELECT 'cases', case_id FROM staged.cases
        UNION ALL SELECT 'communications', communication_id FROM staged.communications WHERE occurred_on >= $since
        UNION ALL SELECT 'web_events', event_id FROM staged.web_events WHERE occurred_on >= $since
    ), found AS (
        SELECT r.entity, r.record_id, k.person, k.region
        FROM (SELECT *, {_RECORD} AS record FROM records) AS r JOIN temp.carried_known AS k USING (entity, record)
    ), there AS (SELECT customer_id, {_PERSON} AS person FROM staged.customers)
    SELECT f.entity, f.record_id, coalesce(t.customer_id, 'carried out ' || f.person), f.region
    FROM found AS f LEFT JOIN there AS t USING (person)
"""
