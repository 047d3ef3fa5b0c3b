-- model: retention.guest_requests
-- grain: one row per guest order or guest invoice that a request by e-mail reaches
-- reads: staged.orders, staged.invoices, raw.email_keys, retention.requests, policy.freeze_entities
-- doc: What requests by e-mail do to orders and invoices of guests, who have no row of their own: the days from which a
--   verified erasure counts, however many others have the address, and what freezes them, as bits.
WITH asked AS (
    SELECT DISTINCT email_key, CASE WHEN kind = 'erasure' AND stops_marketing THEN verified_on END AS erased_on,
        CASE WHEN freezes AND kind = 'restriction' THEN 'restriction' WHEN freezes THEN 'access_pending' END AS "freeze"
    FROM retention.requests WHERE by_email AND email_key IS NOT NULL
), guests AS (
    SELECT 'orders' AS entity, order_id AS record_id, delivery_email AS email FROM staged.orders
    WHERE customer_id IS NULL AND contact_id IS NULL AND tombstone_type IS NULL AND NOT is_contact_unlinked
    UNION ALL
    SELECT 'invoices', invoice_id, billing_email FROM staged.invoices WHERE customer_id IS NULL AND tombstone_type IS NULL
), keyed AS (
    SELECT g.entity, g.record_id, email_key(g.email, k.email_key) AS email_key
    FROM guests AS g LEFT JOIN raw.email_keys AS k ON k.email = g.email
    WHERE g.email IS NOT NULL
)
SELECT g.entity, g.record_id, list(a.erased_on) FILTER (a.erased_on IS NOT NULL) AS erased_ons,
    bit_or(e.bit) AS freezes
FROM keyed AS g
JOIN asked AS a ON a.email_key = g.email_key
LEFT JOIN policy.freeze_entities AS e ON e."freeze" = a."freeze" AND e.entity = g.entity
GROUP BY g.entity, g.record_id
