-- model: pseudonymised.customer_segments
-- grain: one row per customer who may be followed over time
-- params: as_of
-- reads: staged.customers, staged.orders, pseudonyms.people, pseudonyms.orders
-- doc: Segments for fitting offers (IND-3): recency, frequency and monetary value in fifths, and the industry. The
--   token's domain is individualisation: it cannot be joined to the other tables.
WITH bought AS (
    SELECT o.customer_id, max(o.ordered_on) AS last_order_on, count(*) AS orders, sum(o.total_amount) AS spent
    FROM staged.orders AS o JOIN pseudonyms.orders AS p USING (order_id)
    WHERE NOT coalesce(o.cancelled_on <= $as_of, false)
    GROUP BY o.customer_id
)
SELECT p.segment_token AS customer_token, c.customer_type, c.industry,
    ntile(5) OVER (ORDER BY b.last_order_on DESC NULLS LAST, p.segment_token) AS recency_fifth,
    ntile(5) OVER (ORDER BY b.orders DESC NULLS LAST, p.segment_token) AS frequency_fifth,
    ntile(5) OVER (ORDER BY b.spent DESC NULLS LAST, p.segment_token) AS monetary_fifth
FROM pseudonyms.people AS p
JOIN staged.customers AS c ON c.customer_id = p.customer_id
LEFT JOIN bought AS b ON b.customer_id = p.customer_id
WHERE p.contact_id IS NULL
