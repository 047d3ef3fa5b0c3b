-- model: pseudonymised.customers
-- grain: one row per customer who may be followed over time
-- reads: staged.customers, pseudonyms.people
-- doc: Customers under a token: birth year, three digits of the postal code, nothing that names anybody.
SELECT p.token AS customer_token, c.customer_type, year(c.birth_date) AS birth_year, c.gender,
    left(c.postal_code, 3) AS postal_code_3, c.country, c.industry,
    CAST(date_trunc('month', c.profile_created_on) AS DATE) AS profile_created_month
FROM staged.customers AS c
JOIN pseudonyms.people AS p ON p.customer_id = c.customer_id AND p.contact_id IS NULL
