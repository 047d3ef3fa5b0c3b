-- model: retention.request_reviews
-- grain: one row per request that a person must look at
-- params: as_of
-- reads: retention.requests, retention.guest_addresses, staged.newsletter_subscriptions
-- doc: Erasures whose address several subjects have; and, until they are closed, requests of any kind that reach nobody:
--   neither a subject nor an address of the newsletter or of a guest. One with an id reaches such an address only where it
--   stops marketing.
WITH addresses AS (
    SELECT email_key, false AS is_guests FROM staged.newsletter_subscriptions WHERE email_key IS NOT NULL
    UNION
    SELECT email_key, true FROM retention.guest_addresses
)
SELECT request_id, 'ambiguous_request' AS reason, min(received_on) AS since
FROM retention.requests
WHERE by_email AND matches > 1 AND kind = 'erasure' AND stops_marketing AND request_id IS NOT NULL
GROUP BY request_id
UNION ALL
SELECT request_id, 'unmatched_request', received_on
FROM retention.requests AS r
WHERE subject_no IS NULL AND request_id IS NOT NULL AND NOT (matches > 1 AND coalesce(stops_marketing, false))
  AND received_on <= $as_of AND NOT coalesce(closed_on <= $as_of, false)
  AND NOT EXISTS (SELECT 1 FROM addresses AS a WHERE a.email_key = r.email_key
                  AND (r.by_email OR (NOT a.is_guests AND r.kind IN ('objection', 'erasure'))))
