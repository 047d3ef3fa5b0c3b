-- model: anonymous.communications
-- grain: one row per period, channel, direction and contributor
-- params: unknown
-- reads: staged.communications, staged.cases, staged.contacts, retention.kept_out, control.carried_facts, anonymous.periods, anonymous.tokens
-- doc: Messages of the published periods per contributor, without people who are kept out. Contacts count as their customer,
--      and a message without ids of its own has those of its case.
WITH restricted AS (SELECT id_of_kind('customer', subject_id) AS customer_id, id_of_kind('contact', subject_id) AS contact_id FROM retention.kept_out),
messages AS (
    SELECT
        p.month, p.period, m.channel, m.direction, n.contact_id,
        coalesce(m.customer_id, CASE WHEN m.contact_id IS NULL THEN a.customer_id END, n.customer_id, f.contributor) AS customer_id
    FROM staged.communications AS m
    JOIN anonymous.periods AS p ON p.population = 'messages' AND p.fact_month = CAST(date_trunc('month', m.occurred_on) AS DATE)
    LEFT JOIN staged.cases AS a ON a.case_id = m.case_id
    LEFT JOIN control.carried_facts AS f ON f.entity = 'communications' AND f.record_id = m.communication_id
    LEFT JOIN staged.contacts AS n
        ON n.contact_id = CASE WHEN m.customer_id IS NULL AND m.contact_id IS NULL THEN a.contact_id ELSE m.contact_id END
)
SELECT
    m.month, m.period,
    coalesce(m.channel, $unknown) AS channel,
    coalesce(m.direction, $unknown) AS direction,
    coalesce(t.token, (SELECT token FROM anonymous.tokens WHERE kind = 'unknown')) AS token,
    count(*) AS messages
FROM messages AS m
LEFT JOIN anonymous.tokens AS t ON t.kind = 'customer' AND t.value = m.customer_id
ANTI JOIN restricted AS x ON x.customer_id = m.customer_id
ANTI JOIN restricted AS y ON y.contact_id = m.contact_id
GROUP BY ALL
