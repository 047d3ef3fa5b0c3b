-- model: published.service_monthly
-- grain: one row per period, kind of case and product category, with totals
-- params: all
-- reads: anonymous.service
-- doc: The cells with what stands behind them; contributors and contributors_<measure> never leave.
SELECT
    month, period,
    coalesce(kind, $all) AS kind,
    product_category,
    CAST(sum(opened) AS BIGINT) AS opened,
    CAST(sum(closed) AS BIGINT) AS closed,
    CAST(round(quantile_cont(days_open, 0.5), 1) AS DECIMAL(9, 1)) AS median_days_open,
    count(DISTINCT token) AS contributors,
    count(DISTINCT token) FILTER (opened > 0) AS contributors_opened,
    count(DISTINCT token) FILTER (closed > 0) AS contributors_closed,
    count(DISTINCT token) FILTER (days_open IS NOT NULL) AS contributors_median_days_open
FROM anonymous.service
GROUP BY month, period, product_category, CUBE (kind)
