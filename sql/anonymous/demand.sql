-- model: anonymous.demand
-- grain: one row per period, product (or total of a category, or of the period) and contributor; of those without a name, per order
-- params: all
-- reads: anonymous.order_products
-- doc: Demand per contributor: products, categories (product (all)) and periods (both (all)), each order once in each.
--      As in anonymous.sales, an order counts in a product or category where it has a live line, and in the period always:
--      were it counted by returned lines too, the two tables' totals would differ by the few who returned everything.
WITH per_order AS (
    SELECT
        month, period, order_number, token, nameless_order, product_id, product_name, product_category,
        sum(units) AS units, sum(returned_units) AS returned_units, sum(revenue_nok) AS revenue_nok,
        sum(live_lines) > 0 AS is_counted
    FROM anonymous.order_products
    WHERE lines > 0
    GROUP BY ALL
    UNION ALL
    SELECT
        month, period, order_number, token, nameless_order, $all, $all, product_category,
        sum(units), sum(returned_units), sum(revenue_nok), sum(live_lines) > 0
    FROM anonymous.order_products
    WHERE lines > 0
    GROUP BY ALL
    UNION ALL
    SELECT
        month, period, order_number, token, nameless_order, $all, $all, $all,
        sum(units), sum(returned_units), sum(revenue_nok), true
    FROM anonymous.order_products
    GROUP BY ALL
)
SELECT
    month, period, product_id, product_name, product_category, token, nameless_order,
    count(*) FILTER (is_counted) AS orders,
    sum(units) AS units,
    sum(returned_units) AS returned_units,
    sum(revenue_nok) AS revenue_nok
FROM per_order
GROUP BY ALL
