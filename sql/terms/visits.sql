-- model: terms.visits
-- grain: one row per asked subject, customer it acted for, and kind of end of its web events
-- params: as_of, cookie_months
-- reads: terms.subjects, staged.web_events, retention.subject_purposes, retention.faults
-- doc: Web events of the subject, counted by the day they are due and what ends first, as in retention.bulk_decisions.
WITH clicks AS (
    SELECT s.subject_no, e.event_id, e.customer_id, e.occurred_on, coalesce(e.consented, false) AS has_consent, e.consent_withdrawn_on
    FROM staged.web_events AS e JOIN terms.subjects AS s ON s.contact_id = e.contact_id
    UNION ALL
    SELECT s.subject_no, e.event_id, e.customer_id, e.occurred_on, coalesce(e.consented, false), e.consent_withdrawn_on
    FROM staged.web_events AS e JOIN terms.subjects AS s ON s.customer_id = e.customer_id AND s.contact_id IS NULL
    WHERE e.contact_id IS NULL
), dated AS (
    SELECT c.*, plus_months(c.occurred_on, $cookie_months) AS cookie_on, p.individualisation_on,
        c.event_id IN (SELECT record_id FROM retention.faults WHERE entity = 'web_events') AS is_faulty
    FROM clicks AS c LEFT JOIN retention.subject_purposes AS p ON p.subject_no = c.subject_no
), ended AS (
    SELECT *, visit_due_on(occurred_on, has_consent, cookie_on, consent_withdrawn_on, individualisation_on, $as_of) AS due_on FROM dated
)
SELECT subject_no, 'customer:' || customer_id AS customer, is_faulty, due_on,
    CASE WHEN occurred_on IS NULL THEN 'undated' WHEN NOT has_consent THEN 'no_consent' WHEN due_on = cookie_on THEN 'cookie_period'
         WHEN due_on = consent_withdrawn_on THEN 'consent_withdrawn' ELSE 'individualisation_ended' END AS reason,
    count(*) AS events
FROM ended
GROUP BY ALL
