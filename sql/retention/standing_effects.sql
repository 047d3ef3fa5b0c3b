-- model: retention.standing_effects
-- grain: one row per effect whose own row stands, and subject or address that it meets
-- params: effects_inner, effects_outer
-- reads: retention.requests, retention.kept_reach, retention.subjects, retention.newsletter_decisions, retention.guest_addresses, staged.newsletter_subscriptions
-- doc: What has ended marketing, erased somebody or keeps them out of what is published by as_of, as keyed tokens: what a month that ends well keeps. `what` says
--   whose token it is: a subject's, the address that the request names, or another address of a subject it reaches. No
--   tokens without a key. Former addresses of a subject stay known while nobody has them.
WITH asked AS (
    SELECT request_id, 'request:' || request_id AS source, kind, received_on, verified_on, by_email, matches, erases, subject_no, email_key
    FROM retention.requests WHERE (stops_marketing OR stays_out) AND request_id IS NOT NULL
), unsubscribed AS (
    SELECT 'subscription:' || n.subscription_id AS source, n.unsubscribed_on, n.email_key, d.subject_no
    FROM staged.newsletter_subscriptions AS n
    JOIN retention.newsletter_decisions AS d ON d.record_id = n.subscription_id
    WHERE n.email_key IS NOT NULL AND n.unsubscribed_on IS NOT NULL AND coalesce(n.unsubscribed_on >= n.subscribed_on, true)
), met AS (
    SELECT a.source, a.kind, a.received_on, a.verified_on, a.by_email, a.matches, 'subject' AS what, a.erases, s.subject_id AS value
    FROM asked AS a JOIN retention.subjects AS s USING (subject_no)
    UNION
    SELECT a.source, a.kind, a.received_on, a.verified_on, a.by_email, a.matches, 'address', false, 'email:' || s.email_key
    FROM asked AS a JOIN retention.subjects AS s USING (subject_no)
    WHERE s.email_key IS NOT NULL AND s.email_key IS DISTINCT FROM a.email_key
    UNION
    SELECT source, kind, received_on, verified_on, by_email, matches, 'named', false, 'email:' || email_key
    FROM asked
    WHERE email_key IS NOT NULL AND (subject_no IS NOT NULL
        OR email_key IN (SELECT email_key FROM staged.newsletter_subscriptions WHERE email_key IS NOT NULL)
        OR email_key IN (SELECT email_key FROM retention.guest_addresses))
    UNION ALL
    SELECT source, 'unsubscription', unsubscribed_on, NULL, false, 0, 'named', false, 'email:' || email_key FROM unsubscribed
    UNION ALL
    SELECT u.source, 'unsubscription', u.unsubscribed_on, NULL, false, 0, 'subject', false, s.subject_id
    FROM unsubscribed AS u JOIN retention.subjects AS s USING (subject_no)
)
SELECT sha256($effects_outer || unhex(sha256($effects_inner || encode(source)))) AS source, kind, received_on, verified_on,
    by_email, matches, what, sha256($effects_outer || unhex(sha256($effects_inner || encode(value)))) AS token, erases
FROM met
WHERE $effects_inner IS NOT NULL
UNION
SELECT sha256($effects_outer || unhex(sha256($effects_inner || encode(a.source)))), a.kind, a.received_on, a.verified_on,
    a.by_email, a.matches, k.what, k.token, false
FROM asked AS a JOIN retention.kept_reach AS k ON k.request_id = a.request_id AND k.subject_no = a.subject_no AND NOT k.by_email
WHERE $effects_inner IS NOT NULL
