-- model: retention.former_effects
-- grain: one row per token of a stored effect whose own row decides no longer, and subject or address that it still meets
-- params: effects_inner, effects_outer
-- reads: control.effects, retention.known_requests, staged.newsletter_subscriptions, retention.subjects, retention.guest_addresses
-- doc: What objections, verified erasures and unsubscriptions ended before their own row went or was emptied; a token that
--   meets nothing has neither subject_no nor email_key. A row that has an id or an address decides alone. Ids and addresses
--   are hashed only where effects are stored, those of subjects only where one has lost its row.
WITH deciding AS (
    SELECT sha256($effects_outer || unhex(sha256($effects_inner || encode('request:' || request_id)))) AS source
    FROM retention.known_requests
    WHERE (contact_id IS NOT NULL OR customer_id IS NOT NULL OR email_key IS NOT NULL)
      AND EXISTS (SELECT 1 FROM control.effects)
    UNION ALL
    SELECT sha256($effects_outer || unhex(sha256($effects_inner || encode('subscription:' || subscription_id))))
    FROM staged.newsletter_subscriptions
    WHERE email_key IS NOT NULL AND EXISTS (SELECT 1 FROM control.effects WHERE kind = 'unsubscription')
), former AS MATERIALIZED (
    SELECT * FROM control.effects AS e ANTI JOIN deciding AS d ON d.source = e.source
    WHERE $effects_inner IS NOT NULL OR error('effects of earlier requests cannot be read without their key')
), named AS (
    SELECT subject_no, sha256($effects_outer || unhex(sha256($effects_inner || encode(subject_id)))) AS token
    FROM retention.subjects WHERE EXISTS (SELECT 1 FROM former WHERE what = 'subject')
), addresses AS (
    SELECT email_key, bool_or(outside) AS outside FROM (
        SELECT email_key, true AS outside FROM staged.newsletter_subscriptions WHERE EXISTS (SELECT 1 FROM former)
        UNION ALL
        SELECT email_key, true FROM retention.guest_addresses WHERE EXISTS (SELECT 1 FROM former)
        UNION ALL
        SELECT email_key, false FROM retention.subjects WHERE EXISTS (SELECT 1 FROM former WHERE by_email))
    WHERE email_key IS NOT NULL GROUP BY email_key
), keyed AS (
    SELECT email_key, outside, sha256($effects_outer || unhex(sha256($effects_inner || encode('email:' || email_key)))) AS token
    FROM addresses
)
SELECT f.source, f.kind, f.received_on, f.verified_on, f.by_email, f.matches, f.what, f.erases, n.subject_no, k.email_key
FROM former AS f
LEFT JOIN named AS n ON n.token = f.token AND f.what = 'subject'
LEFT JOIN keyed AS k ON k.token = f.token AND f.what <> 'subject' AND (k.outside OR (f.by_email AND f.what = 'named'))
