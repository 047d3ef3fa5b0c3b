-- model: pseudonymised.cases
-- grain: one row per case of a customer who may be followed over time
-- reads: staged.cases, pseudonyms.people, pseudonyms.orders, retention.correspondence_decisions
-- doc: Cases under their customer's token, without their text; without those whose content is due.
SELECT k.token AS customer_token, c.token AS contact_token, o.order_token, s.kind, s.opened_on, s.closed_on
FROM staged.cases AS s
JOIN pseudonyms.people AS k ON k.customer_id = s.customer_id AND k.contact_id IS NULL
LEFT JOIN pseudonyms.people AS c ON c.contact_id = s.contact_id
LEFT JOIN pseudonyms.orders AS o ON o.order_id = s.order_id
ANTI JOIN retention.correspondence_decisions AS x ON x.entity = 'cases' AND x.record_id = s.case_id AND x.decision = 'due'
