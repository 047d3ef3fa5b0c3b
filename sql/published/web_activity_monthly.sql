-- model: published.web_activity_monthly
-- grain: one row per period, page group and device class, with totals
-- params: all
-- reads: anonymous.web
-- doc: The cells with what stands behind them; contributors and contributors_<measure> never leave.
SELECT
    month, period,
    coalesce(page_group, $all) AS page_group,
    coalesce(device_class, $all) AS device_class,
    CAST(sum(events) AS BIGINT) AS events,
    count(DISTINCT token) FILTER (visitors > 0) AS visitors,
    count(DISTINCT token) AS contributors,
    count(DISTINCT token) FILTER (visitors > 0) AS contributors_visitors
FROM anonymous.web
GROUP BY month, period, CUBE (page_group, device_class)
