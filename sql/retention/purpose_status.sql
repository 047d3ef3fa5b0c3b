-- model: retention.purpose_status
-- grain: one row per subject and applicable purpose
-- materialised: view
-- reads: retention.subject_purposes, retention.basis, policy.purposes
-- doc: When each purpose of a subject lapses, whether it is active at as_of, and what that rests on: blockers while it
--   is open (of what rests on a closed profile, the case that alone keeps it), its clauses otherwise, and the requests that moved it.
--   lapses_on NULL means no end in sight: as has_end() says, but a view is read where there are no macros.
WITH statuses AS (
{% for purpose in purposes %}
    {{ "UNION ALL " if not loop.first }}SELECT '{{ purpose.name }}' AS purpose, {{ purpose.name }}_on AS lapses_on,
        {{ "request_ids" if "objection" in purpose.ended_by else "erasure_ids" if purpose.ended_by else "NULL::VARCHAR[]" }} AS moved_by, s.*
    FROM retention.subject_purposes AS s
{% endfor %}
)
SELECT b.as_of, t.subject_id, t.subject_no, t.purpose,
    CASE WHEN t.lapses_on < DATE '9999-12-31' THEN t.lapses_on END AS lapses_on,
    t.lapses_on > b.as_of AS active,
    CASE WHEN t.lapses_on >= DATE '9999-12-31'
         THEN list_filter(CASE t.purpose
{% for purpose in purposes %}
             WHEN '{{ purpose.name }}' THEN
                 [{% for blocker in purpose.open_while %}{{ ", " if not loop.first }}CASE WHEN t.{{ blocker }}{{ " AND NOT t.is_kept_by_case" if not purpose.of_guests and blocker != "open_case" }} THEN '{{ blocker }}' END{% endfor %}]
{% endfor %}
             END, lambda x: x IS NOT NULL)
         WHEN t.moved_by IS NOT NULL THEN list_sort(list_concat(p.clauses, t.moved_by))
         ELSE p.clauses END AS reasons,
    b.policy_version
FROM statuses AS t
CROSS JOIN retention.basis AS b
JOIN policy.purposes AS p ON p.purpose = t.purpose
WHERE t.lapses_on IS NOT NULL
