-- model: retention.sole_ground
-- grain: one row per ground that alone keeps somebody
-- params: as_of, policy_version
-- reads: retention.attribute_decisions
-- doc: How many people are kept by one thing alone: one purpose that retains, or one freeze that holds, over all their
--   attributes. oldest is the earliest day any of those attributes would have been due without it.
WITH grounds AS (
    SELECT subject_id, unnest(list_concat(retained_by, held_by)) AS ground, due_on
    FROM retention.attribute_decisions WHERE decision IN ('retain', 'hold')
), alone AS (
    SELECT subject_id, min(ground) AS ground, min(due_on) AS oldest
    FROM grounds GROUP BY subject_id HAVING count(DISTINCT ground) = 1
)
SELECT CAST($as_of AS DATE) AS as_of, ground, count(*) AS subjects, min(oldest) AS oldest, $policy_version AS policy_version
FROM alone
GROUP BY ground
