-- model: published.sales_monthly
-- grain: one row per period, product category, postal region and customer type, with totals
-- params: all
-- reads: anonymous.sales
-- doc: The cells with what stands behind them; contributors, contributors_<measure>, and of amounts
--      the largest, second largest and total absolute contribution never leave.
--      Whoever is not named counts as one contributor together, and by order where one dominates an amount.
WITH per_party AS (
    SELECT
        month, period, product_category,
        coalesce(postal_region, $all) AS postal_region,
        coalesce(customer_type, $all) AS customer_type,
        nameless_order, sum(orders) AS orders, sum(units) AS units, sum(revenue_nok) AS revenue_nok
    FROM anonymous.sales
    GROUP BY month, period, product_category, token, nameless_order, CUBE (postal_region, customer_type)
)
SELECT
    month, period, product_category, postal_region, customer_type,
    CAST(sum(orders) AS BIGINT) AS orders,
    CAST(round(sum(units)) AS BIGINT) AS units,
    CAST(sum(revenue_nok) AS DECIMAL(18, 2)) AS revenue_nok,
    count(*) - count(nameless_order) + least(count(nameless_order), 1) AS customers,
    count(*) - count(nameless_order) + least(count(nameless_order), 1) AS contributors,
    count(*) FILTER (nameless_order IS NULL AND units <> 0)
        + CAST(coalesce(sum(units) FILTER (nameless_order IS NOT NULL), 0) <> 0 AS BIGINT) AS contributors_units,
    count(*) FILTER (nameless_order IS NULL AND revenue_nok <> 0)
        + CAST(coalesce(sum(revenue_nok) FILTER (nameless_order IS NOT NULL), 0) <> 0 AS BIGINT) AS contributors_revenue_nok,
    max(abs(units)) AS top1_units,
    coalesce(max(abs(units), 2)[2], 0) AS top2_units,
    sum(abs(units)) AS absolute_units,
    max(abs(revenue_nok)) AS top1_revenue_nok,
    coalesce(max(abs(revenue_nok), 2)[2], 0) AS top2_revenue_nok,
    sum(abs(revenue_nok)) AS absolute_revenue_nok
FROM per_party
GROUP BY ALL
