-- model: retention.released_orders
-- grain: one row per subject and order all of whose open invoices were released for that subject
-- reads: retention.released_invoices, retention.open_invoices
-- doc: Orders that are not unpaid any more for the subject of a review decision.
WITH owed AS (
    SELECT order_id, count(*) AS open_count FROM retention.open_invoices WHERE order_id IS NOT NULL GROUP BY order_id
)
SELECT r.subject_no, r.order_id
FROM retention.released_invoices AS r JOIN owed AS o USING (order_id)
GROUP BY r.subject_no, r.order_id
HAVING count(*) = any_value(o.open_count)
