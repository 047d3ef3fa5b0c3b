-- model: retention.measures
-- grain: one row per guard, table and column
-- params: as_of, no_warranty_categories
-- reads: raw.extraction, raw.products, {% for table in measured %}staged.{{ table.name }}, {% endfor %}staged.quality, staged.order_lines, staged.products, staged.invoices, staged.cases, staged.rights_requests, retention.open_invoices, retention.recorded_days
-- doc: What a month must not have lost, in numbers: part of whole for shares (rows: NULL part where the table is not there;
--   warranty: years and lines; closings: what is open), or the newest day. One pass a table. A NULL whole is no share.
WITH {% for table in measured %}
of_{{ table.name }} AS MATERIALIZED (
    SELECT count(*) AS total{% for measure in table.measures %},
        count(*) FILTER ({{ measure.within }}) AS whole_{{ loop.index }},
        count(*) FILTER ({{ measure.within }} AND {{ measure.counted }}) AS part_{{ loop.index }}{% endfor %}

    FROM staged.{{ table.name }}
), {% endfor %}
lines AS (
    SELECT product_id, count(*) AS lines FROM staged.order_lines WHERE returned_on IS NULL GROUP BY product_id
), sold AS MATERIALIZED (
    SELECT sum(l.lines) AS total, sum(l.lines) FILTER (list_contains($no_warranty_categories, lower(p.category))) AS unwarranted,
        sum(l.lines) FILTER (l.product_id IS NULL OR p.warranty_years IS NOT NULL) AS known,
        sum(l.lines * p.warranty_years) FILTER (l.product_id IS NOT NULL) AS years
    FROM lines AS l LEFT JOIN staged.products AS p ON p.product_id = l.product_id
), orphans AS (
    SELECT table_name, column_name, count(*) AS missing FROM staged.quality WHERE fault = 'orphan' GROUP BY ALL
), referring AS (
    {% for table in measured %}{% for measure in table.measures if measure.guard == "orphans" %}
    SELECT '{{ table.name }}' AS table_name, '{{ measure.column }}' AS column_name, part_{{ table.measures.index(measure) + 1 }} AS set_rows FROM of_{{ table.name }} UNION ALL
    {% endfor %}{% endfor %}
    SELECT NULL, NULL, NULL WHERE false
)
SELECT 'rows' AS guard, table_name, '' AS column_name, CASE WHEN present THEN rows END AS part, rows AS whole,
    CAST(NULL AS DATE) AS newest FROM raw.extraction
{% for table in measured %}{% for measure in table.measures if measure.guard != "orphans" %}
UNION ALL SELECT '{{ measure.guard }}', '{{ table.name }}', '{{ measure.column }}', part_{{ table.measures.index(measure) + 1 }}, whole_{{ table.measures.index(measure) + 1 }}, NULL FROM of_{{ table.name }}
{% endfor %}{% endfor %}
UNION ALL SELECT 'orphans', r.table_name, r.column_name, coalesce(o.missing, 0), r.set_rows, NULL
FROM referring AS r LEFT JOIN orphans AS o USING (table_name, column_name)
UNION ALL SELECT 'keeps', 'products', 'warranty_years', count(number_of(warranty_years)), count(*), NULL FROM raw.products
UNION ALL SELECT 'warranty', 'products', 'warranty_years', coalesce(years, 0), coalesce(known, 0), NULL FROM sold
UNION ALL SELECT 'rising', 'products', 'category', coalesce(unwarranted, 0), coalesce(total, 0), NULL FROM sold
UNION ALL SELECT 'rising', 'invoices', 'paid_amount',
    (SELECT count(*) FROM staged.invoices) - (SELECT count(*) FROM retention.open_invoices), (SELECT count(*) FROM staged.invoices), NULL
UNION ALL SELECT 'closings', 'cases', 'closed_at', NULL, count(*), NULL FROM staged.cases WHERE NOT coalesce(closed_on <= $as_of, false)
UNION ALL SELECT 'closings', 'rights_requests', 'closed_at', NULL, count(*), NULL FROM staged.rights_requests
    WHERE NOT coalesce(closed_on <= $as_of, false)
UNION ALL SELECT 'age', table_name, column_name, NULL, NULL, max(recorded_on) FILTER (recorded_on <= $as_of)
FROM retention.recorded_days GROUP BY table_name, column_name
