-- model: retention.subject_holds
-- grain: one row per frozen subject and entity that its freezes hold
-- reads: retention.subject_freezes, policy.freeze_entities
-- doc: Which freezes hold what: the scopes of the policy, spelt out per entity, and per kind of attribute.
SELECT f.subject_no, e.entity, list_sort(list(DISTINCT f."freeze")) AS held_by
FROM retention.subject_freezes AS f
JOIN policy.freeze_entities AS e USING ("freeze")
GROUP BY f.subject_no, e.entity
