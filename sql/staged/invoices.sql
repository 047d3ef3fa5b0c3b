-- model: staged.invoices
-- grain: one row per invoice
-- params: first_day, last_day, plausible_sentinels, end_before_beginning_days
-- reads: raw.invoices, policy.tombstones
-- doc: Invoices, typed and trimmed. paid_amount without a value is 0. One that was unlinked has no customer_id;
--   tombstone_type says whose it was. One with neither is a guest's.
WITH read AS (
    SELECT
        text_of(invoice_id) AS invoice_id,
        text_of(customer_id) AS customer_id,
        text_of(order_id) AS order_id,
        date_on(issued_at, $first_day, $last_day, $plausible_sentinels) AS issued_on,
        date_on(due_at, $first_day, $last_day, $plausible_sentinels) AS due_on,
        amount_of(amount) AS amount,
        coalesce(amount_of(paid_amount), 0) AS paid_amount,
        date_on(settled_at, $first_day, $last_day, $plausible_sentinels) AS settled_on,
        text_of(billing_name) AS billing_name,
        text_of(billing_street_address) AS billing_street_address,
        text_of(billing_postal_code) AS billing_postal_code,
        text_of(billing_city) AS billing_city,
        text_of(billing_email) AS billing_email
    FROM raw.invoices
)
SELECT i.invoice_id, CASE WHEN t.customer_id IS NULL THEN i.customer_id END AS customer_id,
    t.customer_type AS tombstone_type, i.order_id, i.issued_on, i.due_on, i.amount, i.paid_amount,
    end_on(i.settled_on, i.issued_on, $end_before_beginning_days) AS settled_on,
    i.billing_name, i.billing_street_address, i.billing_postal_code, i.billing_city, i.billing_email
FROM read AS i
LEFT JOIN policy.tombstones AS t ON t.customer_id = i.customer_id
