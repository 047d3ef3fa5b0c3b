-- model: published.newsletter_monthly
-- grain: one row per month
-- params: first_month, last_month
-- reads: anonymous.newsletter
-- doc: The cells with what stands behind them; contributors and contributors_<measure> never leave.
SELECT
    month, 'month' AS period,
    CAST(sum(subscribed) AS BIGINT) AS subscribed,
    CAST(sum(unsubscribed) AS BIGINT) AS unsubscribed,
    CAST(sum(active) AS BIGINT) AS active,
    count(DISTINCT token) AS contributors,
    count(DISTINCT token) FILTER (subscribed > 0) AS contributors_subscribed,
    count(DISTINCT token) FILTER (unsubscribed > 0) AS contributors_unsubscribed,
    count(DISTINCT token) FILTER (active > 0) AS contributors_active
FROM anonymous.newsletter
WHERE month BETWEEN $first_month AND $last_month
GROUP BY month
