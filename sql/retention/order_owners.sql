-- model: retention.order_owners
-- grain: one row per subject and order that counts as its own
-- reads: retention.order_facts, retention.subjects
-- materialised: view
-- doc: Whose orders are: a customer has all orders of its id; a contact those that name it and, of its company, those that
--   never named anybody and were placed while the contact was there.
SELECT customer_no AS subject_no, * FROM retention.order_facts WHERE customer_no IS NOT NULL
UNION ALL
SELECT contact_no AS subject_no, * FROM retention.order_facts WHERE contact_no IS NOT NULL
UNION ALL
SELECT s.subject_no, o.*
FROM retention.order_facts AS o
JOIN retention.subjects AS s ON s.of_business AND s.customer_id = o.customer_id
WHERE o.contact_id IS NULL AND NOT o.is_contact_unlinked
  AND coalesce(s.created_on <= o.ordered_on, true) AND coalesce(s.closed_on > o.ordered_on, true)
