-- model: staged.customers
-- grain: one row per customer, tombstones excepted
-- params: tombstones, customer_types, first_day, last_day, first_birth_day, last_birth_day, plausible_sentinels, end_before_beginning_days
-- reads: raw.customers, raw.email_keys
-- doc: Customers, typed and trimmed. A type that does not fit is treated as a sole proprietor, who has the most rules.
--   is_birth_date_faulty: a date of birth stands there that cannot be read, so the attribute is not empty.
WITH read AS (
    SELECT
        text_of(customer_id) AS customer_id,
        enum_of(customer_type, $customer_types) AS stated_type,
        text_of(name) AS name,
        text_of(organisation_number) AS organisation_number,
        text_of(national_identity_number) AS national_identity_number,
        text_of(email) AS email,
        text_of(phone) AS phone,
        text_of(username) AS username,
        local_on(birth_date, $first_birth_day, $last_birth_day) AS birth_date,
        is_given(birth_date) AS has_birth_date,
        text_of(gender) AS gender,
        text_of(street_address) AS street_address,
        text_of(postal_code) AS postal_code,
        text_of(city) AS city,
        text_of(country) AS country,
        text_of(industry) AS industry,
        text_of(preferences) AS preferences,
        date_on(profile_created_at, $first_day, $last_day, $plausible_sentinels) AS profile_created_on,
        date_on(profile_closed_at, $first_day, $last_day, $plausible_sentinels) AS profile_closed_on,
        date_on(last_login_at, $first_day, $last_day, $plausible_sentinels) AS last_login_on
    FROM raw.customers
    WHERE NOT list_contains($tombstones, text_of(customer_id))
)
SELECT r.customer_id, coalesce(r.stated_type, 'sole_proprietor') AS customer_type, r.stated_type, r.name,
    r.organisation_number, r.national_identity_number, r.email, email_key(r.email, k.email_key) AS email_key, r.phone,
    r.username, r.birth_date, r.has_birth_date AND r.birth_date IS NULL AS is_birth_date_faulty, r.gender,
    r.street_address, r.postal_code, r.city, r.country, r.industry, r.preferences, r.profile_created_on,
    end_on(r.profile_closed_on, r.profile_created_on, $end_before_beginning_days) AS profile_closed_on,
    r.last_login_on
FROM read AS r
LEFT JOIN raw.email_keys AS k ON k.email = r.email
