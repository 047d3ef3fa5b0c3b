-- model: terms.decisions
-- grain: one row per record and part of an asked subject
-- params: first_no, last_no
-- reads: terms.subjects, retention.record_decisions
-- doc: What is decided about the subject's records, read once.
SELECT d.* FROM retention.record_decisions AS d
WHERE d.subject_no BETWEEN $first_no AND $last_no AND d.subject_no IN (SELECT subject_no FROM terms.subjects)
