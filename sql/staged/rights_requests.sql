-- model: staged.rights_requests
-- grain: one row per request of a person
-- params: tombstones, request_kinds, outcomes, first_day, last_day
-- reads: raw.rights_requests
-- doc: Requests of people to use a right, typed and trimmed.
SELECT
    text_of(request_id) AS request_id,
    enum_of(kind, $request_kinds) AS kind,
    CASE WHEN NOT list_contains($tombstones, text_of(customer_id)) THEN text_of(customer_id) END AS customer_id,
    CASE WHEN NOT list_contains($tombstones, text_of(contact_id)) THEN text_of(contact_id) END AS contact_id,
    text_of(email) AS email,
    local_on(received_at, $first_day, $last_day) AS received_on,
    local_on(identity_verified_at, $first_day, $last_day) AS identity_verified_on,
    local_on(closed_at, $first_day, $last_day) AS closed_on,
    enum_of(outcome, $outcomes) AS outcome,
    text_of(details) AS details
FROM raw.rights_requests
