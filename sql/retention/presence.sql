-- model: retention.presence
-- grain: one row per subject
-- reads: retention.subjects, retention.released_faults, staged.customers, staged.contacts
-- doc: Which attributes of a subject hold a value, has_any of those of its type. A value that its action would leave as it
--   is counts as empty; a date of birth that cannot be read does not, and faulty_ says so of its attribute until
--   somebody releases it.

{% macro present(table) %}
    SELECT s.subject_no, s.subject_type
{% for attribute in attributes %}
        , {% for column in attribute[table] %}{{ " OR " if not loop.first }}{{ column.held }}{% else %}false{% endfor %} AS has_{{ attribute.name }}
        , {% for column in attribute[table] if column.is_birth %}{{ " OR " if not loop.first }}(c.is_{{ column.name }}_faulty AND r.record_id IS NULL){% else %}false{% endfor %} AS faulty_{{ attribute.name }}
{% endfor %}
{% endmacro %}
WITH present AS (
{{ present("customers") }}
    FROM retention.subjects AS s JOIN staged.customers AS c ON c.customer_id = s.customer_id AND s.contact_id IS NULL
    LEFT JOIN retention.released_faults AS r
        ON r.record_id = s.customer_id AND r.entity = 'customers' AND r."freeze" = 'data_quality'
    UNION ALL
{{ present("contacts") }}
    FROM retention.subjects AS s JOIN staged.contacts AS c ON c.contact_id = s.contact_id
)
SELECT * EXCLUDE (subject_type),
{% for attribute in attributes %}
    {{ "OR " if not loop.first }}has_{{ attribute.name }} AND subject_type IN ({% for type in attribute.types %}{{ ", " if not loop.first }}'{{ type }}'{% endfor %})
{% endfor %}
    AS has_any
FROM present
