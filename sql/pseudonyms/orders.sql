-- model: pseudonyms.orders
-- grain: one row per order that may be followed to a person
-- params: improvement_inner, improvement_outer
-- reads: retention.order_facts, retention.order_decisions, pseudonyms.people
-- doc: Tokens of orders whose customer may be followed and whose link to the person is not due (IMP-4). A contact who may
--   not be followed is left out of the order. Stays in the restricted zone.
SELECT o.order_id, k.token AS customer_token, c.token AS contact_token,
    sha256($improvement_outer || unhex(sha256($improvement_inner || encode(nfc_normalize('order:' || o.order_id))))) AS order_token
FROM retention.order_facts AS o
JOIN pseudonyms.people AS k ON k.subject_no = o.customer_no
LEFT JOIN pseudonyms.people AS c ON c.subject_no = o.contact_no
ANTI JOIN retention.order_decisions AS x ON x.record_id = o.order_id AND x.part = 'link' AND x.decision = 'due'
