-- model: staged.contacts
-- grain: one row per contact person, tombstones excepted
-- params: tombstones, contacts_name_neutral, first_day, last_day
-- reads: raw.contacts
-- doc: Contact persons of business customers, typed and trimmed. A customer_id that is a tombstone is empty, and not an orphan.
SELECT
    text_of(contact_id) AS contact_id,
    CASE WHEN NOT list_contains($tombstones, text_of(customer_id)) THEN text_of(customer_id) END AS customer_id,
    nullif(text_of(name), $contacts_name_neutral) AS name,
    text_of(email) AS email,
    text_of(phone) AS phone,
    text_of(username) AS username,
    text_of(job_title) AS job_title,
    text_of(preferences) AS preferences,
    local_on(created_at, $first_day, $last_day) AS created_on,
    local_on(deactivated_at, $first_day, $last_day) AS deactivated_on,
    local_on(last_login_at, $first_day, $last_day) AS last_login_on,
    local_at(updated_at) AS updated_at
FROM raw.contacts
WHERE NOT list_contains($tombstones, text_of(contact_id))
