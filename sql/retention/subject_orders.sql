-- model: retention.subject_orders
-- grain: one row per subject with an order
-- params: as_of
-- reads: retention.order_facts, retention.subjects, retention.subject_requests, retention.released_orders
-- doc: What a subject's orders add up to. A customer has all orders of its id; a contact those that name it and, of its
--   company, those that never named anybody and were placed while the contact was there.
WITH pairs AS (
    SELECT customer_no AS subject_no, * FROM retention.order_facts WHERE customer_no IS NOT NULL
    UNION ALL
    SELECT contact_no AS subject_no, * FROM retention.order_facts WHERE contact_no IS NOT NULL
    UNION ALL
    SELECT s.subject_no, o.*
    FROM retention.order_facts AS o
    JOIN retention.subjects AS s ON s.of_business AND s.customer_id = o.customer_id
    WHERE o.contact_id IS NULL AND NOT o.is_contact_unlinked
      AND coalesce(s.created_on <= o.ordered_on, true) AND coalesce(s.closed_on > o.ordered_on, true)
), judged AS (
    SELECT p.subject_no, p.undelivered, p.unpaid AND r.order_id IS NULL AS unpaid, p.open_case, p.warranty_unknown,
        p.profile_on, p.transaction_on,
        end_after_erasure(p.contract_on, p.obligations_on, p.ordered_on, e.erased_ons) AS contract_on
    FROM pairs AS p
    LEFT JOIN retention.released_orders AS r ON r.subject_no = p.subject_no AND r.order_id = p.order_id
    LEFT JOIN retention.subject_requests AS e ON e.subject_no = p.subject_no
)
SELECT subject_no,
    bool_or(undelivered) AS undelivered,
    bool_or(unpaid) AS unpaid,
    bool_or(open_case) AS open_case,
    bool_or(warranty_unknown) AS warranty_unknown,
    coalesce(max(contract_on), $as_of) AS contract_on,
    max(profile_on) AS profile_on,
    max(transaction_on) AS transaction_on
FROM judged
GROUP BY subject_no
