-- model: retention.released_faults
-- grain: one row per record and freeze that a review decision released
-- params: as_of
-- reads: retention.fault_facts, control.released_faults
-- doc: Faults and dangling ids that hold nothing any more: decided by as_of, and still as they were then.
SELECT DISTINCT f.entity, f.record_id, f."freeze"
FROM control.released_faults AS r
JOIN retention.fault_facts AS f ON f.entity = r.entity AND f.record_id = r.record_id AND f."freeze" = r."freeze"
    AND f.facts_sha256 = r.facts_sha256
WHERE r.decided_on <= $as_of
