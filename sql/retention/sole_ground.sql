-- model: retention.sole_ground
-- grain: one row per ground that alone keeps somebody
-- params: as_of, policy_version
-- reads: retention.attribute_decisions, retention.purpose_status
-- doc: How many people are kept by one thing alone, over all their attributes: one freeze that holds, one purpose that
--   retains, or one blocker, which stands for every purpose that it keeps open. oldest is the earliest day any of those
--   attributes would have been due without it, NULL while all of them are open.
WITH kept AS (
    SELECT subject_no, unnest(CASE WHEN decision = 'retain' THEN retained_by ELSE held_by END) AS ground, due_on
    FROM retention.attribute_decisions WHERE decision IN ('retain', 'hold')
), grounds AS (
    SELECT subject_no, ground, min(due_on) AS oldest FROM kept GROUP BY subject_no, ground
), named AS (
    SELECT g.subject_no, unnest(CASE WHEN len(p.reasons) > 0 THEN p.reasons ELSE [g.ground] END) AS ground, g.oldest
    FROM grounds AS g
    LEFT JOIN retention.purpose_status AS p
        ON p.subject_no = g.subject_no AND p.purpose = g.ground AND p.lapses_on IS NULL
), alone AS (
    SELECT subject_no, min(ground) AS ground, min(oldest) AS oldest
    FROM named GROUP BY subject_no HAVING min(ground) = max(ground)
)
SELECT CAST($as_of AS DATE) AS as_of, ground, count(*) AS subjects, min(oldest) AS oldest,
    $policy_version AS policy_version
FROM alone
GROUP BY ground
