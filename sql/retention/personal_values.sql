-- model: retention.personal_values
-- grain: one row per subject and column of its attributes that holds a value
-- materialised: view
-- reads: retention.subjects, staged.customers, staged.contacts
-- doc: What the attributes of a subject hold, value by value, in the form in which values are compared: addresses as their
--   keys, days as dates. What its action would leave as it is counts as empty, as in retention.presence.

{% macro values_of(table) %}
{% for attribute in attributes %}
{% for column in attribute[table] %}
    UNION ALL
    SELECT s.subject_no, s.subject_id, '{{ table }}', {{ "s.contact_id" if table == "contacts" else "s.customer_id" }}, '{{ attribute.name }}', '{{ column.name }}',
        {{ "coalesce(c.email_key, c.email)" if column.name == "email" else "coalesce(CAST(c." ~ column.name ~ " AS VARCHAR), '')" }}
    FROM retention.subjects AS s JOIN staged.{{ table }} AS c ON {{ "c.contact_id = s.contact_id" if table == "contacts" else "c.customer_id = s.customer_id AND s.contact_id IS NULL" }}
    WHERE s.subject_type IN ({% for type in attribute.types %}{{ ", " if not loop.first }}'{{ type }}'{% endfor %}) AND {{ column.held }}
{% endfor %}
{% endfor %}
{% endmacro %}
SELECT NULL::INTEGER AS subject_no, NULL::VARCHAR AS subject_id, NULL::VARCHAR AS entity, NULL::VARCHAR AS record_id,
    NULL::VARCHAR AS part, NULL::VARCHAR AS column_name, NULL::VARCHAR AS value
WHERE false
{{ values_of("customers") }}
{{ values_of("contacts") }}
