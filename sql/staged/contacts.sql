-- model: staged.contacts
-- grain: one row per contact person, tombstones excepted
-- params: tombstones, first_day, last_day, plausible_sentinels, end_before_beginning_days
-- reads: raw.contacts, raw.email_keys
-- doc: Contact persons of business customers, typed and trimmed. A customer_id that is a tombstone is empty, and not an orphan.
WITH read AS (
    SELECT
        text_of(contact_id) AS contact_id,
        text_of(customer_id) AS customer_id,
        text_of(name) AS name,
        text_of(email) AS email,
        text_of(phone) AS phone,
        text_of(username) AS username,
        text_of(job_title) AS job_title,
        text_of(preferences) AS preferences,
        date_on(created_at, $first_day, $last_day, $plausible_sentinels) AS created_on,
        date_on(deactivated_at, $first_day, $last_day, $plausible_sentinels) AS deactivated_on,
        date_on(last_login_at, $first_day, $last_day, $plausible_sentinels) AS last_login_on
    FROM raw.contacts
    WHERE NOT list_contains($tombstones, text_of(contact_id))
)
SELECT r.contact_id,
    CASE WHEN NOT list_contains($tombstones, r.customer_id) THEN r.customer_id END AS customer_id,
    r.name, r.email, email_key(r.email, k.email_key) AS email_key, r.phone, r.username, r.job_title, r.preferences,
    r.created_on, end_on(r.deactivated_on, r.created_on, $end_before_beginning_days) AS deactivated_on,
    r.last_login_on
FROM read AS r
LEFT JOIN raw.email_keys AS k ON k.email = r.email
