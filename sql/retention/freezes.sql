-- model: retention.freezes
-- grain: one row per subject and freeze
-- params: as_of, policy_version
-- reads: retention.subject_freezes, retention.subjects, retention.evidence, policy.freezes
-- doc: Every freeze, with what it holds (scope) and since when. While evidence is missing everybody is frozen.
WITH everything AS (
    SELECT * FROM retention.subject_freezes
    UNION ALL
    SELECT s.subject_no, '{{ freeze.evidence_missing.name }}', NULL, false
    FROM retention.subjects AS s, retention.evidence AS e WHERE e.is_missing
)
SELECT CAST($as_of AS DATE) AS as_of, s.subject_id, f."freeze", p.scope, f.since, f.review, $policy_version AS policy_version
FROM everything AS f
JOIN retention.subjects AS s USING (subject_no)
JOIN policy.freezes AS p USING ("freeze")
