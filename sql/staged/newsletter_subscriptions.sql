-- model: staged.newsletter_subscriptions
-- grain: one row per subscription
-- params: tombstones, first_day, last_day, plausible_sentinels
-- reads: raw.newsletter_subscriptions, raw.email_keys
-- doc: Newsletter subscriptions, typed and trimmed.
WITH read AS (
    SELECT
        text_of(subscription_id) AS subscription_id,
        text_of(email) AS email,
        CASE WHEN NOT list_contains($tombstones, text_of(customer_id)) THEN text_of(customer_id) END AS customer_id,
        CASE WHEN NOT list_contains($tombstones, text_of(contact_id)) THEN text_of(contact_id) END AS contact_id,
        date_on(subscribed_at, $first_day, $last_day, $plausible_sentinels) AS subscribed_on,
        date_on(unsubscribed_at, $first_day, $last_day, $plausible_sentinels) AS unsubscribed_on,
        date_on(consent_at, $first_day, $last_day, $plausible_sentinels) AS consent_on
    FROM raw.newsletter_subscriptions
)
SELECT r.subscription_id, r.email, email_key(r.email, k.email_key) AS email_key, r.customer_id, r.contact_id,
    r.subscribed_on, r.unsubscribed_on, r.consent_on
FROM read AS r
LEFT JOIN raw.email_keys AS k ON k.email = r.email
