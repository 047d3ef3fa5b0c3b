-- model: terms.order_days
-- grain: one row per asked subject, order looked at, and day from which months are counted
-- reads: terms.orders, terms.lines, terms.order_cases
-- doc: What an order ended with (order_tail), the warranties that its live lines have (warranty_tail), and its last transaction
--   (transaction). day_key numbers the day so that months can be added before it is clamped, see month_day. Where several
--   things fell on the day that ended an order, the first of the list below is named.
WITH events AS (
{% for name, column in [("cancellation", "cancelled_on"), ("delivery", "delivered_on"), ("completion", "completed_on"), ("payment", "paid_on"), ("ordering", "ordered_on")] %}
    SELECT subject_no, order_id, {{ loop.index }} AS rank, '{{ name }}' AS event, {{ column }} AS happened_on, NULL AS line, NULL AS case_id
    FROM terms.orders{{ " WHERE is_cancelled" if name == "cancellation" }}
    UNION ALL
{% endfor %}
    SELECT subject_no, order_id, 6, 'return', returned_on, line_number, NULL FROM terms.lines
    UNION ALL
    SELECT subject_no, order_id, 7, 'line_delivery', delivered_on, line_number, NULL FROM terms.lines
    UNION ALL
    SELECT subject_no, order_id, 8, 'case_closing', closed_on, NULL, case_id FROM terms.order_cases
), last_events AS (
    SELECT e.subject_no, e.order_id, e.rank, e.event, list(e.line ORDER BY e.line) FILTER (e.line IS NOT NULL) AS lines,
        list(e.case_id ORDER BY e.case_id) FILTER (e.case_id IS NOT NULL) AS cases
    FROM events AS e JOIN terms.orders AS o ON o.subject_no = e.subject_no AND o.order_id = e.order_id AND o.ended_on = e.happened_on
    GROUP BY e.subject_no, e.order_id, e.rank, e.event
    QUALIFY row_number() OVER (PARTITION BY e.subject_no, e.order_id ORDER BY e.rank) = 1
)
SELECT o.subject_no, o.order_id AS "order", o.is_own, o.is_person, 'order_tail' AS kind, month_day(o.ended_on) AS day_key, o.ended_on,
    e.event, e.lines, e.cases
FROM terms.orders AS o LEFT JOIN last_events AS e ON e.subject_no = o.subject_no AND e.order_id = o.order_id
WHERE o.ended_on IS NOT NULL
UNION ALL BY NAME
SELECT l.subject_no, l.order_id AS "order", o.is_own, o.is_person, 'warranty_tail' AS kind,
    month_day(l.delivered_on) + 384 * l.warranty_years AS day_key, l.line_number AS line, l.product_id AS product,
    l.delivered_on, l.warranty_years, date_of_month_day(month_day(l.delivered_on) + 384 * l.warranty_years) AS warranty_end
FROM terms.lines AS l JOIN terms.orders AS o ON o.subject_no = l.subject_no AND o.order_id = l.order_id
WHERE l.is_live AND l.has_warranty AND l.warranty_years > 0 AND l.delivered_on IS NOT NULL
UNION ALL BY NAME
SELECT subject_no, order_id AS "order", is_own, is_person, 'transaction' AS kind, month_day(transaction_on) AS day_key,
    transaction_on AS ended_on,
    CASE transaction_on WHEN delivered_on THEN 'delivery' WHEN paid_on THEN 'payment' ELSE 'ordering' END AS event
FROM terms.orders WHERE transaction_on IS NOT NULL
