-- model: retention.requests
-- grain: one row per request and subject it reaches, and per former address of that subject that somebody has; one without subject_no where a request reaches nobody
-- params: as_of, request_response_months
-- reads: retention.known_requests, retention.subjects, retention.former_requests, retention.kept_reach, control.shared_requests
-- doc: Whose a request is: its contact, else its customer, else everybody with its e-mail address (matches says how many;
--   what reached several in an earlier month never comes down to one, because the others' addresses may have been erased).
--   The effects that a request has by as_of are flags, and the freeze that it is; each is explained in the specification's section on requests.
--   Whom a request by e-mail reached before the address was erased from the subject's row, it still reaches. What an
--   earlier request ended, whose row is gone or emptied, has rows without request_id.
WITH matched AS (
    SELECT r.request_id, s.subject_no, NULL AS matched_then, NULL AS former_key
    FROM retention.known_requests AS r JOIN retention.subjects AS s ON s.contact_id = r.contact_id
    UNION ALL
    SELECT r.request_id, s.subject_no, NULL, NULL
    FROM retention.known_requests AS r JOIN retention.subjects AS s ON s.customer_id = r.customer_id AND s.contact_id IS NULL
    WHERE r.contact_id IS NULL
    UNION ALL
    SELECT r.request_id, s.subject_no, NULL, NULL
    FROM retention.known_requests AS r JOIN retention.subjects AS s ON s.email_key = r.email_key
    WHERE r.contact_id IS NULL AND r.customer_id IS NULL
    UNION ALL
    SELECT request_id, subject_no, matches, email_key FROM retention.kept_reach WHERE by_email OR email_key IS NOT NULL
), counted AS (
    SELECT *, count(CASE WHEN former_key IS NULL THEN 1 END) OVER (PARTITION BY request_id) AS matches FROM matched
), judged AS (
    SELECT r.request_id, c.subject_no, r.contact_id IS NULL AND r.customer_id IS NULL AS by_email,
        coalesce(c.matched_then, greatest(
            coalesce(c.matches, 0), CASE WHEN r.email_key IS NOT NULL THEN coalesce(m.matches, 0) ELSE 0 END)) AS matches,
        r.kind, coalesce(c.former_key, r.email_key) AS email_key, r.received_on, r.closed_on, r.outcome,
        greatest(r.received_on, r.identity_verified_on) AS both_on,
        r.identity_verified_on IS NOT NULL AND r.received_on IS NOT NULL AS is_verified,
        r.outcome IS DISTINCT FROM 'withdrawn'
            AND (r.outcome IS DISTINCT FROM 'refused' OR r.kind = 'objection') AS counts
    FROM retention.known_requests AS r
    LEFT JOIN counted AS c ON c.request_id = r.request_id
    LEFT JOIN control.shared_requests AS m ON m.request_id = r.request_id
)
SELECT request_id, subject_no, by_email, matches, kind, email_key, received_on, closed_on,
    CASE WHEN is_verified AND both_on <= $as_of THEN both_on END AS verified_on,
    -- stops marketing from receipt on: an objection, and the marketing side of an erasure
    counts AND kind IN ('objection', 'erasure') AND received_on <= $as_of AS stops_marketing,
    -- erases from verification on; a shared address alone erases nobody
    counts AND kind = 'erasure' AND is_verified AND both_on <= $as_of AND (NOT by_email OR matches = 1) AS erases,
    CASE WHEN counts AND received_on <= $as_of AND NOT coalesce(closed_on <= $as_of, false)
            AND (coalesce(is_verified AND both_on <= $as_of, false)
                 OR $as_of < plus_months(received_on, $request_response_months))
        THEN CASE WHEN kind IN ('access', 'portability') THEN '{{ freeze.access_pending.name }}'
             -- an objection for reasons of one's own situation restricts while it is weighed (Art. 18(1)(d))
             WHEN kind IN ('restriction', 'objection_situation') THEN '{{ freeze.restriction.name }}' END
    END AS "freeze",
    -- once it is upheld, the person stays out of what is published and followed
    counts AND kind = 'objection_situation' AND outcome = 'granted' AND coalesce(closed_on <= $as_of, false) AS stays_out
FROM judged
UNION ALL
SELECT NULL, subject_no, by_email, matches, kind, email_key, received_on, NULL, verified_on, kind <> 'objection_situation', erases, NULL,
    kind = 'objection_situation'
FROM retention.former_requests
