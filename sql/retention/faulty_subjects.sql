-- model: retention.faulty_subjects
-- grain: one row per subject of a row with a value that does not fit
-- reads: retention.faults, retention.subjects, retention.requests, staged.orders, staged.invoices, staged.cases, staged.communications, staged.newsletter_subscriptions, staged.web_events
-- doc: Subjects that a quality fault freezes: the subject of the faulty row; everybody whom a faulty request reaches.
--   A faulty product freezes nobody.
WITH rows AS (
    SELECT 'customers' AS entity, customer_id AS record_id, customer_id, NULL AS contact_id
        FROM retention.subjects WHERE contact_id IS NULL
    UNION ALL SELECT 'contacts', contact_id, NULL, contact_id FROM retention.subjects WHERE contact_id IS NOT NULL
    UNION ALL SELECT 'orders', order_id, customer_id, contact_id FROM staged.orders
    UNION ALL SELECT 'invoices', invoice_id, customer_id, NULL FROM staged.invoices
    UNION ALL SELECT 'cases', case_id, customer_id, contact_id FROM staged.cases
    UNION ALL SELECT 'communications', m.communication_id,
        CASE WHEN m.customer_id IS NULL AND m.contact_id IS NULL THEN c.customer_id ELSE m.customer_id END,
        CASE WHEN m.customer_id IS NULL AND m.contact_id IS NULL THEN c.contact_id ELSE m.contact_id END
        FROM staged.communications AS m LEFT JOIN staged.cases AS c USING (case_id)
    UNION ALL SELECT 'newsletter_subscriptions', subscription_id, customer_id, contact_id FROM staged.newsletter_subscriptions
    UNION ALL SELECT 'web_events', event_id, customer_id, contact_id FROM staged.web_events
), nobodys AS (
    SELECT n.email_key
    FROM retention.faults AS f JOIN staged.newsletter_subscriptions AS n ON n.subscription_id = f.record_id
    WHERE f.entity = 'newsletter_subscriptions' AND n.customer_id IS NULL AND n.contact_id IS NULL
), named AS (
    SELECT r.customer_id, r.contact_id FROM retention.faults AS f JOIN rows AS r USING (entity, record_id)
)
SELECT s.subject_no FROM named AS n JOIN retention.subjects AS s ON s.contact_id = n.contact_id
UNION
SELECT s.subject_no FROM named AS n JOIN retention.subjects AS s ON s.customer_id = n.customer_id AND s.contact_id IS NULL
WHERE n.contact_id IS NULL
UNION
SELECT r.subject_no FROM retention.faults AS f JOIN retention.requests AS r ON r.request_id = f.record_id
WHERE f.entity = 'rights_requests' AND r.subject_no IS NOT NULL
UNION
SELECT any_value(subject_no) FROM retention.subjects WHERE email_key IN (SELECT email_key FROM nobodys)
GROUP BY email_key HAVING count(*) = 1
