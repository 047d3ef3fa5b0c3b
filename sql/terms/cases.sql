-- model: terms.cases
-- grain: one row per asked subject and case of its own
-- params: as_of, contract_tail_months, first_no, last_no
-- reads: terms.subjects, retention.case_owners, retention.requests, retention.subject_requests
-- doc: Cases that count for the subject's purposes, with the end of what the contract needs of them, and the earlier one that
--   the first verified erasure gives (erased_on).
WITH own AS (
    SELECT c.*, NOT coalesce(c.closed_on <= $as_of, false) AS is_open, plus_months(c.closed_on, $contract_tail_months) AS tail_on
    FROM retention.case_owners AS c WHERE c.subject_no BETWEEN $first_no AND $last_no AND c.subject_no IN (SELECT subject_no FROM terms.subjects)
), erasures AS (
    SELECT c.subject_no, c.case_id, min(r.verified_on) AS verified_on,
        first(r.request_id ORDER BY r.verified_on, r.request_id) AS request_id
    FROM own AS c JOIN retention.requests AS r ON r.subject_no = c.subject_no
    WHERE r.erases AND r.verified_on >= c.opened_on
    GROUP BY c.subject_no, c.case_id
), ended AS (
    SELECT c.*, e.verified_on, e.request_id, end_after_erasure(c.tail_on, c.closed_on, c.opened_on, q.erased_ons) AS contract_on
    FROM own AS c
    LEFT JOIN retention.subject_requests AS q ON q.subject_no = c.subject_no
    LEFT JOIN erasures AS e ON e.subject_no = c.subject_no AND e.case_id = c.case_id
)
SELECT *, CASE WHEN NOT is_open AND contract_on < tail_on THEN contract_on END AS erased_on
FROM ended
