-- model: staged.invoices
-- grain: one row per invoice
-- params: first_day, last_day
-- reads: raw.invoices, policy.tombstones
-- doc: Invoices, typed and trimmed. paid_amount without a value is 0.
SELECT
    text_of(i.invoice_id) AS invoice_id,
    CASE WHEN t.customer_id IS NULL THEN text_of(i.customer_id) END AS customer_id,
    t.customer_type AS tombstone_type,
    text_of(i.order_id) AS order_id,
    local_on(i.issued_at, $first_day, $last_day) AS issued_on,
    local_on(i.due_at, $first_day, $last_day) AS due_on,
    amount_of(i.amount) AS amount,
    coalesce(amount_of(i.paid_amount), 0) AS paid_amount,
    local_on(i.settled_at, $first_day, $last_day) AS settled_on,
    text_of(i.billing_name) AS billing_name,
    text_of(i.billing_street_address) AS billing_street_address,
    text_of(i.billing_postal_code) AS billing_postal_code,
    text_of(i.billing_city) AS billing_city,
    text_of(i.billing_email) AS billing_email
FROM raw.invoices AS i
LEFT JOIN policy.tombstones AS t ON t.customer_id = text_of(i.customer_id)
