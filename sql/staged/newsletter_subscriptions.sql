-- model: staged.newsletter_subscriptions
-- grain: one row per subscription
-- params: tombstones, first_day, last_day
-- reads: raw.newsletter_subscriptions
-- doc: Newsletter subscriptions, typed and trimmed.
SELECT
    text_of(subscription_id) AS subscription_id,
    text_of(email) AS email,
    CASE WHEN NOT list_contains($tombstones, text_of(customer_id)) THEN text_of(customer_id) END AS customer_id,
    CASE WHEN NOT list_contains($tombstones, text_of(contact_id)) THEN text_of(contact_id) END AS contact_id,
    local_on(subscribed_at, $first_day, $last_day) AS subscribed_on,
    local_on(unsubscribed_at, $first_day, $last_day) AS unsubscribed_on
FROM raw.newsletter_subscriptions
