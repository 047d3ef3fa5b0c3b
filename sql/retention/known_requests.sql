-- model: retention.known_requests
-- grain: one row per request of a person, of the warehouse or recorded here
-- params: effects_inner, effects_outer
-- reads: staged.rights_requests, control.added_requests, control.request_steps
-- doc: Every request with what was recorded here about it: when the person's identity was verified, when it was closed and how.
--   What the warehouse itself says of a request comes first. Who was identified was the person whose request it then was:
--   it does not count where the warehouse has made it somebody else's since. `is_added` are those that the warehouse does not have.
WITH verified AS (
    SELECT r.request_id, s.identity_verified_on
    FROM staged.rights_requests AS r
    JOIN control.request_steps AS s ON s.request_id = r.request_id
    WHERE s.verified_for IS NULL OR coalesce(r.contact_id, r.customer_id, r.email_key) IS NULL
        OR s.verified_for = sha256($effects_outer || unhex(sha256($effects_inner || encode(CASE WHEN r.contact_id IS NOT NULL THEN 'contact:' || r.contact_id
            WHEN r.customer_id IS NOT NULL THEN 'customer:' || r.customer_id ELSE 'email:' || r.email_key END))))
        OR s.verified_for = sha256($effects_outer || unhex(sha256($effects_inner || encode('email:' || r.email_key))))
)
SELECT r.request_id, r.kind, r.customer_id, r.contact_id, r.email, r.email_key, r.received_on,
    coalesce(r.identity_verified_on, v.identity_verified_on) AS identity_verified_on,
    coalesce(r.closed_on, s.closed_on) AS closed_on, coalesce(r.outcome, s.outcome) AS outcome, r.details, false AS is_added
FROM staged.rights_requests AS r
LEFT JOIN control.request_steps AS s ON s.request_id = r.request_id
LEFT JOIN verified AS v ON v.request_id = r.request_id
UNION ALL
SELECT a.request_id, a.kind, a.customer_id, a.contact_id, a.email, a.email_key, a.received_on, s.identity_verified_on, s.closed_on,
    s.outcome, NULL, true
FROM control.added_requests AS a
ANTI JOIN staged.rights_requests AS r ON r.request_id = a.request_id
LEFT JOIN control.request_steps AS s ON s.request_id = a.request_id
