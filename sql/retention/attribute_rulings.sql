-- model: retention.attribute_rulings
-- grain: one row per subject and attribute of its type
-- params: as_of
-- reads: retention.subject_purposes, retention.subject_holds, retention.evidence, retention.presence, retention.guard_hits, policy.attributes
-- doc: What becomes of each attribute of each subject, put into words by retention.attribute_decisions. A date of birth
--   that cannot be read holds its attribute alone. Of somebody who has come back unchanged nothing is retained.
--   `covers`, `active` and `retained` are sets of purposes as bits:
--  {% for purpose in purposes %} {{ purpose.name }} {{ purpose.bit }}{{ "." if loop.last else "," }}{% endfor %}

WITH purposes AS (
    SELECT subject_no, subject_id, subject_type,
{% for purpose in purposes %}
        {{ purpose.name }}_on,
{% endfor %}
{% for purpose in purposes %}
        {{ "+ " if not loop.first }}CASE WHEN {{ purpose.name }}_on > $as_of THEN {{ purpose.bit }} ELSE 0 END
{% endfor %}
        AS active
    FROM retention.subject_purposes
), named AS (
    SELECT * REPLACE (CAST(attribute AS ENUM ({% for attribute in attributes %}'{{ attribute.name }}'{{ ", " if not loop.last }}{% endfor %})) AS attribute)
    FROM policy.attributes
), judged AS (
    SELECT p.subject_no, p.subject_id, p.subject_type, a.attribute, a.hold_entity, CASE WHEN g.subject_no IS NULL THEN p.active & a.covers ELSE 0 END AS retained,
        NOT CASE a.attribute
{% for attribute in attributes %}
            WHEN '{{ attribute.name }}' THEN v.has_{{ attribute.name }}
{% endfor %}
            END AS is_absent,
        {% for attribute in attributes if attribute.may_be_faulty %}{{ " OR " if not loop.first }}(a.attribute = '{{ attribute.name }}' AND v.faulty_{{ attribute.name }}){% else %}false{% endfor %} AS is_faulty,
        least(coalesce(greatest(
{% for purpose in purposes %}
            CASE WHEN a.covers & {{ purpose.bit }} > 0 THEN p.{{ purpose.name }}_on END{{ "," if not loop.last }}
{% endfor %}
            ), $as_of), g.since) AS lapses_on
    FROM purposes AS p
    JOIN retention.presence AS v USING (subject_no)
    JOIN named AS a USING (subject_type)
    LEFT JOIN retention.guard_hits AS g ON g.subject_no = p.subject_no AND g.reason = 'quarantined'
), decided AS (
    SELECT j.* EXCLUDE (retained), CASE WHEN j.is_absent THEN 0 ELSE j.retained END AS retained,
        CASE WHEN j.is_absent OR j.retained > 0 THEN 0 ELSE record_holds(h.freezes, NULL, false, j.is_faulty, e.is_missing,
            list_contains(e.held_entities, CASE WHEN j.subject_type = 'contact' THEN 'contacts' ELSE 'customers' END)) END AS held
    FROM judged AS j
    CROSS JOIN retention.evidence AS e
    LEFT JOIN retention.subject_holds AS h ON h.subject_no = j.subject_no AND h.entity = j.hold_entity
)
SELECT subject_id, subject_no, attribute, is_absent, retained, held,
    CASE WHEN NOT is_absent AND has_end(lapses_on) THEN lapses_on END AS due_on
FROM decided
