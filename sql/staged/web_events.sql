-- model: staged.web_events
-- grain: one row per click or visit
-- params: tombstones, first_day, last_day, plausible_sentinels
-- reads: raw.web_events
-- doc: Web events, typed and trimmed.
SELECT
    text_of(event_id) AS event_id,
    date_on(occurred_at, $first_day, $last_day, $plausible_sentinels) AS occurred_on,
    text_of(visitor_id) AS visitor_id,
    CASE WHEN NOT list_contains($tombstones, text_of(customer_id)) THEN text_of(customer_id) END AS customer_id,
    CASE WHEN NOT list_contains($tombstones, text_of(contact_id)) THEN text_of(contact_id) END AS contact_id,
    text_of(ip_address) AS ip_address,
    text_of(user_agent) AS user_agent,
    text_of(event_type) AS event_type,
    text_of(page) AS page,
    boolean_of(consented) AS consented,
    date_on(consent_withdrawn_at, $first_day, $last_day, $plausible_sentinels) AS consent_withdrawn_on
FROM raw.web_events
