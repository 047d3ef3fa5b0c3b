-- model: published.service_health_daily
-- grain: one row per day, service and level; days without lines are not listed
-- params: first_month, last_month
-- reads: anonymous.logs
-- doc: The cells with what stands behind them. unattributed counts the lines that name nobody: a cell with only such
--      lines has no contributor and may stand. contributors and unattributed never leave.
SELECT
    day, service, level,
    CAST(sum(events) AS BIGINT) AS events,
    count(DISTINCT token) AS contributors,
    CAST(coalesce(sum(events) FILTER (token IS NULL), 0) AS BIGINT) AS unattributed
FROM anonymous.logs
WHERE day BETWEEN $first_month AND last_day($last_month)
GROUP BY day, service, level
