-- model: retention.order_decisions
-- grain: one row per order and part: delivery, and link where the order points to a person
-- materialised: view
-- reads: retention.order_rulings, retention.basis, policy.reason_sets, policy.freeze_sets
-- decides: orders.delivery, orders.link
-- doc: What becomes of an order's delivery details, and of its link to a person, in words.
WITH parts AS (
    SELECT order_id, 'delivery' AS part, delivery_no AS subject_no, delivery_absent AS is_absent, delivery_reasons AS reasons,
        delivery_held AS held, delivery_due_on AS due_on,
        CASE WHEN contact_id IS NOT NULL THEN 'contact:' || contact_id ELSE 'customer:' || customer_id END AS subject_id
    FROM retention.order_rulings
    UNION ALL
    SELECT order_id, 'link', link_no, link_absent, link_reasons, link_held, link_due_on,
        CASE WHEN is_person THEN 'customer:' || customer_id ELSE 'contact:' || contact_id END
    FROM retention.order_rulings
    WHERE is_linked
)
SELECT b.as_of, 'orders' AS entity, p.order_id AS record_id, p.part, p.subject_id, p.subject_no,
    CASE WHEN p.is_absent THEN 'absent' WHEN p.reasons > 0 THEN 'retain' WHEN p.held > 0 THEN 'hold' ELSE 'due' END AS decision,
    p.due_on, s.names AS retained_by, f.names AS held_by, b.policy_version
FROM parts AS p
CROSS JOIN retention.basis AS b
JOIN policy.reason_sets AS s ON s.reasons = p.reasons
JOIN policy.freeze_sets AS f ON f.freezes = p.held
