-- model: retention.kept_out
-- grain: one row per subject and per record of nobody's that may be neither published nor followed
-- reads: retention.freezes, retention.guest_requests, retention.guard_hits, retention.requests, retention.subjects
-- doc: Whom a request restricts (RGT-4), whose objection for reasons of their own situation was upheld, and who has come back or is met by something that was erased. A subject has its
--   subject_id; a guest's order and a subscription have entity and record_id.
SELECT DISTINCT subject_id, CAST(NULL AS VARCHAR) AS entity, CAST(NULL AS VARCHAR) AS record_id
FROM retention.freezes WHERE "freeze" = 'restriction'
UNION
SELECT s.subject_id, NULL, NULL FROM retention.requests AS r JOIN retention.subjects AS s ON s.subject_no = r.subject_no WHERE r.stays_out
UNION
SELECT NULL, entity, record_id FROM retention.guest_requests WHERE (freezes & {{ freeze.restriction.bit }}) > 0 OR stays_out
UNION
SELECT subject_id, CASE WHEN subject_id IS NULL THEN entity END, CASE WHEN subject_id IS NULL THEN record_id END
FROM retention.guard_hits WHERE reason <> 'id_used_again'
