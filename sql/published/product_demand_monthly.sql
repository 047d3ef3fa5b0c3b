-- model: published.product_demand_monthly
-- grain: one row per period and product, with totals per category and per period
-- reads: anonymous.demand
-- doc: The cells with what stands behind them; contributors, contributors_<measure>, and of amounts
--      the largest, second largest and total absolute contribution never leave.
--      Those who returned everything stand behind returned_units alone.
--      Whoever is not named counts as one contributor together, and by order where one dominates an amount.
SELECT
    month, period, product_id, product_name, product_category,
    CAST(sum(orders) AS BIGINT) AS orders,
    CAST(round(sum(units)) AS BIGINT) AS units,
    CAST(round(sum(returned_units)) AS BIGINT) AS returned_units,
    CAST(sum(revenue_nok) AS DECIMAL(18, 2)) AS revenue_nok,
    count(*) FILTER (nameless_order IS NULL AND orders > 0)
        + CAST(coalesce(sum(orders) FILTER (nameless_order IS NOT NULL), 0) > 0 AS BIGINT) AS customers,
    count(*) FILTER (nameless_order IS NULL AND orders > 0)
        + CAST(coalesce(sum(orders) FILTER (nameless_order IS NOT NULL), 0) > 0 AS BIGINT) AS contributors,
    count(*) FILTER (nameless_order IS NULL AND units <> 0)
        + CAST(coalesce(sum(units) FILTER (nameless_order IS NOT NULL), 0) <> 0 AS BIGINT) AS contributors_units,
    count(*) FILTER (nameless_order IS NULL AND returned_units <> 0)
        + CAST(coalesce(sum(returned_units) FILTER (nameless_order IS NOT NULL), 0) <> 0 AS BIGINT) AS contributors_returned_units,
    count(*) FILTER (nameless_order IS NULL AND revenue_nok <> 0)
        + CAST(coalesce(sum(revenue_nok) FILTER (nameless_order IS NOT NULL), 0) <> 0 AS BIGINT) AS contributors_revenue_nok,
    max(abs(units)) AS top1_units,
    coalesce(max(abs(units), 2)[2], 0) AS top2_units,
    sum(abs(units)) AS absolute_units,
    max(abs(revenue_nok)) AS top1_revenue_nok,
    coalesce(max(abs(revenue_nok), 2)[2], 0) AS top2_revenue_nok,
    sum(abs(revenue_nok)) AS absolute_revenue_nok
FROM anonymous.demand  -- a row a party already
GROUP BY ALL
