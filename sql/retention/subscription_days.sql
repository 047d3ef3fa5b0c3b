-- model: retention.subscription_days
-- grain: one row per newsletter subscription
-- params: guard_inner, guard_outer
-- reads: staged.newsletter_subscriptions, control.guard
-- doc: Since when a subscription stands against objections and erasures: since its consent, where the shop records consents
--   or a plan has deleted a subscription with its address; else since the day of subscribing. What is imported again is not new.
WITH deleted AS (
    SELECT DISTINCT n.email_key FROM staged.newsletter_subscriptions AS n JOIN control.guard AS g
        ON g.kind = 'subscription' AND g.token = sha256($guard_outer || unhex(sha256($guard_inner || encode(n.email_key))))
)
SELECT n.subscription_id, CASE WHEN b.has_consents OR d.email_key IS NOT NULL THEN n.consent_on ELSE n.subscribed_on END AS begun_on
FROM staged.newsletter_subscriptions AS n
CROSS JOIN (SELECT count(consent_on) > 0 AS has_consents FROM staged.newsletter_subscriptions) AS b
LEFT JOIN deleted AS d ON d.email_key = n.email_key
