-- model: terms.subscriptions
-- grain: one row per newsletter subscription of an asked subject, and what keeps or ends it
-- reads: terms.records, staged.newsletter_subscriptions, retention.subscription_days, retention.requests, retention.former_effects, retention.subjects
-- doc: The subscription itself, and on or after the day of subscribing (retention.subscription_days, of requests): unsubscriptions of its own row and of others with the
--   address; objections and erasures of its subject, of anybody whose row has the address, or that name it. of_several: it
--   came by an address alone that several have, or is somebody else's.
WITH asked AS (
    SELECT r.subject_no, r.entity, r.record_id, r.part, n.email_key, n.subscribed_on, n.unsubscribed_on, b.begun_on
    FROM terms.records AS r JOIN staged.newsletter_subscriptions AS n ON n.subscription_id = r.record_id
    JOIN retention.subscription_days AS b ON b.subscription_id = r.record_id
    WHERE r.entity = 'newsletter_subscriptions'
), owners AS (
    SELECT a.record_id, s.subject_no FROM asked AS a JOIN retention.subjects AS s ON s.email_key = a.email_key
    UNION
    SELECT record_id, subject_no FROM asked WHERE subject_no IS NOT NULL
), said AS (
    SELECT o.record_id, r.kind, r.received_on AS day, r.request_id AS request, r.subject_no, r.by_email AND r.matches > 1 AS is_shared
    FROM owners AS o JOIN retention.requests AS r ON r.subject_no = o.subject_no WHERE r.stops_marketing
    UNION ALL
    SELECT a.record_id, r.kind, r.received_on, r.request_id, r.subject_no, r.by_email AND r.matches > 1
    FROM asked AS a JOIN retention.requests AS r ON r.email_key = a.email_key WHERE r.stops_marketing
), stops AS (
    SELECT s.record_id, s.kind, s.day, s.request, CASE WHEN bool_and(coalesce(s.is_shared OR s.subject_no <> a.subject_no, false)) THEN true END AS of_several
    FROM said AS s JOIN asked AS a ON a.record_id = s.record_id GROUP BY ALL
    UNION
    SELECT record_id, 'unsubscribed', unsubscribed_on, NULL, NULL FROM asked WHERE unsubscribed_on IS NOT NULL
    UNION
    SELECT a.record_id, 'unsubscribed_twin', n.unsubscribed_on, NULL, NULL
    FROM asked AS a JOIN staged.newsletter_subscriptions AS n ON n.email_key = a.email_key AND n.subscription_id <> a.record_id
    WHERE n.unsubscribed_on IS NOT NULL AND coalesce(n.unsubscribed_on >= n.subscribed_on, true)
    UNION
    SELECT a.record_id, 'unsubscribed_gone', f.received_on, NULL, NULL
    FROM asked AS a JOIN retention.former_effects AS f ON f.email_key = a.email_key WHERE f.kind = 'unsubscription'
)
SELECT subject_no, entity, record_id, part, 'subscribed' AS kind, 'newsletter' AS ground, NULL::DATE AS ends_on, 'keeps' AS role,
    true AS applies, 1 AS section, record_id AS record, subscribed_on AS day
FROM asked
UNION ALL BY NAME
SELECT a.subject_no, a.entity, a.record_id, a.part, CASE s.kind WHEN 'erasure' THEN 'erasure_received' ELSE s.kind END AS kind, 'newsletter' AS ground,
    s.day AS ends_on, 'ends' AS role, true AS applies, 2 AS section, s.day, s.request, s.of_several
FROM asked AS a JOIN stops AS s ON s.record_id = a.record_id 
    AND coalesce(s.day >= CASE WHEN s.kind IN ('objection', 'erasure') THEN a.begun_on ELSE a.subscribed_on END, true)
