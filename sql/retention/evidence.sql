-- model: retention.evidence
-- grain: one row
-- params: as_of, shrink_tolerance
-- reads: raw.extraction, control.previous_counts, control.legal_holds
-- doc: What stops whole tables. held_entities are under a legal hold as a whole. is_missing says whether the absence of
--   facts proves anything. What is kept rests on orders, invoices and cases; where their source is not mapped, has
--   vanished, was emptied or has shrunk, nobody is due. `shrunken` are the tables that lost rows since they last were
--   evidence: their counts are not what the next month is compared with.
WITH found AS (
    SELECT NULL AS shrunken, x.table_name || CASE WHEN c = '*' THEN '' ELSE '.' || c END || ': not mapped' AS reason
    FROM raw.extraction AS x, unnest(x.evidence_missing) AS u(c)
    UNION ALL
    SELECT p.table_name, p.table_name || CASE WHEN NOT x.present THEN ': missing, was there'
                                WHEN x.rows = 0 THEN ': empty, was not'
                                ELSE ': has shrunk beyond the tolerance' END
    FROM control.previous_counts AS p
    JOIN raw.extraction AS x USING (table_name)
    WHERE (p.present AND NOT x.present)
       OR (p.rows > 0 AND x.rows = 0)
       OR x.rows < p.rows * (1 - CAST($shrink_tolerance AS DECIMAL(9, 6)))
)
SELECT count(*) > 0 AS is_missing, list_sort(list(reason)) AS reasons,
    coalesce(list_sort(list(shrunken) FILTER (shrunken IS NOT NULL)), []::VARCHAR[]) AS shrunken,
    (SELECT coalesce(list(subject_id), []) FROM control.legal_holds
     WHERE subject_id NOT LIKE '%:%' AND NOT coalesce(lifted_on <= $as_of, false)) AS held_entities
FROM found
