-- model: retention.subject_cases
-- grain: one row per subject with a case
-- params: as_of, contract_tail_months
-- reads: retention.case_owners, retention.subject_requests
-- doc: What a subject's cases add up to.
SELECT p.subject_no,
    bool_or(NOT coalesce(p.closed_on <= $as_of, false)) AS has_open,
    max(p.closed_on) AS closed_on,
    max(end_after_erasure(plus_months(p.closed_on, $contract_tail_months), p.closed_on, p.opened_on, e.erased_ons)) AS contract_on
FROM retention.case_owners AS p
LEFT JOIN retention.subject_requests AS e ON e.subject_no = p.subject_no
GROUP BY p.subject_no
