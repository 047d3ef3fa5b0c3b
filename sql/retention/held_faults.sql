-- model: retention.held_faults
-- grain: one row per record and freeze whose fault, or dangling id, holds something this month
-- params: first_held_inner, first_held_outer
-- reads: retention.fault_facts, retention.faulty_subjects, retention.faulty_guests, retention.subjects, retention.attribute_decisions, retention.record_decisions
-- doc: Faults and dangling ids that hold the record itself, another of the same guest, or something of a subject that they
--   freeze. token is what the control store remembers of them from month to month: a keyed hash, so that no id outlives
--   the month there.
WITH reached AS (
    SELECT subject_no, entity, record_id FROM retention.faulty_subjects
    UNION ALL
    SELECT s.subject_no, f.entity, f.record_id
    FROM retention.fault_facts AS f
    JOIN retention.subjects AS s ON s.subject_id = rtrim(f.entity, 's') || ':' || f.record_id
    WHERE f.entity = 'contacts' OR (f.entity = 'customers' AND NOT f.asks)
), frozen AS (
    SELECT DISTINCT subject_no FROM reached
), held AS (
    SELECT d.subject_no, unnest(d.held_by) AS "freeze" FROM retention.attribute_decisions AS d SEMI JOIN frozen USING (subject_no)
    WHERE d.decision = 'hold'
    UNION
    SELECT d.subject_no, unnest(d.held_by) FROM retention.record_decisions AS d SEMI JOIN frozen USING (subject_no)
    WHERE d.decision = 'hold'
), holding AS (
    SELECT r.entity, r.record_id, h."freeze" FROM held AS h JOIN reached AS r USING (subject_no)
    UNION
    SELECT entity, record_id, unnest(held_by) FROM retention.record_decisions WHERE decision = 'hold'
    UNION
    SELECT g.entity, g.record_id, unnest(d.held_by)
    FROM retention.faulty_guests AS g JOIN retention.record_decisions AS d ON d.entity = g.held_entity AND d.record_id = g.held_id
    WHERE d.decision = 'hold'
)
SELECT f.entity, f.record_id, f."freeze", f.facts_sha256,
    sha256($first_held_outer || unhex(sha256($first_held_inner || encode(concat_ws('|', f."freeze", f.entity, f.record_id))))) AS token
FROM retention.fault_facts AS f
JOIN holding AS h ON h.entity = f.entity AND h.record_id = f.record_id AND h."freeze" = f."freeze"
