-- model: terms.contracts
-- grain: one row per asked subject, order looked at, and candidate for the end of its contract
-- params: as_of, contract_tail_months, contract_minimum_months, business_transaction_months
-- reads: terms.orders, terms.lines, terms.order_days, terms.blockers
-- doc: contract_end of an order, term by term: what blocks it; else the months after its end, its warranties, the minimum or
--   the business period; else what a verified erasure makes of it. `before_erasure` says whether a term would count without
--   one, as for invoices.
WITH minimum AS (
    SELECT l.subject_no, l.order_id, max(l.delivered_on) AS delivered_on
    FROM terms.lines AS l JOIN terms.orders AS o ON o.subject_no = l.subject_no AND o.order_id = l.order_id
    WHERE l.is_live AND l.delivered_on IS NOT NULL AND o.is_person AND NOT o.is_cancelled AND o.ended_on IS NOT NULL
    GROUP BY l.subject_no, l.order_id
), dated AS (
    SELECT d.* EXCLUDE (day_key), 'contract' AS ground, date_of_month_day(d.day_key + 32 * $contract_tail_months) AS ends_on,
        $contract_tail_months AS months, 2 AS rank
    FROM terms.order_days AS d WHERE d.kind IN ('order_tail', 'warranty_tail')
    UNION ALL BY NAME
    SELECT d.* EXCLUDE (day_key, kind), 'business_transactions' AS kind, 'contract' AS ground,
        date_of_month_day(d.day_key + 32 * $business_transaction_months) AS ends_on, $business_transaction_months AS months, 1 AS rank
    FROM terms.order_days AS d JOIN terms.orders AS o ON o.subject_no = d.subject_no AND o.order_id = d."order"
    WHERE d.kind = 'order_tail' AND NOT o.is_person AND NOT o.is_cancelled
    UNION ALL BY NAME
    SELECT m.subject_no, m.order_id AS "order", o.is_own, o.is_person, 'contract_minimum' AS kind, 'contract' AS ground,
        plus_months(m.delivered_on, $contract_minimum_months) AS ends_on, $contract_minimum_months AS months, 3 AS rank, m.delivered_on
    FROM minimum AS m JOIN terms.orders AS o ON o.subject_no = m.subject_no AND o.order_id = m.order_id
)
SELECT b.* EXCLUDE (rank), b.kind AS ground, NULL::DATE AS ends_on, true AS applies, true AS before_erasure, b.rank - 4 AS rank FROM terms.blockers AS b
UNION ALL BY NAME
SELECT d.*, NOT o.is_blocked AND o.erased_on IS NULL AS applies, NOT o.is_blocked AS before_erasure
FROM dated AS d JOIN terms.orders AS o ON o.subject_no = d.subject_no AND o.order_id = d."order"
UNION ALL BY NAME
SELECT subject_no, order_id AS "order", is_own, is_person, 'undated' AS kind, 'contract' AS ground, CAST($as_of AS DATE) AS ends_on,
    true AS applies, false AS before_erasure, 2 AS rank
FROM terms.orders WHERE contract_on IS NULL AND NOT is_blocked
UNION ALL BY NAME
SELECT o.subject_no, o.order_id AS "order", o.is_own, o.is_person, 'order_erased' AS kind, 'contract' AS ground, o.erased_on AS ends_on,
    true AS applies, false AS before_erasure, 1 AS rank, o.request_id AS request, o.verified_on, o.obligations_on,
    (SELECT min(d.line) FROM terms.order_days AS d WHERE d.subject_no = o.subject_no AND d."order" = o.order_id
         AND d.warranty_end = o.obligations_on) AS line
FROM terms.orders AS o WHERE o.erased_on IS NOT NULL AND NOT o.is_blocked
