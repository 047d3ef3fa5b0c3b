-- model: retention.invoice_decisions
-- grain: one row per invoice and part: billing, and link where the invoice points to a person
-- materialised: view
-- reads: retention.invoice_rulings, retention.basis, policy.reason_sets, policy.freeze_sets
-- decides: invoices.billing, invoices.link
-- doc: What becomes of an invoice's billing details and of its link to a person, in words. A guest's invoice has no link.
WITH parts AS (
    SELECT *, 'billing' AS part, is_empty AS is_absent FROM retention.invoice_rulings
    UNION ALL
    SELECT *, 'link', customer_id IS NULL FROM retention.invoice_rulings WHERE is_person
)
SELECT b.as_of, 'invoices' AS entity, p.invoice_id AS record_id, p.part, 'customer:' || p.customer_id AS subject_id,
    p.customer_no AS subject_no,
    CASE WHEN p.is_absent THEN 'absent' WHEN p.reasons > 0 THEN 'retain' WHEN p.held > 0 THEN 'hold' ELSE 'due' END AS decision,
    CASE WHEN NOT p.is_absent THEN p.due_on END AS due_on, s.names AS retained_by, f.names AS held_by, b.policy_version
FROM parts AS p
CROSS JOIN retention.basis AS b
JOIN policy.reason_sets AS s ON s.reasons = CASE WHEN p.is_absent THEN 0 ELSE p.reasons END
JOIN policy.freeze_sets AS f ON f.freezes = CASE WHEN p.is_absent THEN 0 ELSE p.held END
