-- model: retention.due
-- grain: one row per subject and attribute, record and part, web event and log line that is due
-- materialised: view
-- reads: retention.attribute_decisions, retention.record_decisions, retention.bulk_rulings
-- doc: What a plan is made of. `part` is the attribute of a subject, or the part of a record. A bulk row names no subject: it is
--   decided by itself.
SELECT CASE WHEN starts_with(subject_id, 'contact:') THEN 'contacts' ELSE 'customers' END AS entity,
    substr(subject_id, strpos(subject_id, ':') + 1) AS record_id, attribute AS part, subject_id, due_on
FROM retention.attribute_decisions WHERE decision = 'due'
UNION ALL
SELECT entity, record_id, part, subject_id, due_on FROM retention.record_decisions WHERE decision = 'due'
UNION ALL
SELECT entity, record_id, part, NULL, due_on FROM retention.bulk_rulings WHERE reason <> 'held'
