-- model: published.communications_monthly
-- grain: one row per period, channel and direction, with totals
-- params: all
-- reads: anonymous.communications
-- doc: The cells with what stands behind them; contributors never leave.
SELECT
    month, period,
    coalesce(channel, $all) AS channel,
    coalesce(direction, $all) AS direction,
    CAST(sum(messages) AS BIGINT) AS messages,
    count(DISTINCT token) AS customers,
    count(DISTINCT token) AS contributors
FROM anonymous.communications
GROUP BY month, period, CUBE (channel, direction)
