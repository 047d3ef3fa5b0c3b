-- model: anonymous.tokens
-- grain: one row per contributor of this run
-- params: first_month, last_month, run_inner, run_outer
-- reads: staged.customers, control.carried_facts, staged.app_logs, staged.newsletter_subscriptions, staged.web_events, retention.attribute_decisions, anonymous.periods
-- doc: Who stands behind a fact, as a token: the first 64 bits of HMAC-SHA256 under a random key of this run (two equal
--      tokens of two people could only make a contributor count too small). The only table of the layer with
--      identifiers: no published model may read it, and the release drops it once the facts are made. Of log lines and
--      visits it holds those of the published periods alone.
WITH contributors AS (
    SELECT 'unknown' AS kind, '' AS value
    UNION ALL
    SELECT 'customer', customer_id FROM staged.customers
    UNION ALL
    SELECT DISTINCT 'customer', f.contributor
    FROM control.carried_facts AS f
    LEFT JOIN staged.customers AS c ON c.customer_id = f.contributor
    WHERE c.customer_id IS NULL
    UNION ALL
    SELECT DISTINCT 'log', coalesce(lower(username), ip_address) FROM staged.app_logs
    WHERE logged_on BETWEEN $first_month AND last_day($last_month)
    UNION ALL
    SELECT DISTINCT 'visitor', w.visitor_id
    FROM staged.web_events AS w
    JOIN anonymous.periods AS p ON p.population = 'web_events' AND p.fact_month = CAST(date_trunc('month', w.occurred_on) AS DATE)
    WHERE w.consented
    UNION ALL
    SELECT DISTINCT 'newsletter', coalesce(email_key, email) FROM staged.newsletter_subscriptions
    UNION ALL
    SELECT DISTINCT 'subject', subject_id FROM retention.attribute_decisions
)
SELECT
    kind,
    value,
    token_of(substr(sha256($run_outer || unhex(sha256($run_inner || encode(kind || ':' || value)))), 1, 16)) AS token
FROM contributors
WHERE value IS NOT NULL
