-- model: published.communications_monthly
-- grain: one row per month, channel and direction, with totals
-- params: first_month, last_month, all
-- reads: anonymous.communications
-- doc: The cells with what stands behind them; contributors never leave.
SELECT
    month,
    coalesce(channel, $all) AS channel,
    coalesce(direction, $all) AS direction,
    CAST(sum(messages) AS BIGINT) AS messages,
    count(DISTINCT token) AS customers,
    count(DISTINCT token) AS contributors
FROM anonymous.communications
WHERE month BETWEEN $first_month AND $last_month
GROUP BY month, CUBE (channel, direction)
