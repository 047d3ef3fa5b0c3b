-- model: pseudonymised.web_events
-- grain: one row per click with consent that is still in its cookie period
-- params: as_of, cookie_months, improvement_inner, improvement_outer
-- reads: staged.web_events, pseudonyms.people
-- doc: Consented clicks under a visitor's token; the customer's token where the customer may be followed (CAM-1).
SELECT
    sha256($improvement_outer || unhex(sha256($improvement_inner || encode(nfc_normalize('visitor:' || e.visitor_id))))) AS visitor_token,
    k.token AS customer_token, e.occurred_on, e.event_type
FROM staged.web_events AS e
LEFT JOIN pseudonyms.people AS k ON k.customer_id = e.customer_id AND k.contact_id IS NULL
WHERE e.consented AND NOT coalesce(e.consent_withdrawn_on <= $as_of, false)
  AND plus_months(e.occurred_on, $cookie_months) > $as_of
  AND (e.customer_id IS NULL OR k.token IS NOT NULL)
