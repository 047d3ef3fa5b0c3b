-- model: staged.cases
-- grain: one row per case
-- params: tombstones, case_kinds, first_day, last_day
-- reads: raw.cases
-- doc: Complaints, warranty cases and enquiries, typed and trimmed.
SELECT
    text_of(case_id) AS case_id,
    CASE WHEN NOT list_contains($tombstones, text_of(customer_id)) THEN text_of(customer_id) END AS customer_id,
    CASE WHEN NOT list_contains($tombstones, text_of(contact_id)) THEN text_of(contact_id) END AS contact_id,
    text_of(order_id) AS order_id,
    enum_of(kind, $case_kinds) AS kind,
    local_on(opened_at, $first_day, $last_day) AS opened_on,
    local_on(closed_at, $first_day, $last_day) AS closed_on,
    text_of(summary) AS summary
FROM raw.cases
