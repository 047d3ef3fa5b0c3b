-- model: retention.subject_orders
-- grain: one row per subject with an order
-- params: as_of
-- reads: retention.order_owners, retention.subject_requests, retention.released_orders
-- doc: What a subject's orders add up to.
WITH judged AS (
    SELECT p.subject_no, p.undelivered, p.unpaid AND r.order_id IS NULL AS unpaid, p.open_case, p.warranty_unknown,
        p.profile_on, p.transaction_on,
        end_after_erasure(p.contract_on, p.obligations_on, p.ordered_on, e.erased_ons) AS contract_on
    FROM retention.order_owners AS p
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
