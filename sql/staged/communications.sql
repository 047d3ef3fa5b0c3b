-- model: staged.communications
-- grain: one row per message, call or letter
-- params: tombstones, channels, directions, first_day, last_day, plausible_sentinels
-- reads: raw.communications
-- doc: Communications, typed and trimmed.
SELECT
    text_of(communication_id) AS communication_id,
    CASE WHEN NOT list_contains($tombstones, text_of(customer_id)) THEN text_of(customer_id) END AS customer_id,
    CASE WHEN NOT list_contains($tombstones, text_of(contact_id)) THEN text_of(contact_id) END AS contact_id,
    text_of(case_id) AS case_id,
    enum_of(channel, $channels) AS channel,
    enum_of(direction, $directions) AS direction,
    date_on(occurred_at, $first_day, $last_day, $plausible_sentinels) AS occurred_on,
    text_of(sender) AS sender,
    text_of(recipient) AS recipient,
    text_of(body) AS body
FROM raw.communications
