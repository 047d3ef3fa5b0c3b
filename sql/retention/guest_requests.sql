-- model: retention.guest_requests
-- grain: one row per guest order or guest invoice that a request by e-mail reaches
-- reads: retention.guest_addresses, retention.requests, policy.freeze_entities
-- doc: What requests by e-mail do to orders and invoices of guests: the days from which a verified erasure counts, however
--   many others have the address, what freezes them, as bits, and whether they stay out of what is published.
WITH asked AS (
    SELECT DISTINCT email_key, CASE WHEN kind = 'erasure' AND stops_marketing THEN verified_on END AS erased_on,
        "freeze", stays_out
    FROM retention.requests WHERE by_email AND email_key IS NOT NULL
)
SELECT g.entity, g.record_id, list_sort(list(a.erased_on) FILTER (a.erased_on IS NOT NULL)) AS erased_ons,
    coalesce(bit_or(e.bit), 0) AS freezes, coalesce(bool_or(a.stays_out), false) AS stays_out
FROM retention.guest_addresses AS g
JOIN asked AS a ON a.email_key = g.email_key
LEFT JOIN policy.freeze_entities AS e ON e."freeze" = a."freeze" AND e.entity = g.entity
GROUP BY g.entity, g.record_id
