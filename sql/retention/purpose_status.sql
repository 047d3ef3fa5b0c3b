-- model: retention.purpose_status
-- grain: one row per subject and applicable purpose
-- params: as_of, policy_version
-- reads: retention.subject_purposes, policy.purposes
-- doc: When each purpose of a subject lapses, whether it is active at as_of, and what that rests on: blockers while it
--   is open, its clauses otherwise, and the requests that moved it. lapses_on NULL means no end in sight.
WITH statuses AS (
    SELECT subject_id, 'contract' AS purpose, contract_on AS lapses_on, is_erased AS moved, s.* EXCLUDE (subject_id) FROM retention.subject_purposes AS s
    UNION ALL SELECT subject_id, 'profile', profile_on, is_erased, s.* EXCLUDE (subject_id) FROM retention.subject_purposes AS s
    UNION ALL SELECT subject_id, 'individualisation', individualisation_on, request_ids IS NOT NULL, s.* EXCLUDE (subject_id) FROM retention.subject_purposes AS s
    UNION ALL SELECT subject_id, 'identification', identification_on, is_erased, s.* EXCLUDE (subject_id) FROM retention.subject_purposes AS s
    UNION ALL SELECT subject_id, 'bookkeeping', bookkeeping_on, false, s.* EXCLUDE (subject_id) FROM retention.subject_purposes AS s
)
SELECT CAST($as_of AS DATE) AS as_of, t.subject_id, t.subject_no, t.purpose,
    CASE WHEN isfinite(t.lapses_on) THEN t.lapses_on END AS lapses_on,
    t.lapses_on > $as_of AS active,
    CASE WHEN NOT isfinite(t.lapses_on)
         THEN list_filter([CASE WHEN t.open_case THEN 'open_case' END, CASE WHEN t.undelivered THEN 'undelivered' END,
                           CASE WHEN t.unpaid THEN 'unpaid' END,
                           CASE WHEN t.warranty_unknown AND t.purpose IN ('contract', 'profile') THEN 'warranty_unknown' END],
                          lambda x: x IS NOT NULL)
         WHEN t.moved THEN list_sort(list_concat(p.clauses, t.request_ids))
         ELSE p.clauses END AS reasons,
    $policy_version AS policy_version
FROM statuses AS t
JOIN policy.purposes AS p ON p.purpose = t.purpose
WHERE t.lapses_on IS NOT NULL
