-- model: pseudonymised.communications
-- grain: one row per message of a customer who may be followed over time
-- reads: staged.communications, pseudonyms.people, retention.correspondence_decisions
-- doc: That a message was exchanged, when and how: no text, no sender, no recipient; without those that are due.
SELECT k.token AS customer_token, c.token AS contact_token, m.channel, m.direction, m.occurred_on
FROM staged.communications AS m
JOIN pseudonyms.people AS k ON k.customer_id = m.customer_id AND k.contact_id IS NULL
LEFT JOIN pseudonyms.people AS c ON c.contact_id = m.contact_id
ANTI JOIN retention.correspondence_decisions AS x ON x.entity = 'communications' AND x.record_id = m.communication_id AND x.decision = 'due'
