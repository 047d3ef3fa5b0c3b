-- model: retention.faults
-- grain: one row per record with a value that does not fit
-- reads: retention.fault_facts, retention.released_faults
-- doc: Records that a quality fault freezes, and whose subjects it freezes.
SELECT f.entity, f.record_id
FROM retention.fault_facts AS f
LEFT JOIN retention.released_faults AS r ON r.entity = f.entity AND r.record_id = f.record_id AND r."freeze" = f."freeze"
WHERE f."freeze" = 'data_quality' AND f.asks AND r.record_id IS NULL
