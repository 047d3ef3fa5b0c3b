-- model: retention.recorded_days
-- grain: one row per dated column and day that stands in it
-- reads: {% for column in dated %}staged.{{ column.table }}, {% endfor %}

-- doc: The days that the newest one is taken from, as of whatever day: a source whose newest day lies further back than it
--   did is an older copy.
SELECT CAST(NULL AS VARCHAR) AS table_name, CAST(NULL AS VARCHAR) AS column_name, CAST(NULL AS DATE) AS recorded_on WHERE false
{% for column in dated %}
UNION ALL SELECT DISTINCT '{{ column.table }}', '{{ column.name }}', {{ column.staged }}
FROM staged.{{ column.table }} WHERE {{ column.staged }} IS NOT NULL
{% endfor %}
