-- model: retention.bulk_decisions
-- grain: one row per bulk entity and reason that has due or held rows
-- params: as_of, policy_version
-- reads: retention.bulk_rulings
-- doc: How many web events and log lines are due, by what ended first, and how many are held.
SELECT CAST($as_of AS DATE) AS as_of, entity, part, reason, count(*) AS due_rows, min(due_on) AS oldest,
    $policy_version AS policy_version
FROM retention.bulk_rulings
GROUP BY entity, part, reason
