-- model: published.deliveries_monthly
-- grain: one row per period and postal region, with totals
-- params: all
-- reads: anonymous.deliveries
-- doc: The cells with what stands behind them; contributors and contributors_<measure> never leave.
SELECT
    month, period,
    coalesce(postal_region, $all) AS postal_region,
    CAST(sum(orders) AS BIGINT) AS orders,
    CAST(round(quantile_cont(days, 0.5), 1) AS DECIMAL(9, 1)) AS median_days,
    CAST(round(quantile_cont(days, 0.9), 1) AS DECIMAL(9, 1)) AS p90_days,
    CAST(sum(partial_orders) AS BIGINT) AS partial_orders,
    count(DISTINCT token) AS contributors,
    count(DISTINCT token) FILTER (days IS NOT NULL) AS contributors_median_days,
    count(DISTINCT token) FILTER (days IS NOT NULL) AS contributors_p90_days,
    count(DISTINCT token) FILTER (partial_orders > 0) AS contributors_partial_orders
FROM anonymous.deliveries
GROUP BY month, period, CUBE (postal_region)
