-- model: retention.order_rulings
-- grain: one row per order
-- params: as_of
-- reads: retention.order_facts, retention.subject_purposes, retention.subject_requests, retention.record_marks, retention.released_orders, retention.subject_holds, retention.evidence
-- doc: What becomes of an order's delivery details, and of its link to a person; a guest's order has no link. An order whose
--   own date cannot be read is due by as_of, hence held, unless a blocker or purpose retains it. The delivery details are
--   its contact's where it names one, the link of a person's order is the customer's. Reasons and freezes are sets as
--   bits; retention.order_decisions puts them into words.
WITH placed AS (
    SELECT *, CASE WHEN contact_id IS NOT NULL THEN contact_no ELSE customer_no END AS delivery_no,
        CASE WHEN is_person THEN customer_no ELSE contact_no END AS link_no,
        (is_person AND NOT is_guest) OR contact_no IS NOT NULL AS is_linked,
        is_person AND customer_id IS NULL AND contact_id IS NULL AS link_absent,
        CASE WHEN undelivered THEN {{ reason.undelivered.bit }} ELSE 0 END + CASE WHEN open_case THEN {{ reason.open_case.bit }} ELSE 0 END
        + CASE WHEN warranty_unknown THEN {{ reason.warranty_unknown.bit }} ELSE 0 END AS blockers
    FROM retention.order_facts
), dated AS (
    SELECT p.order_id, p.customer_id, p.contact_id, p.is_person, p.is_linked, p.ordered_on, s.individualisation_on,
        record_holds(c.freezes, coalesce(k.freezes, g.freezes), (p.customer_missing OR p.contact_missing) AND NOT coalesce(g.is_released, false),
                     coalesce(g.is_faulty, false), v.is_missing, list_contains(v.held_entities, 'orders')) AS held,
{% for part, released, asked in [("delivery", "dr", "de"), ("link", "lr", "le")] %}
        p.{{ part }}_no, p.{{ part }}_absent,
        p.blockers + CASE WHEN p.unpaid AND {{ released }}.order_id IS NULL THEN {{ reason.unpaid.bit }} ELSE 0 END AS {{ part }}_blockers,
        coalesce(end_after_erasure(p.contract_on, p.obligations_on, p.ordered_on, coalesce({{ asked }}.erased_ons, g.erased_ons)),
                 $as_of) AS {{ part }}_contract_on{{ "," if not loop.last }}
{% endfor %}
    FROM placed AS p
    CROSS JOIN retention.evidence AS v
    LEFT JOIN retention.record_marks AS g ON g.record_id = p.order_id AND g.entity = 'orders'
    LEFT JOIN retention.subject_holds AS c ON c.subject_no = p.contact_no AND c.entity = 'orders'
    LEFT JOIN retention.subject_holds AS k ON k.subject_no = p.customer_no AND k.entity = 'orders'
    LEFT JOIN retention.released_orders AS dr ON dr.order_id = p.order_id AND dr.subject_no = p.delivery_no
    LEFT JOIN retention.subject_requests AS de ON de.subject_no = p.delivery_no
    LEFT JOIN retention.released_orders AS lr ON lr.order_id = p.order_id AND lr.subject_no = p.link_no
    LEFT JOIN retention.subject_requests AS le ON le.subject_no = p.link_no
    LEFT JOIN retention.subject_purposes AS s ON s.subject_no = p.link_no
), judged AS (
    SELECT *,
        CASE WHEN delivery_blockers > 0 THEN no_end() ELSE delivery_contract_on END AS delivery_until,
        greatest(CASE WHEN link_blockers > 0 THEN no_end() ELSE link_contract_on END, individualisation_on) AS link_until,
        CASE WHEN delivery_blockers > 0 THEN delivery_blockers WHEN delivery_contract_on > $as_of THEN {{ reason.contract.bit }} ELSE 0 END AS delivery_reasons,
        CASE WHEN link_blockers > 0 THEN link_blockers WHEN link_contract_on > $as_of THEN {{ reason.contract.bit }} ELSE 0 END
        + CASE WHEN individualisation_on > $as_of THEN {{ reason.individualisation.bit }} ELSE 0 END AS link_reasons
    FROM dated
)
SELECT order_id, customer_id, contact_id, is_person, is_linked,
{% for part in ["delivery", "link"] %}
    {{ part }}_no, {{ part }}_absent,
    CASE WHEN {{ part }}_absent THEN 0 ELSE {{ part }}_reasons END AS {{ part }}_reasons,
    CASE WHEN {{ part }}_absent OR {{ part }}_reasons > 0 THEN 0 ELSE held END AS {{ part }}_held,
    CASE WHEN {{ part }}_absent OR NOT has_end({{ part }}_until) THEN NULL
         WHEN ordered_on IS NULL AND {{ part }}_reasons = 0 THEN $as_of ELSE {{ part }}_until END AS {{ part }}_due_on{{ "," if not loop.last }}
{% endfor %}
FROM judged
