-- model: anonymous.sales
-- grain: one row per period, category, region, customer type and contributor; of those without a name, per order
-- params: all
-- reads: anonymous.order_products
-- doc: Sales per contributor. The category (all) holds each order once, also one without live lines; the other
--      categories hold an order once each, so that orders and contributors need no order number any more.
WITH per_category AS (
    SELECT
        month, period, order_number, token, nameless_order, postal_region, customer_type, product_category,
        sum(units) AS units, sum(revenue_nok) AS revenue_nok, sum(unconverted_lines) AS unconverted_lines
    FROM anonymous.order_products
    WHERE live_lines > 0
    GROUP BY ALL
    UNION ALL
    SELECT
        month, period, order_number, token, nameless_order, postal_region, customer_type, $all,
        sum(units), sum(revenue_nok), sum(unconverted_lines)
    FROM anonymous.order_products
    GROUP BY ALL
)
SELECT
    month, period, product_category, postal_region, customer_type, token, nameless_order,
    count(*) AS orders,
    sum(units) AS units,
    sum(revenue_nok) AS revenue_nok,
    sum(unconverted_lines) AS unconverted_lines
FROM per_category
GROUP BY ALL
