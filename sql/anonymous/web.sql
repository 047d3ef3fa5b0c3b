-- model: anonymous.web
-- grain: one row per period, page group, device class and contributor
-- params: unknown, other, page_groups, page_patterns, device_classes, device_patterns
-- reads: staged.web_events, staged.contacts, retention.kept_out, control.carried_facts, anonymous.periods, anonymous.tokens
-- doc: Web events per contributor (the customer, else the visitor who consented), without people who are kept out.
--      Events of visitors who did not consent stand together on one unknown contributor. visitors counts the events
--      with consent: who has none is no visitor. Groups are the first rule of the policy that fits.
WITH restricted AS (SELECT id_of_kind('customer', subject_id) AS customer_id, id_of_kind('contact', subject_id) AS contact_id FROM retention.kept_out),
periods AS (SELECT fact_month, month, period FROM anonymous.periods WHERE population = 'web_events'),
visits AS (  -- found before their period is joined: the engine takes an inner join of a month for nearly empty, and would
    SELECT *, CAST(date_trunc('month', occurred_on) AS DATE) AS fact_month  -- then hold visits in memory, not contacts
    FROM staged.web_events
    WHERE CAST(date_trunc('month', occurred_on) AS DATE) IN (SELECT fact_month FROM periods)
),
pages AS (
    SELECT page, list_position(list_transform($page_patterns, lambda x: regexp_matches(lower(page), x)), true) AS rule
    FROM (SELECT DISTINCT page FROM staged.web_events WHERE page IS NOT NULL)
),
agents AS (
    SELECT
        user_agent,
        list_position(list_transform($device_patterns, lambda x: regexp_matches(lower(user_agent), x)), true) AS rule
    FROM (SELECT DISTINCT user_agent FROM staged.web_events WHERE user_agent IS NOT NULL)
),
events AS (
    SELECT
        d.month, d.period, w.contact_id, w.visitor_id,
        CASE WHEN w.page IS NULL THEN $unknown ELSE coalesce($page_groups[p.rule], $other) END AS page_group,
        CASE WHEN w.user_agent IS NULL THEN $unknown ELSE coalesce($device_classes[a.rule], $other) END AS device_class,
        coalesce(w.customer_id, n.customer_id, f.contributor) AS customer_id,
        coalesce(w.consented AND coalesce(w.consent_withdrawn_on > w.occurred_on, true), false) AS has_consent
    FROM visits AS w
    LEFT JOIN periods AS d ON d.fact_month = w.fact_month
    LEFT JOIN staged.contacts AS n ON n.contact_id = w.contact_id
    LEFT JOIN control.carried_facts AS f ON f.entity = 'web_events' AND f.record_id = w.event_id
    LEFT JOIN pages AS p ON p.page = w.page
    LEFT JOIN agents AS a ON a.user_agent = w.user_agent
)
SELECT
    e.month, e.period, e.page_group, e.device_class,
    coalesce(t.token, v.token, (SELECT token FROM anonymous.tokens WHERE kind = 'unknown')) AS token,
    count(*) AS events,
    count(*) FILTER (e.has_consent) AS visitors
FROM events AS e
LEFT JOIN anonymous.tokens AS t ON t.kind = 'customer' AND t.value = e.customer_id
LEFT JOIN anonymous.tokens AS v ON v.kind = 'visitor' AND v.value = CASE WHEN e.has_consent THEN e.visitor_id END
ANTI JOIN restricted AS x ON x.customer_id = e.customer_id
ANTI JOIN restricted AS y ON y.contact_id = e.contact_id
GROUP BY ALL
