-- model: retention.subject_cases
-- grain: one row per subject with a case
-- params: as_of, contract_tail_months
-- reads: staged.cases, retention.subjects, retention.subject_requests
-- doc: What a subject's cases add up to. A case without a contact belongs to the customer alone.
WITH pairs AS (
    SELECT s.subject_no, c.opened_on, c.closed_on
    FROM staged.cases AS c JOIN retention.subjects AS s ON s.customer_id = c.customer_id AND s.contact_id IS NULL
    UNION ALL
    SELECT s.subject_no, c.opened_on, c.closed_on
    FROM staged.cases AS c JOIN retention.subjects AS s ON s.contact_id = c.contact_id
)
SELECT p.subject_no,
    bool_or(NOT coalesce(p.closed_on <= $as_of, false)) AS has_open,
    max(p.closed_on) AS closed_on,
    max(end_after_erasure(plus_months(p.closed_on, $contract_tail_months), p.closed_on, p.opened_on, e.erased_ons)) AS contract_on
FROM pairs AS p
LEFT JOIN retention.subject_requests AS e ON e.subject_no = p.subject_no
GROUP BY p.subject_no
