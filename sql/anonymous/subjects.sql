-- model: anonymous.subjects
-- grain: one row per subject with decisions, people who are kept out excepted
-- params: last_month, unknown
-- reads: staged.customers, retention.attribute_decisions, retention.kept_out, anonymous.tokens
-- doc: Each subject once, in the month of the run, by the strongest decision over its attributes.
WITH strongest AS (
    SELECT
        subject_id,
        CASE WHEN bool_or(decision = 'due') THEN 'due'
             WHEN bool_or(decision = 'hold') THEN 'hold'
             WHEN bool_or(decision = 'retain') THEN 'retain'
             ELSE 'absent' END AS decision
    FROM retention.attribute_decisions
    GROUP BY subject_id
)
SELECT
    CAST(date_trunc('month', $last_month) AS DATE) AS month,
    CASE WHEN starts_with(s.subject_id, 'contact:') THEN 'contact'
         ELSE coalesce(c.customer_type, $unknown) END AS subject_type,
    s.decision,
    t.token,
    1 AS subjects
FROM strongest AS s
JOIN anonymous.tokens AS t ON t.kind = 'subject' AND t.value = s.subject_id
LEFT JOIN staged.customers AS c ON s.subject_id = 'customer:' || c.customer_id
ANTI JOIN retention.kept_out AS x ON x.subject_id = s.subject_id
