-- model: terms.records
-- grain: one row per record and part of an asked subject
-- reads: terms.decisions, terms.orders, terms.invoices, staged.cases, staged.communications, staged.newsletter_subscriptions, staged.rights_requests
-- doc: Decisions about the subject's records; those that something holds with the customer and the contact that each names,
--   since a freeze of either may hold it. A message without ids has its case's.
WITH held AS (
    SELECT entity, record_id FROM terms.decisions WHERE len(held_by) > 0
), named AS (
    SELECT DISTINCT 'orders' AS entity, order_id AS record_id, customer_id, contact_id FROM terms.orders
    WHERE order_id IN (SELECT record_id FROM held WHERE entity = 'orders')
    UNION ALL
    SELECT 'invoices', invoice_id, customer_id, NULL FROM terms.invoices
    WHERE invoice_id IN (SELECT record_id FROM held WHERE entity = 'invoices')
    UNION ALL
    SELECT 'cases', case_id, customer_id, contact_id FROM staged.cases
    WHERE case_id IN (SELECT record_id FROM held WHERE entity = 'cases')
    UNION ALL
    SELECT 'communications', m.communication_id,
        CASE WHEN m.customer_id IS NULL AND m.contact_id IS NULL THEN c.customer_id ELSE m.customer_id END,
        CASE WHEN m.customer_id IS NULL AND m.contact_id IS NULL THEN c.contact_id ELSE m.contact_id END
    FROM staged.communications AS m LEFT JOIN staged.cases AS c ON c.case_id = m.case_id
    WHERE m.communication_id IN (SELECT record_id FROM held WHERE entity = 'communications')
    UNION ALL
    SELECT 'newsletter_subscriptions', subscription_id, customer_id, contact_id FROM staged.newsletter_subscriptions
    WHERE subscription_id IN (SELECT record_id FROM held WHERE entity = 'newsletter_subscriptions')
    UNION ALL
    SELECT 'rights_requests', request_id, customer_id, contact_id FROM staged.rights_requests
    WHERE request_id IN (SELECT record_id FROM held WHERE entity = 'rights_requests')
)
SELECT d.subject_no, d.entity, d.record_id, d.part, d.decision, d.due_on, d.retained_by, d.held_by, d.policy_version,
    'customer:' || n.customer_id AS customer, 'contact:' || n.contact_id AS contact
FROM terms.decisions AS d LEFT JOIN named AS n ON n.entity = d.entity AND n.record_id = d.record_id
