-- model: published.retention_monthly
-- grain: one row per subject type and strongest decision, with totals, in the month of the run
-- params: last_month, all
-- reads: anonymous.subjects
-- doc: The cells with what stands behind them; contributors never leave.
SELECT
    month, 'month' AS period,
    coalesce(subject_type, $all) AS subject_type,
    coalesce(decision, $all) AS decision,
    CAST(sum(subjects) AS BIGINT) AS subjects,
    count(DISTINCT token) AS contributors
FROM anonymous.subjects
WHERE month = $last_month
GROUP BY month, CUBE (subject_type, decision)
