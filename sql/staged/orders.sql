-- model: staged.orders
-- grain: one row per order
-- params: tombstones, first_day, last_day
-- reads: raw.orders, policy.tombstones
-- doc: Orders, typed and trimmed. An order that was unlinked has no customer_id; tombstone_type says whose it was.
--   is_contact_unlinked: it named a contact once, so it is nobody else's.
SELECT
    text_of(o.order_id) AS order_id,
    CASE WHEN t.customer_id IS NULL THEN text_of(o.customer_id) END AS customer_id,
    t.customer_type AS tombstone_type,
    CASE WHEN NOT list_contains($tombstones, text_of(o.contact_id)) THEN text_of(o.contact_id) END AS contact_id,
    coalesce(list_contains($tombstones, text_of(o.contact_id)), false) AS is_contact_unlinked,
    local_on(o.ordered_at, $first_day, $last_day) AS ordered_on,
    local_on(o.delivered_at, $first_day, $last_day) AS delivered_on,
    local_on(o.completed_at, $first_day, $last_day) AS completed_on,
    local_on(o.paid_at, $first_day, $last_day) AS paid_on,
    local_on(o.cancelled_at, $first_day, $last_day) AS cancelled_on,
    text_of(o.delivery_name) AS delivery_name,
    text_of(o.delivery_street_address) AS delivery_street_address,
    text_of(o.delivery_postal_code) AS delivery_postal_code,
    text_of(o.delivery_city) AS delivery_city,
    text_of(o.delivery_phone) AS delivery_phone,
    text_of(o.delivery_email) AS delivery_email,
    text_of(o.delivery_note) AS delivery_note,
    text_of(o.payment_method) AS payment_method,
    text_of(o.payment_reference) AS payment_reference,
    text_of(o.currency) AS currency,
    amount_of(o.total_amount) AS total_amount,
    local_at(o.updated_at) AS updated_at
FROM raw.orders AS o
LEFT JOIN policy.tombstones AS t ON t.customer_id = text_of(o.customer_id)
