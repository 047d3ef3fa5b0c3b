-- model: retention.faults
-- grain: one row per record with a value that does not fit
-- reads: staged.quality
-- doc: Records that a quality fault freezes. A faulty order line counts for its order.
SELECT DISTINCT CASE WHEN table_name = 'order_lines' THEN 'orders' ELSE table_name END AS entity,
    CASE WHEN table_name = 'order_lines' THEN regexp_replace(id, ':[^:]*$', '') ELSE id END AS record_id
FROM staged.quality
WHERE freezes
