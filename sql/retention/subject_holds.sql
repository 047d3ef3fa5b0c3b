-- model: retention.subject_holds
-- grain: one row per frozen subject and entity that its freezes hold
-- reads: retention.subject_freezes, policy.freeze_entities
-- doc: Which freezes hold what: the scopes of the policy, spelt out per entity, and per kind of attribute. `freezes` is a
--   set as bits: open_balance 1, restriction 2, access_pending 4, legal_hold 8, orphan 16, data_quality 32,
--   no_evidence 64, evidence_missing 128.
SELECT f.subject_no, e.entity, bit_or(e.bit) AS freezes
FROM retention.subject_freezes AS f
JOIN policy.freeze_entities AS e USING ("freeze")
GROUP BY f.subject_no, e.entity
