-- model: retention.newsletter_decisions
-- grain: one row per newsletter subscription
-- params: as_of, policy_version
-- reads: staged.newsletter_subscriptions, retention.subjects, retention.requests, retention.former_effects, retention.subject_requests, retention.subject_holds, retention.faults, retention.released_faults, retention.evidence, retention.subscription_days, policy.freeze_entities, policy.freeze_sets
-- decides: newsletter_subscriptions.email
-- doc: When a subscription's address goes: with the first unsubscription of any row with this address, or objection or
--   erasure of its subject, of anybody whose row has the address, or that names the address itself, on or after the day of
--   subscribing. A restriction that names the address alone holds it, too. Against objections and
--   erasures the day of subscribing is that of retention.subscription_days.
WITH address_stops AS (
    SELECT email_key, list(stopped_on) FILTER (is_said) AS said_ons, list(stopped_on) FILTER (NOT is_said) AS stopped_ons FROM (
        SELECT s.email_key, r.received_on AS stopped_on, true AS is_said FROM retention.requests AS r JOIN retention.subjects AS s USING (subject_no) WHERE r.stops_marketing
        UNION
        SELECT email_key, received_on, true FROM retention.requests WHERE stops_marketing
        UNION
        SELECT email_key, unsubscribed_on, false FROM staged.newsletter_subscriptions
        WHERE unsubscribed_on IS NOT NULL AND coalesce(unsubscribed_on >= subscribed_on, true)
        UNION
        SELECT email_key, received_on, false FROM retention.former_effects WHERE kind = 'unsubscription')
    WHERE email_key IS NOT NULL GROUP BY email_key
), address_holds AS (
    SELECT r.email_key, bit_or(e.bit) AS freezes
    FROM retention.requests AS r JOIN policy.freeze_entities AS e ON e."freeze" = '{{ freeze.restriction.name }}' AND e.entity = 'newsletter_subscriptions'
    WHERE r."freeze" = e."freeze" AND r.by_email AND r.email_key IS NOT NULL
    GROUP BY r.email_key
), owners AS (
    SELECT email_key, any_value(subject_no) AS subject_no, any_value(subject_id) AS subject_id
    FROM retention.subjects
    WHERE email_key IN (SELECT email_key FROM staged.newsletter_subscriptions WHERE customer_id IS NULL AND contact_id IS NULL)
    GROUP BY email_key HAVING count(*) = 1
), placed AS (
    SELECT n.*, b.begun_on, k.subject_no AS customer_no, c.subject_no AS contact_no,
        (n.customer_id IS NOT NULL AND k.subject_no IS NULL) OR (n.contact_id IS NOT NULL AND c.subject_no IS NULL) AS is_orphan,
        CASE WHEN n.contact_id IS NULL AND n.customer_id IS NULL THEN w.subject_no END AS owner_no,
        coalesce(subject_id_of(n.contact_id, n.customer_id), w.subject_id) AS subject_id,
        CASE WHEN n.contact_id IS NOT NULL THEN c.subject_no WHEN n.customer_id IS NOT NULL THEN k.subject_no
             ELSE w.subject_no END AS subject_no
    FROM staged.newsletter_subscriptions AS n
    JOIN retention.subscription_days AS b USING (subscription_id)
    LEFT JOIN retention.subjects AS k ON k.customer_id = n.customer_id AND k.contact_id IS NULL
    LEFT JOIN retention.subjects AS c ON c.contact_id = n.contact_id
    LEFT JOIN owners AS w ON w.email_key = n.email_key
), dated AS (
    SELECT p.*,
        least(CASE WHEN coalesce(p.unsubscribed_on >= p.subscribed_on, true) THEN p.unsubscribed_on END,
              first_on_or_after(a.stopped_ons, coalesce(p.subscribed_on, no_beginning())),
              first_on_or_after(a.said_ons, coalesce(p.begun_on, no_beginning())),
              first_on_or_after(r.stopped_ons, coalesce(p.begun_on, no_beginning()))) AS ends_on
    FROM placed AS p
    LEFT JOIN address_stops AS a ON a.email_key = p.email_key
    LEFT JOIN retention.subject_requests AS r ON r.subject_no = p.subject_no
), decided AS (
    SELECT d.*, d.email IS NULL AS is_absent, NOT coalesce(d.ends_on <= $as_of, false) AS is_live,
        record_holds(coalesce(c.freezes, w.freezes, 0) | coalesce(x.freezes, 0), k.freezes, d.is_orphan AND u.record_id IS NULL, q.record_id IS NOT NULL,
                     e.is_missing, list_contains(e.held_entities, 'newsletter_subscriptions')) AS held
    FROM dated AS d
    CROSS JOIN retention.evidence AS e
    LEFT JOIN retention.subject_holds AS c ON c.subject_no = d.contact_no AND c.entity = 'newsletter_subscriptions'
    LEFT JOIN retention.subject_holds AS k ON k.subject_no = d.customer_no AND k.entity = 'newsletter_subscriptions'
    LEFT JOIN retention.subject_holds AS w ON w.subject_no = d.owner_no AND w.entity = 'newsletter_subscriptions'
    LEFT JOIN address_holds AS x ON x.email_key = d.email_key
    LEFT JOIN retention.released_faults AS u ON u.record_id = d.subscription_id AND u.entity = 'newsletter_subscriptions' AND u."freeze" = '{{ freeze.orphan.name }}'
    LEFT JOIN retention.faults AS q ON q.record_id = d.subscription_id AND q.entity = 'newsletter_subscriptions'
)
SELECT CAST($as_of AS DATE) AS as_of, 'newsletter_subscriptions' AS entity, subscription_id AS record_id, 'email' AS part, subject_id, subject_no,
    decision_of(is_absent, is_live, held > 0) AS decision,
    CASE WHEN NOT is_absent THEN ends_on END AS due_on,
    CASE WHEN is_live AND NOT is_absent THEN ['newsletter'] ELSE []::VARCHAR[] END AS retained_by,
    f.names AS held_by,
    $policy_version AS policy_version
FROM decided
JOIN policy.freeze_sets AS f ON f.freezes = CASE WHEN is_live OR is_absent THEN 0 ELSE held END
