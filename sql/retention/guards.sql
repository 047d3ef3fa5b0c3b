-- model: retention.guards
-- grain: one row per guard, table and column
-- params: shrink_tolerance, least_rows, warranty_tolerance, age_days, closings_least, closings_share
-- reads: retention.measures, retention.recorded_days, staged.cases, staged.rights_requests, policy.guards, control.previous_measures, control.open_before
-- doc: Each measure beside what it is compared with: the newest run in which it was evidence, and the first of the same month,
--   whichever it is worse against. Shares are told apart without division: `moved` is the rows that gained or lost their
--   value, times before_whole. A share that nothing stands before may only be below first_above.
WITH compared AS (
    SELECT m.guard, m.table_name, m.column_name, m.part, m.whole, m.newest, p.month AS before_month, p.as_of AS before_as_of,
        p.part AS before_part, p.whole AS before_whole, p.newest AS before_newest, coalesce(p.is_first, false) AS is_first,
        g.sign, g.points, g.above, g.first_above
    FROM retention.measures AS m
    LEFT JOIN control.previous_measures AS p USING (guard, table_name, column_name)
    LEFT JOIN policy.guards AS g USING (guard)
), closed AS (
    SELECT o.table_name, o.is_first, count(*) AS closed_before FROM control.open_before AS o JOIN (
        SELECT 'cases' AS table_name, case_id AS id, closed_on FROM staged.cases WHERE closed_on IS NOT NULL UNION ALL
        SELECT 'rights_requests', request_id, closed_on FROM staged.rights_requests WHERE closed_on IS NOT NULL
    ) AS c ON c.table_name = o.table_name AND c.id = o.id
    WHERE c.closed_on < o.as_of
    GROUP BY ALL
), dated AS (
    SELECT c.table_name, c.column_name, c.is_first, max(d.recorded_on) AS newest_then
    FROM compared AS c JOIN retention.recorded_days AS d USING (table_name, column_name)
    WHERE c.guard = 'age' AND d.recorded_on <= c.before_as_of
    GROUP BY ALL
), joined AS (
    SELECT c.* EXCLUDE (part, newest), CASE WHEN c.guard = 'closings' THEN coalesce(k.closed_before, 0) ELSE c.part END AS part,
        CASE WHEN c.guard = 'age' AND c.before_month IS NOT NULL THEN d.newest_then ELSE c.newest END AS newest,
        CAST(c.sign AS HUGEINT) * (CAST(c.part AS HUGEINT) * c.before_whole - CAST(c.before_part AS HUGEINT) * c.whole) AS moved
    FROM compared AS c
    LEFT JOIN closed AS k ON k.table_name = c.table_name AND k.is_first = c.is_first
    LEFT JOIN dated AS d ON d.table_name = c.table_name AND d.column_name = c.column_name AND d.is_first = c.is_first
), judged AS (
    SELECT *, coalesce(CASE
        WHEN guard = 'rows' THEN before_month IS NOT NULL AND ((before_part IS NOT NULL AND part IS NULL)
            OR (before_part > 0 AND part = 0) OR part < before_part * (1 - CAST($shrink_tolerance AS DECIMAL(9, 6))))
        WHEN guard = 'age' THEN before_newest IS NOT NULL AND (newest IS NULL OR newest < before_newest - $age_days)
        WHEN guard = 'closings' THEN part >= $closings_least AND part * 1000000 > before_whole * CAST($closings_share AS BIGINT)
        WHEN guard = 'warranty' THEN before_whole >= $least_rows AND CAST(part AS HUGEINT) * before_whole * 1000000
            < CAST(before_part AS HUGEINT) * whole * (1000000 - $warranty_tolerance)
        WHEN coalesce(before_whole, 0) = 0 THEN part >= $least_rows AND CAST(part AS HUGEINT) * 1000000 > CAST(first_above AS HUGEINT) * whole
        ELSE moved >= CAST($least_rows AS HUGEINT) * before_whole AND moved * 1000000 > CAST(points AS HUGEINT) * before_whole * whole
            AND CAST(part AS HUGEINT) * 1000000 > CAST(above AS HUGEINT) * whole END, false) AS is_tripped,
        is_first AND coalesce(CASE WHEN guard = 'rows' THEN coalesce(part, -1) < coalesce(before_part, -1)
            WHEN guard = 'age' THEN coalesce(newest < before_newest, before_newest IS NOT NULL)
            WHEN guard = 'closings' THEN part > 0
            WHEN guard = 'warranty' THEN CAST(part AS HUGEINT) * before_whole < CAST(before_part AS HUGEINT) * whole
            ELSE moved > 0 END, false) AS is_worse
    FROM joined
)
SELECT guard, table_name, column_name, is_tripped, part, whole, newest, before_month, before_part, before_whole, before_newest,
    bool_or(is_worse) OVER (PARTITION BY guard, table_name, column_name) AS is_worse
FROM judged
QUALIFY row_number() OVER (PARTITION BY guard, table_name, column_name ORDER BY is_tripped DESC, is_first) = 1
