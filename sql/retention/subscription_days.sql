-- model: retention.subscription_days
-- grain: one row per newsletter subscription
-- reads: staged.newsletter_subscriptions
-- doc: Since when a subscription stands against objections and erasures: since its consent, where the shop records consents;
--   else since the day of subscribing. What is imported again is not new.
SELECT n.subscription_id, CASE WHEN b.has_consents THEN n.consent_on ELSE n.subscribed_on END AS begun_on
FROM staged.newsletter_subscriptions AS n
CROSS JOIN (SELECT count(consent_on) > 0 AS has_consents FROM staged.newsletter_subscriptions) AS b
