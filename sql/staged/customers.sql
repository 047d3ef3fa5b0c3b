-- model: staged.customers
-- grain: one row per customer, tombstones excepted
-- params: tombstones, customer_types, customers_name_neutral, first_day, last_day
-- reads: raw.customers
-- doc: Customers, typed and trimmed. A type that does not fit is treated as a sole proprietor, who has the most rules.
SELECT
    text_of(customer_id) AS customer_id,
    coalesce(enum_of(customer_type, $customer_types), 'sole_proprietor') AS customer_type,
    enum_of(customer_type, $customer_types) AS stated_type,
    nullif(text_of(name), $customers_name_neutral) AS name,
    text_of(organisation_number) AS organisation_number,
    text_of(national_identity_number) AS national_identity_number,
    text_of(email) AS email,
    text_of(phone) AS phone,
    text_of(username) AS username,
    local_on(birth_date, $first_day, $last_day) AS birth_date,
    text_of(gender) AS gender,
    text_of(street_address) AS street_address,
    text_of(postal_code) AS postal_code,
    text_of(city) AS city,
    text_of(country) AS country,
    text_of(industry) AS industry,
    text_of(preferences) AS preferences,
    local_on(profile_created_at, $first_day, $last_day) AS profile_created_on,
    local_on(profile_closed_at, $first_day, $last_day) AS profile_closed_on,
    local_on(last_login_at, $first_day, $last_day) AS last_login_on,
    local_at(updated_at) AS updated_at
FROM raw.customers
WHERE NOT list_contains($tombstones, text_of(customer_id))
