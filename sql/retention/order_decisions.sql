-- model: retention.order_decisions
-- grain: one row per order and part: delivery, and link where the order points to a person
-- params: as_of, policy_version
-- reads: retention.order_facts, retention.subject_purposes, retention.subject_requests, retention.guest_requests, retention.released_orders, retention.subject_holds, retention.faults, retention.released_faults, retention.evidence, policy.reason_sets, policy.freeze_sets
-- decides: orders.delivery, orders.link
-- doc: What becomes of an order's delivery details, and of its link to a person; a guest's order has no link. An order whose
--   own date cannot be read is due by as_of, hence held, unless a blocker or purpose retains it. `reasons` is a set as bits.
WITH parts AS (
    SELECT f.*, 'delivery' AS part, subject_id_of(f.contact_id, f.customer_id) AS subject_id,
        CASE WHEN f.contact_id IS NOT NULL THEN f.contact_no ELSE f.customer_no END AS subject_no,
        f.delivery_absent AS is_absent
    FROM retention.order_facts AS f
    UNION ALL
    SELECT f.*, 'link', CASE WHEN f.is_person THEN 'customer:' || f.customer_id ELSE 'contact:' || f.contact_id END,
        CASE WHEN f.is_person THEN f.customer_no ELSE f.contact_no END,
        f.is_person AND f.customer_id IS NULL AND f.contact_id IS NULL
    FROM retention.order_facts AS f
    WHERE (f.is_person AND NOT f.is_guest) OR f.contact_no IS NOT NULL
), dated AS (
    SELECT p.order_id, p.part, p.subject_id, p.subject_no, p.is_absent, p.customer_no, p.contact_no, p.ordered_on,
        g.freezes AS guest_freezes, p.customer_missing OR p.contact_missing AS is_orphan,
        CASE WHEN p.undelivered THEN {{ reason.undelivered.bit }} ELSE 0 END + CASE WHEN p.unpaid AND r.order_id IS NULL THEN {{ reason.unpaid.bit }} ELSE 0 END
        + CASE WHEN p.open_case THEN {{ reason.open_case.bit }} ELSE 0 END + CASE WHEN p.warranty_unknown THEN {{ reason.warranty_unknown.bit }} ELSE 0 END AS blockers,
        coalesce(end_after_erasure(p.contract_on, p.obligations_on, p.ordered_on, coalesce(e.erased_ons, g.erased_ons)), $as_of) AS contract_on,
        CASE WHEN p.part = 'link' THEN s.individualisation_on END AS individualisation_on
    FROM parts AS p
    LEFT JOIN retention.released_orders AS r ON r.order_id = p.order_id AND r.subject_no = p.subject_no
    LEFT JOIN retention.subject_requests AS e ON e.subject_no = p.subject_no
    LEFT JOIN retention.guest_requests AS g ON g.record_id = p.order_id AND g.entity = 'orders'
    LEFT JOIN retention.subject_purposes AS s ON s.subject_no = p.subject_no
), judged AS (
    SELECT *,
        greatest(CASE WHEN blockers > 0 THEN DATE 'infinity' ELSE contract_on END, individualisation_on) AS kept_until,
        CASE WHEN blockers > 0 THEN blockers WHEN contract_on > $as_of THEN {{ reason.contract.bit }} ELSE 0 END
        + CASE WHEN individualisation_on > $as_of THEN {{ reason.individualisation.bit }} ELSE 0 END AS reasons
    FROM dated
), decided AS (
    SELECT j.*, CASE WHEN j.reasons = 0 AND NOT j.is_absent
        THEN record_holds(c.freezes, coalesce(k.freezes, j.guest_freezes), j.is_orphan AND u.record_id IS NULL, q.record_id IS NOT NULL, e.is_missing,
                          list_contains(e.held_entities, 'orders'))
        ELSE 0 END AS held
    FROM judged AS j
    CROSS JOIN retention.evidence AS e
    LEFT JOIN retention.subject_holds AS c ON c.subject_no = j.contact_no AND c.entity = 'orders'
    LEFT JOIN retention.subject_holds AS k ON k.subject_no = j.customer_no AND k.entity = 'orders'
    LEFT JOIN retention.released_faults AS u ON u.record_id = j.order_id AND u.entity = 'orders' AND u."freeze" = 'orphan'
    LEFT JOIN retention.faults AS q ON q.record_id = j.order_id AND q.entity = 'orders'
)
SELECT CAST($as_of AS DATE) AS as_of, 'orders' AS entity, d.order_id AS record_id, d.part, d.subject_id, d.subject_no,
    decision_of(d.is_absent, d.reasons > 0, d.held > 0) AS decision,
    CASE WHEN d.is_absent OR NOT isfinite(d.kept_until) THEN NULL
         WHEN d.ordered_on IS NULL AND d.reasons = 0 THEN $as_of ELSE d.kept_until END AS due_on,
    s.names AS retained_by, f.names AS held_by,
    $policy_version AS policy_version
FROM decided AS d
JOIN policy.reason_sets AS s ON s.reasons = CASE WHEN d.is_absent THEN 0 ELSE d.reasons END
JOIN policy.freeze_sets AS f ON f.freezes = d.held
