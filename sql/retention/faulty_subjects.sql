-- model: retention.faulty_subjects
-- grain: one row per subject and record with a value that does not fit that freezes it
-- reads: retention.faults, retention.subjects, retention.requests, retention.invoice_reach, staged.customers, staged.orders, staged.cases, staged.communications, staged.newsletter_subscriptions, staged.web_events
-- doc: Subjects that a quality fault freezes: the subject of the faulty row; of an order also the contacts it belongs to,
--   or all of the company's where nobody knows when it was placed; of an invoice whom an open balance would reach;
--   everybody whom a faulty request reaches; of a customer whose type does not fit also all its contacts, whose the
--   company's orders would be. A faulty product freezes nobody.
WITH orders AS (
    SELECT f.entity, f.record_id, o.* FROM retention.faults AS f JOIN staged.orders AS o ON o.order_id = f.record_id
    WHERE f.entity = 'orders'
), newsletters AS (
    SELECT f.entity, f.record_id, n.customer_id, n.contact_id, n.email_key
    FROM retention.faults AS f JOIN staged.newsletter_subscriptions AS n ON n.subscription_id = f.record_id
    WHERE f.entity = 'newsletter_subscriptions'
), named AS (
    SELECT entity, record_id, customer_id, contact_id FROM orders
    UNION ALL
    SELECT f.entity, f.record_id, c.customer_id, c.contact_id
    FROM retention.faults AS f JOIN staged.cases AS c ON c.case_id = f.record_id WHERE f.entity = 'cases'
    UNION ALL
    SELECT f.entity, f.record_id,
        CASE WHEN m.customer_id IS NULL AND m.contact_id IS NULL THEN c.customer_id ELSE m.customer_id END,
        CASE WHEN m.customer_id IS NULL AND m.contact_id IS NULL THEN c.contact_id ELSE m.contact_id END
    FROM retention.faults AS f JOIN staged.communications AS m ON m.communication_id = f.record_id
    LEFT JOIN staged.cases AS c ON c.case_id = m.case_id
    WHERE f.entity = 'communications'
    UNION ALL SELECT entity, record_id, customer_id, contact_id FROM newsletters
    UNION ALL
    SELECT f.entity, f.record_id, e.customer_id, e.contact_id
    FROM retention.faults AS f JOIN staged.web_events AS e ON e.event_id = f.record_id WHERE f.entity = 'web_events'
    UNION ALL SELECT entity, record_id, record_id, NULL FROM retention.faults WHERE entity = 'customers'
    UNION ALL SELECT entity, record_id, NULL, record_id FROM retention.faults WHERE entity = 'contacts'
)
SELECT s.subject_no, n.entity, n.record_id FROM named AS n JOIN retention.subjects AS s ON s.contact_id = n.contact_id
UNION
SELECT s.subject_no, n.entity, n.record_id
FROM named AS n JOIN retention.subjects AS s ON s.customer_id = n.customer_id AND s.contact_id IS NULL
WHERE n.contact_id IS NULL
UNION
SELECT s.subject_no, o.entity, o.record_id
FROM orders AS o JOIN retention.subjects AS s ON s.customer_id = o.customer_id AND s.of_business
WHERE o.ordered_on IS NULL OR (o.contact_id IS NULL AND NOT o.is_contact_unlinked
    AND coalesce(s.created_on <= o.ordered_on, true) AND coalesce(s.closed_on > o.ordered_on, true))
UNION
SELECT s.subject_no, f.entity, f.record_id
FROM retention.faults AS f
JOIN staged.customers AS c ON c.customer_id = f.record_id AND c.stated_type IS NULL
JOIN retention.subjects AS s ON s.customer_id = c.customer_id AND s.contact_id IS NOT NULL
WHERE f.entity = 'customers'
UNION
SELECT subject_no, 'invoices', invoice_id FROM retention.invoice_reach WHERE NOT is_open
UNION
SELECT r.subject_no, f.entity, f.record_id
FROM retention.faults AS f JOIN retention.requests AS r ON r.request_id = f.record_id
WHERE f.entity = 'rights_requests' AND r.subject_no IS NOT NULL
UNION
SELECT any_value(s.subject_no), n.entity, n.record_id
FROM newsletters AS n JOIN retention.subjects AS s ON s.email_key = n.email_key
WHERE n.customer_id IS NULL AND n.contact_id IS NULL
GROUP BY n.entity, n.record_id HAVING count(*) = 1
