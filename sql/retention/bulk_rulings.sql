-- model: retention.bulk_rulings
-- grain: one row per web event and log line that is due or held
-- params: as_of, cookie_months, log_months
-- reads: staged.web_events, staged.app_logs, retention.subjects, retention.subject_purposes, retention.subject_holds, retention.faults, retention.evidence
-- decides: web_events.identity, app_logs.identity
-- doc: Which web events and log lines are due, by what ended first (the first of the order of the texts below on a tie), and which
--   are held. A row whose identity columns are all empty is in neither.
WITH clicks AS (
    SELECT e.event_id, e.occurred_on, coalesce(e.consented, false) AS has_consent,
        e.visitor_id IS NULL AND e.customer_id IS NULL AND e.contact_id IS NULL AND e.ip_address IS NULL AND e.user_agent IS NULL AS is_absent,
        plus_months(e.occurred_on, $cookie_months) AS cookie_on, e.consent_withdrawn_on,
        p.individualisation_on,
        m.is_missing OR list_contains(m.held_entities, 'web_events') OR h.freezes IS NOT NULL OR g.freezes IS NOT NULL OR q.record_id IS NOT NULL
            OR (e.customer_id IS NOT NULL AND k.subject_no IS NULL) OR (e.contact_id IS NOT NULL AND c.subject_no IS NULL) AS is_held
    FROM staged.web_events AS e
    CROSS JOIN retention.evidence AS m
    LEFT JOIN retention.subjects AS k ON k.customer_id = e.customer_id AND k.contact_id IS NULL
    LEFT JOIN retention.subjects AS c ON c.contact_id = e.contact_id
    LEFT JOIN retention.subject_purposes AS p
        ON p.subject_no = CASE WHEN e.contact_id IS NOT NULL THEN c.subject_no ELSE k.subject_no END
    LEFT JOIN retention.faults AS q ON q.entity = 'web_events' AND q.record_id = e.event_id
    LEFT JOIN retention.subject_holds AS h ON h.subject_no = c.subject_no AND h.entity = 'web_events'
    LEFT JOIN retention.subject_holds AS g ON g.subject_no = k.subject_no AND g.entity = 'web_events'
), ended AS (
    SELECT event_id, has_consent, cookie_on, consent_withdrawn_on, is_held,
        visit_due_on(occurred_on, has_consent, cookie_on, consent_withdrawn_on, individualisation_on, $as_of) AS due_on
    FROM clicks WHERE NOT is_absent
), lines AS (
    SELECT log_id, coalesce(plus_months(logged_on, $log_months), $as_of) AS due_on,
        logged_on IS NULL OR list_contains(m.held_entities, 'app_logs') AS is_held
    FROM staged.app_logs CROSS JOIN retention.evidence AS m WHERE username IS NOT NULL OR ip_address IS NOT NULL OR message IS NOT NULL
)
SELECT 'web_events' AS entity, 'identity' AS part, event_id AS record_id, due_on,
    CASE WHEN is_held THEN 'held' WHEN NOT has_consent THEN 'no_consent' WHEN due_on = cookie_on THEN 'cookie_period'
         WHEN due_on = consent_withdrawn_on THEN 'consent_withdrawn' ELSE 'individualisation_ended' END AS reason
FROM ended WHERE due_on <= $as_of
UNION ALL
SELECT 'app_logs', 'identity', log_id, due_on, CASE WHEN is_held THEN 'held' ELSE 'log_period' END FROM lines WHERE due_on <= $as_of
