-- model: staged.rights_requests
-- grain: one row per request of a person
-- params: tombstones, request_kinds, outcomes, first_day, last_day, plausible_sentinels, end_before_beginning_days
-- reads: raw.rights_requests, raw.email_keys
-- doc: Requests of people to use a right, typed and trimmed.
WITH read AS (
    SELECT
        text_of(request_id) AS request_id,
        enum_of(kind, $request_kinds) AS kind,
        CASE WHEN NOT list_contains($tombstones, text_of(customer_id)) THEN text_of(customer_id) END AS customer_id,
        CASE WHEN NOT list_contains($tombstones, text_of(contact_id)) THEN text_of(contact_id) END AS contact_id,
        text_of(email) AS email,
        date_on(received_at, $first_day, $last_day, $plausible_sentinels) AS received_on,
        date_on(identity_verified_at, $first_day, $last_day, $plausible_sentinels) AS identity_verified_on,
        date_on(closed_at, $first_day, $last_day, $plausible_sentinels) AS closed_on,
        enum_of(outcome, $outcomes) AS outcome,
        text_of(details) AS details
    FROM raw.rights_requests
)
SELECT r.request_id, r.kind, r.customer_id, r.contact_id, r.email, email_key(r.email, k.email_key) AS email_key,
    r.received_on, r.identity_verified_on, end_on(r.closed_on, r.received_on, $end_before_beginning_days) AS closed_on,
    r.outcome, r.details
FROM read AS r
LEFT JOIN raw.email_keys AS k ON k.email = r.email
