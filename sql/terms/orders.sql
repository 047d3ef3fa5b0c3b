-- model: terms.orders
-- grain: one row per asked subject and order that its purposes or its records rest on
-- params: business_warranty, first_no, last_no
-- reads: terms.subjects, retention.order_owners, retention.order_facts, retention.released_orders, retention.requests, retention.subject_requests, terms.invoices, staged.orders
-- doc: Orders as the decisions see them, with what was released for the subject, and the end that the first verified erasure
--   gives the contract (erased_on, where it is earlier). is_own: the order counts for the subject's purposes; others are
--   those of its invoices.
WITH own AS (
    SELECT o.* FROM retention.order_owners AS o WHERE o.subject_no BETWEEN $first_no AND $last_no AND o.subject_no IN (SELECT subject_no FROM terms.subjects)
), invoiced AS (
    SELECT DISTINCT subject_no, order_id FROM terms.invoices WHERE order_id IS NOT NULL
), facts AS (
    SELECT *, true AS is_own FROM own
    UNION ALL
    SELECT i.subject_no, f.*, false
    FROM invoiced AS i JOIN retention.order_facts AS f ON f.order_id = i.order_id
    ANTI JOIN own AS o ON o.subject_no = i.subject_no AND o.order_id = i.order_id
), erasures AS (
    SELECT f.subject_no, f.order_id, min(r.verified_on) AS verified_on,
        first(r.request_id ORDER BY r.verified_on, r.request_id) AS request_id
    FROM facts AS f JOIN retention.requests AS r ON r.subject_no = f.subject_no
    WHERE r.erases AND r.verified_on >= f.ordered_on
    GROUP BY f.subject_no, f.order_id
), judged AS (
    SELECT f.subject_no, f.is_own, f.order_id, f.customer_id, f.contact_id, f.is_person, f.is_cancelled, f.ordered_on, f.ended_on,
        f.obligations_on, f.contract_on, f.transaction_on, f.undelivered, f.unpaid AND r.order_id IS NULL AS unpaid, f.open_case,
        f.warranty_unknown, has_warranty(f.is_person, f.is_cancelled, $business_warranty) AS has_warranty,
        end_after_erasure(f.contract_on, f.obligations_on, f.ordered_on, q.erased_ons) AS contract_until,
        o.delivered_on, o.completed_on, o.paid_on, o.cancelled_on, e.verified_on, e.request_id
    FROM facts AS f
    JOIN staged.orders AS o ON o.order_id = f.order_id
    LEFT JOIN retention.released_orders AS r ON r.subject_no = f.subject_no AND r.order_id = f.order_id
    LEFT JOIN retention.subject_requests AS q ON q.subject_no = f.subject_no
    LEFT JOIN erasures AS e ON e.subject_no = f.subject_no AND e.order_id = f.order_id
)
SELECT *, undelivered OR unpaid OR open_case OR warranty_unknown AS is_blocked,
    CASE WHEN contract_until < contract_on THEN contract_until END AS erased_on
FROM judged
