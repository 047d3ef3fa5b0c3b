-- model: retention.case_owners
-- grain: one row per subject and case that counts as its own
-- reads: staged.cases, retention.subjects
-- materialised: view
-- doc: Whose cases are. A case without a contact belongs to the customer alone.
SELECT s.subject_no, c.case_id, c.order_id, c.opened_on, c.closed_on
FROM staged.cases AS c JOIN retention.subjects AS s ON s.customer_id = c.customer_id AND s.contact_id IS NULL
UNION ALL
SELECT s.subject_no, c.case_id, c.order_id, c.opened_on, c.closed_on
FROM staged.cases AS c JOIN retention.subjects AS s ON s.contact_id = c.contact_id
