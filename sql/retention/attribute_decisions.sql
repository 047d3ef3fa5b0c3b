-- model: retention.attribute_decisions
-- grain: one row per subject and attribute of its type
-- materialised: view
-- reads: retention.attribute_rulings, retention.basis, policy.purpose_sets, policy.freeze_sets
-- doc: What becomes of each attribute of each subject, in words.
SELECT b.as_of, d.subject_id, d.subject_no, CAST(d.attribute AS VARCHAR) AS attribute,
    CASE WHEN d.is_absent THEN 'absent' WHEN d.retained > 0 THEN 'retain' WHEN d.held > 0 THEN 'hold' ELSE 'due' END AS decision,
    d.due_on, s.names AS retained_by, f.names AS held_by, b.policy_version
FROM retention.attribute_rulings AS d
CROSS JOIN retention.basis AS b
JOIN policy.purpose_sets AS s ON s.purposes = d.retained
JOIN policy.freeze_sets AS f ON f.freezes = d.held
