-- model: anonymous.logs
-- grain: one row per day, service, level and contributor
-- params: first_month, last_month, all, unknown, most_characters
-- reads: staged.app_logs, staged.customers, staged.contacts, retention.kept_out, anonymous.tokens
-- doc: Log lines of the period per contributor (user name, else IP address); token is NULL for lines that name nobody.
--      Lines of user names that belong to people who are kept out are left out.
WITH restricted AS (SELECT id_of_kind('customer', subject_id) AS customer_id, id_of_kind('contact', subject_id) AS contact_id FROM retention.kept_out),
restricted_usernames AS (
    SELECT lower(c.username) AS username FROM staged.customers AS c
    JOIN restricted AS x ON x.customer_id = c.customer_id
    UNION ALL
    SELECT lower(n.username) FROM staged.contacts AS n
    JOIN restricted AS x ON x.contact_id = n.contact_id
    UNION ALL
    SELECT lower(n.username) FROM staged.contacts AS n
    JOIN restricted AS x ON x.customer_id = n.customer_id
),
lines AS (
    SELECT
        logged_on AS day,
        coalesce(nullif(shown_text(service, $most_characters), $all), $unknown) AS service,
        coalesce(nullif(shown_text(level, $most_characters), $all), $unknown) AS level,
        lower(username) AS username,
        coalesce(lower(username), ip_address) AS contributor,
        count(*) AS events
    FROM staged.app_logs
    WHERE logged_on BETWEEN $first_month AND last_day($last_month)
    GROUP BY ALL
)
SELECT l.day, l.service, l.level, t.token, sum(l.events) AS events
FROM lines AS l
LEFT JOIN anonymous.tokens AS t ON t.kind = 'log' AND t.value = l.contributor
ANTI JOIN restricted_usernames AS x ON x.username = l.username
GROUP BY ALL
