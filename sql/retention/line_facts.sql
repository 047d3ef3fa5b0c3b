-- model: retention.line_facts
-- grain: one row per order that has lines
-- params: as_of, unknown_warranty_years
-- reads: staged.order_lines, staged.products
-- doc: What an order's lines say. A line without its own delivery date has its order's, which is added in order_facts:
--   so only the longest warranty of such lines is kept. warranty_key is the latest warranty end as a month_day number,
--   not yet clamped, so that months can still be added.
WITH lines AS (
    SELECT l.order_id, l.delivered_on, l.returned_on, l.returned_on IS NULL AS is_live,
        CASE WHEN l.product_id IS NULL THEN 0 ELSE coalesce(p.warranty_years, $unknown_warranty_years) END AS warranty_years
    FROM staged.order_lines AS l
    LEFT JOIN staged.products AS p ON p.product_id = l.product_id
)
SELECT order_id,
    count(*) AS line_count,
    count(*) FILTER (is_live) AS live_count,
    max(delivered_on) AS delivered_on,
    max(delivered_on) FILTER (is_live) AS live_delivered_on,
    max(returned_on) AS returned_on,
    coalesce(bool_or(delivered_on IS NULL), false) AS any_inherits,
    coalesce(bool_or(delivered_on IS NULL) FILTER (is_live), false) AS live_inherits,
    coalesce(bool_or(delivered_on > $as_of) FILTER (is_live), false) AS live_undelivered,
    coalesce(bool_or(warranty_years IS NULL) FILTER (is_live), false) AS warranty_unknown,
    max(month_day(delivered_on) + 384 * warranty_years) FILTER (is_live) AS warranty_key,
    max(warranty_years) FILTER (is_live AND delivered_on IS NULL) AS inherited_years
FROM lines
GROUP BY order_id
