-- model: pseudonymised.contacts
-- grain: one row per contact person who may be followed over time
-- reads: staged.contacts, pseudonyms.people
-- doc: Contact persons under a token, with their company's token where the company may be followed.
SELECT p.token AS contact_token, k.token AS customer_token, CAST(date_trunc('month', c.created_on) AS DATE) AS created_month,
    c.deactivated_on IS NOT NULL AS is_deactivated
FROM staged.contacts AS c
JOIN pseudonyms.people AS p ON p.contact_id = c.contact_id
LEFT JOIN pseudonyms.people AS k ON k.customer_id = c.customer_id AND k.contact_id IS NULL
