-- model: retention.subjects
-- grain: one row per data subject: every customer, every contact
-- reads: staged.customers, staged.contacts
-- doc: Who decisions are about. subject_no joins faster than the id. A contact of a customer that does not exist is an
--   orphan; one of a tombstone is not.
WITH everybody AS (
    SELECT 'customer:' || customer_id AS subject_id, customer_type AS subject_type, customer_id, NULL AS contact_id,
           email_key, profile_created_on AS created_on, profile_closed_on AS closed_on,
           last_login_on, customer_type <> 'business' AS is_person, false AS of_business, false AS is_orphan
    FROM staged.customers
    UNION ALL
    SELECT 'contact:' || c.contact_id, 'contact', c.customer_id, c.contact_id,
           c.email_key, c.created_on, c.deactivated_on,
           c.last_login_on, false, coalesce(k.customer_type = 'business', false),
           c.customer_id IS NOT NULL AND k.customer_id IS NULL
    FROM staged.contacts AS c
    LEFT JOIN staged.customers AS k ON k.customer_id = c.customer_id
)
SELECT CAST(row_number() OVER (ORDER BY subject_id) AS INTEGER) AS subject_no, * FROM everybody
