-- model: staged.cases
-- grain: one row per case
-- params: tombstones, case_kinds, first_day, last_day, plausible_sentinels, end_before_beginning_days
-- reads: raw.cases
-- doc: Complaints, warranty cases and enquiries, typed and trimmed.
WITH read AS (
    SELECT
        text_of(case_id) AS case_id,
        text_of(customer_id) AS customer_id,
        text_of(contact_id) AS contact_id,
        text_of(order_id) AS order_id,
        enum_of(kind, $case_kinds) AS kind,
        date_on(opened_at, $first_day, $last_day, $plausible_sentinels) AS opened_on,
        date_on(closed_at, $first_day, $last_day, $plausible_sentinels) AS closed_on,
        text_of(summary) AS summary
    FROM raw.cases
)
SELECT case_id,
    CASE WHEN NOT list_contains($tombstones, customer_id) THEN customer_id END AS customer_id,
    CASE WHEN NOT list_contains($tombstones, contact_id) THEN contact_id END AS contact_id,
    coalesce(list_contains($tombstones, customer_id), false) AS is_unlinked,
    order_id, kind, opened_on, end_on(closed_on, opened_on, $end_before_beginning_days) AS closed_on, summary
FROM read
