-- model: retention.guard_hits
-- grain: one row per subject or record in which something stands again that a plan has erased
-- params: guard_inner, guard_outer, guard_national
-- reads: retention.subjects, retention.personal_values, retention.address_holders, retention.order_owners, retention.case_owners, staged.newsletter_subscriptions, control.guard
-- doc: Who has come back, and what is only alike. quarantined: an erased id holds nothing but what was erased, and nothing
--   has happened since; on the day of erasure itself counts as since. id_used_again: an erased id holds something else, or
--   something has happened. erased_value: an address or number alone, of somebody else. `since` is the day of the erasure.
WITH people AS (
    SELECT s.subject_no, s.subject_id, s.customer_id, s.contact_id, s.email_key, s.created_on, s.last_login_on,
        max(g.erased_on) AS since
    FROM retention.subjects AS s JOIN control.guard AS g
        ON g.kind = 'id' AND g.token = sha256($guard_outer || unhex(sha256($guard_inner || encode(s.subject_id))))
    GROUP BY ALL
), held AS (
    SELECT p.subject_no, v.entity, v.record_id,
        v.subject_id || chr(31) || v.column_name || chr(31)
            || CASE WHEN v.column_name = 'phone' THEN coalesce(phone_key(v.value, $guard_national), v.value) ELSE v.value END AS text
    FROM people AS p JOIN retention.personal_values AS v USING (subject_no)
), alike AS (
    SELECT h.subject_no, h.entity, h.record_id, bool_and(g.token IS NOT NULL) AS is_same
    FROM held AS h
    LEFT JOIN (SELECT DISTINCT token FROM control.guard WHERE kind = 'value') AS g
        ON g.token = sha256($guard_outer || unhex(sha256($guard_inner || encode(h.text))))
    GROUP BY ALL
), happened AS (
    SELECT subject_no, max(happened_on) AS last_on FROM (
        SELECT subject_no, greatest(created_on, last_login_on) AS happened_on FROM people
        UNION ALL SELECT subject_no, ordered_on FROM retention.order_owners SEMI JOIN people USING (subject_no)
        UNION ALL SELECT subject_no, opened_on FROM retention.case_owners SEMI JOIN people USING (subject_no)
        UNION ALL SELECT p.subject_no, n.subscribed_on FROM staged.newsletter_subscriptions AS n JOIN people AS p ON p.contact_id = n.contact_id
        UNION ALL SELECT p.subject_no, n.subscribed_on FROM staged.newsletter_subscriptions AS n JOIN people AS p
            ON p.customer_id = n.customer_id AND p.contact_id IS NULL
        UNION ALL SELECT p.subject_no, n.subscribed_on FROM staged.newsletter_subscriptions AS n JOIN people AS p ON p.email_key = n.email_key
    ) GROUP BY subject_no
), met AS (
    SELECT entity, record_id, value, CASE WHEN kind = 'phone' THEN phone_key(value, $guard_national) ELSE value END AS form, kind
    FROM retention.address_holders
)
SELECT a.entity, a.record_id, p.subject_id, p.subject_no,
    CASE WHEN a.is_same AND NOT coalesce(w.last_on >= p.since, false) THEN 'quarantined' ELSE 'id_used_again' END AS reason, p.since
FROM alike AS a JOIN people AS p USING (subject_no) LEFT JOIN happened AS w USING (subject_no)
UNION ALL
SELECT m.entity, m.record_id, s.subject_id, s.subject_no, 'erased_value', max(g.erased_on)
FROM met AS m
JOIN control.guard AS g ON g.kind = m.kind AND g.token = sha256($guard_outer || unhex(sha256($guard_inner || encode(m.form))))
LEFT JOIN retention.subjects AS s ON s.subject_id = CASE m.entity WHEN 'customers' THEN 'customer:' WHEN 'contacts' THEN 'contact:' END || m.record_id
WHERE s.subject_no IS NULL OR s.subject_no NOT IN (SELECT subject_no FROM people)
GROUP BY ALL
