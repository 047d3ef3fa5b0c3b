-- model: anonymous.newsletter
-- grain: one row per month and contributor with a subscription that began, ended or was live in it
-- params: first_month, last_month
-- reads: staged.newsletter_subscriptions, staged.customers, staged.contacts, retention.kept_out, retention.requests, anonymous.tokens
-- doc: Subscriptions per e-mail address, without people who are kept out. One without a date of subscribing counts as
--      live from before the period; an
--      unsubscription before the subscription does not count. active is the stock at the end of the month.
WITH restricted AS (SELECT id_of_kind('customer', subject_id) AS customer_id, id_of_kind('contact', subject_id) AS contact_id FROM retention.kept_out),
restricted_emails AS (
    SELECT coalesce(c.email_key, c.email) AS email FROM staged.customers AS c
    JOIN restricted AS x ON x.customer_id = c.customer_id
    UNION ALL
    SELECT coalesce(n.email_key, n.email) FROM staged.contacts AS n
    JOIN restricted AS x ON x.contact_id = n.contact_id
    UNION ALL
    SELECT coalesce(n.email_key, n.email) FROM staged.contacts AS n
    JOIN restricted AS x ON x.customer_id = n.customer_id
    UNION ALL  -- whoever is no subject has asked by the address alone
    SELECT email_key FROM retention.requests WHERE by_email AND email_key IS NOT NULL
        AND ("freeze" = 'restriction' OR stays_out)
),
months AS (
    SELECT CAST(month AS DATE) AS month FROM (SELECT unnest(generate_series($first_month, $last_month, INTERVAL 1 MONTH)) AS month)
),
subscriptions AS (
    SELECT
        coalesce(t.token, (SELECT token FROM anonymous.tokens WHERE kind = 'unknown')) AS token,
        coalesce(s.subscribed_on, DATE '0001-01-01') AS subscribed_on,
        CASE WHEN s.unsubscribed_on < s.subscribed_on THEN DATE '9999-12-31'
             ELSE coalesce(s.unsubscribed_on, DATE '9999-12-31') END AS unsubscribed_on
    FROM (SELECT *, coalesce(email_key, email) AS address FROM staged.newsletter_subscriptions) AS s
    LEFT JOIN anonymous.tokens AS t ON t.kind = 'newsletter' AND t.value = s.address
    ANTI JOIN restricted AS x ON x.customer_id = s.customer_id
    ANTI JOIN restricted AS y ON y.contact_id = s.contact_id
    ANTI JOIN retention.kept_out AS z ON z.entity = 'newsletter_subscriptions' AND z.record_id = s.subscription_id
    ANTI JOIN restricted_emails AS w ON w.email = s.address
)
SELECT
    m.month,
    s.token,
    count(*) FILTER (s.subscribed_on >= m.month) AS subscribed,
    count(*) FILTER (s.unsubscribed_on <= last_day(m.month)) AS unsubscribed,
    count(*) FILTER (s.unsubscribed_on > last_day(m.month)) AS active
FROM subscriptions AS s
JOIN months AS m ON s.subscribed_on <= last_day(m.month) AND s.unsubscribed_on >= m.month
GROUP BY ALL
