-- model: retention.kept_reach
-- grain: one row per stored token of an objection or erasure whose row stands, once the address that it reached is gone
-- params: effects_inner, effects_outer
-- reads: control.effects, retention.known_requests, retention.subjects, retention.guest_addresses, staged.newsletter_subscriptions
-- doc: Whom a request reached in an earlier month by an address that the subject's row has lost since, as when it was
--   carried out; and former addresses of such a subject that a request by id ended marketing for. Only while the row still
--   names the same id or address; a row that names another one decides alone. email_key is what somebody else still has.
WITH standing AS (
    SELECT request_id, contact_id IS NULL AND customer_id IS NULL AS by_email,
        sha256($effects_outer || unhex(sha256($effects_inner || encode('request:' || request_id)))) AS source,
        sha256($effects_outer || unhex(sha256($effects_inner || encode(
            coalesce(subject_id_of(contact_id, customer_id), 'email:' || email_key))))) AS token
    FROM retention.known_requests
    WHERE kind IN ('objection', 'erasure', 'objection_situation')
        AND EXISTS (SELECT 1 FROM control.effects WHERE kind IN ('objection', 'erasure', 'objection_situation'))
), same AS MATERIALIZED (
    SELECT s.request_id, s.by_email, s.source FROM standing AS s
    SEMI JOIN control.effects AS e ON e.source = s.source AND e.by_email = s.by_email AND e.token = s.token
), emptied AS (
    SELECT subject_no, sha256($effects_outer || unhex(sha256($effects_inner || encode(subject_id)))) AS token
    FROM retention.subjects WHERE email_key IS NULL AND EXISTS (SELECT 1 FROM same)
), reached AS (
    SELECT s.request_id, s.by_email, s.source, e.matches, e.token, m.subject_no
    FROM same AS s JOIN control.effects AS e ON e.source = s.source AND e.what = 'subject' JOIN emptied AS m ON m.token = e.token
), keyed AS (
    SELECT email_key, sha256($effects_outer || unhex(sha256($effects_inner || encode('email:' || email_key)))) AS token
    FROM (SELECT email_key FROM staged.newsletter_subscriptions UNION SELECT email_key FROM retention.guest_addresses
          UNION SELECT email_key FROM retention.subjects)
    WHERE email_key IS NOT NULL AND EXISTS (SELECT 1 FROM reached WHERE NOT by_email)
)
SELECT request_id, by_email, matches, 'subject' AS what, subject_no, NULL AS email_key, token FROM reached WHERE by_email
UNION ALL
SELECT r.request_id, r.by_email, r.matches, e.what, r.subject_no, k.email_key, e.token
FROM reached AS r JOIN control.effects AS e ON e.source = r.source AND e.what = 'address'
LEFT JOIN keyed AS k ON k.token = e.token
WHERE NOT r.by_email
