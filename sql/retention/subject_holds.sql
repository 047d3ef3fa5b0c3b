-- model: retention.subject_holds
-- grain: one row per frozen subject and entity that its freezes hold
-- reads: retention.subject_freezes, policy.freeze_entities
-- doc: Which freezes hold what: the scopes of the policy, spelt out per entity, and per kind of attribute. `freezes` is a
--   set as bits: {% for name, term in freeze.items() %}{{ name }} {{ term.bit }}{{ "." if loop.last else ", " }}{% endfor %}

SELECT f.subject_no, e.entity, bit_or(e.bit) AS freezes
FROM retention.subject_freezes AS f
JOIN policy.freeze_entities AS e USING ("freeze")
GROUP BY f.subject_no, e.entity
