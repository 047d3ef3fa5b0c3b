-- model: retention.evidence
-- grain: one row
-- params: as_of
-- reads: raw.extraction, retention.guards, control.legal_holds
-- doc: What stops whole tables. held_entities are under a legal hold as a whole. is_missing says whether the absence of
--   facts proves anything: where a source that keeps people is not mapped, or a guard has tripped, nobody is due. `faults`
--   says what is wrong in few words, `reasons` in a sentence each: why, what to look at, how to go on.
WITH tripped AS (
    SELECT *, table_name || CASE WHEN column_name = '' THEN '' ELSE '.' || column_name END AS place,
        format('{:.1f} %', 100.0 * part / nullif(whole, 0)) AS share,
        format('{:.1f} %', 100.0 * before_part / nullif(before_whole, 0)) AS share_before
    FROM retention.guards WHERE is_tripped
), worded AS (
    SELECT place, coalesce(before_month, '') AS month, CASE guard
        WHEN 'rows' THEN CASE WHEN part IS NULL THEN 'missing, was there' WHEN part = 0 THEN 'empty, was not'
                              ELSE 'has shrunk beyond the tolerance' END
        WHEN 'keeps' THEN 'filled in fewer rows than before'
        WHEN 'ends' THEN 'filled in more rows than before'
        WHEN 'rising' THEN 'more rows end what keeps people than before'
        WHEN 'falling' THEN 'fewer rows keep anything than before'
        WHEN 'warranty' THEN 'shorter warranties than before'
        WHEN 'orphans' THEN 'refers to rows that do not exist'
        WHEN 'age' THEN 'older than before'
        ELSE 'closed before what was open' END AS fault,
        CASE guard
        WHEN 'rows' THEN format('{:,} rows, {:,} in ', coalesce(part, 0), before_part) || before_month
        WHEN 'warranty' THEN format('{:.2f} years a line that is not returned, {:.2f} in ', part / nullif(whole, 0),
                                    before_part / nullif(before_whole, 0)) || before_month
        WHEN 'age' THEN format('the newest day is {}, it was {} in ', coalesce(CAST(newest AS VARCHAR), 'none'), before_newest)
                        || before_month
        WHEN 'closings' THEN format('{:,} of {:,} that were open in {} now say they were closed before', part, before_whole,
                                    before_month)
        ELSE format('{:,} of {:,} rows ({})', part, whole, share) || coalesce(', ' || share_before || ' in ' || before_month, '')
        END AS figures,
        CASE guard WHEN 'rows' THEN 'the source and the query or filter that feeds the table'
                   WHEN 'orphans' THEN 'how ids are written in both tables (case, leading zeros, a decimal point)'
                   WHEN 'age' THEN 'whether the warehouse is an older copy or has stopped being fed'
                   ELSE 'the source and the mapping of the column' END AS look_at
    FROM tripped
), found AS (
    SELECT table_name || CASE WHEN c = '*' THEN '' ELSE '.' || c END AS place, 'not mapped' AS fault,
        'not mapped; look at the mapping: feed it, or say absent = "reason" there, and run the month again' AS sentence
    FROM (SELECT table_name, unnest(evidence_missing) AS c FROM raw.extraction)
    UNION ALL
    SELECT place, fault, fault || ' (' || figures || '); look at ' || look_at || ', fix it and run the month again, or say '
        || 'that it is right: ajprivacy evidence accept ' || place || ' --by NAME --reason CODE'
    FROM worded
)
SELECT count(*) > 0 AS is_missing,
    coalesce(list_sort(list(place || ': ' || sentence)), []::VARCHAR[]) AS reasons,
    coalesce(list_sort(list(DISTINCT place || ': ' || fault)), []::VARCHAR[]) AS faults,
    (SELECT coalesce(list(subject_id), []) FROM control.legal_holds
     WHERE subject_id NOT LIKE '%:%' AND NOT coalesce(lifted_on <= $as_of, false)) AS held_entities
FROM found
