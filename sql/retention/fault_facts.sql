-- model: retention.fault_facts
-- grain: one row per record and freeze that its own faults ask for
-- reads: staged.quality
-- doc: What is wrong with a record: values that do not fit (data_quality), or an id of a person who does not exist
--   (orphan). A faulty order line counts for its order. asks: it freezes more than its own attribute, which is all that a
--   date of birth holds. facts_sha256 pins the faults as they are: a decision about them does not cover a new one.
SELECT CASE WHEN table_name = 'order_lines' THEN 'orders' ELSE table_name END AS entity,
    CASE WHEN table_name = 'order_lines' THEN regexp_replace(id, ':[^:]*$', '') ELSE id END AS record_id,
    CASE WHEN fault = 'orphan' THEN 'orphan' ELSE 'data_quality' END AS "freeze",
    bool_or(freezes OR fault = 'orphan') AS asks,
    sha256(string_agg(concat_ws(':', table_name, id, column_name, fault), '|' ORDER BY table_name, id, column_name, fault)) AS facts_sha256
FROM staged.quality
WHERE freezes OR (fault = 'orphan' AND column_name IN ('customer_id', 'contact_id'))
   OR (fault NOT IN ('orphan', 'misplaced') AND (false
{% for attribute in attributes %}{% for column in attribute.customers if column.is_birth %}
       OR (table_name = 'customers' AND column_name = '{{ column.name }}')
{% endfor %}{% endfor %}
   ))
GROUP BY ALL
