-- model: staged.orders
-- grain: one row per order
-- params: tombstones, first_day, last_day, plausible_sentinels, end_before_beginning_days
-- reads: raw.orders, policy.tombstones
-- doc: Orders, typed and trimmed. An order that was unlinked has no customer_id; tombstone_type says whose it was.
--   is_contact_unlinked: it named a contact once, so it is nobody else's. An order with nothing of all this is a guest's.
WITH read AS (
    SELECT
        text_of(order_id) AS order_id,
        text_of(customer_id) AS customer_id,
        text_of(contact_id) AS contact_id,
        date_on(ordered_at, $first_day, $last_day, $plausible_sentinels) AS ordered_on,
        date_on(delivered_at, $first_day, $last_day, $plausible_sentinels) AS delivered_on,
        date_on(completed_at, $first_day, $last_day, $plausible_sentinels) AS completed_on,
        date_on(paid_at, $first_day, $last_day, $plausible_sentinels) AS paid_on,
        date_on(cancelled_at, $first_day, $last_day, $plausible_sentinels) AS cancelled_on,
        text_of(delivery_name) AS delivery_name,
        text_of(delivery_street_address) AS delivery_street_address,
        text_of(delivery_postal_code) AS delivery_postal_code,
        text_of(delivery_city) AS delivery_city,
        text_of(delivery_phone) AS delivery_phone,
        text_of(delivery_email) AS delivery_email,
        text_of(delivery_note) AS delivery_note,
        text_of(payment_method) AS payment_method,
        text_of(payment_reference) AS payment_reference,
        text_of(currency) AS currency,
        amount_of(total_amount) AS total_amount
    FROM raw.orders
)
SELECT o.order_id,
    CASE WHEN t.customer_id IS NULL THEN o.customer_id END AS customer_id,
    t.customer_type AS tombstone_type,
    CASE WHEN NOT list_contains($tombstones, o.contact_id) THEN o.contact_id END AS contact_id,
    coalesce(list_contains($tombstones, o.contact_id), false) AS is_contact_unlinked,
    o.ordered_on,
    end_on(o.delivered_on, o.ordered_on, $end_before_beginning_days) AS delivered_on,
    end_on(o.completed_on, o.ordered_on, $end_before_beginning_days) AS completed_on,
    end_on(o.paid_on, o.ordered_on, $end_before_beginning_days) AS paid_on,
    end_on(o.cancelled_on, o.ordered_on, $end_before_beginning_days) AS cancelled_on,
    o.delivery_name, o.delivery_street_address, o.delivery_postal_code, o.delivery_city, o.delivery_phone,
    o.delivery_email, o.delivery_note, o.payment_method, o.payment_reference, o.currency, o.total_amount
FROM read AS o
LEFT JOIN policy.tombstones AS t ON t.customer_id = o.customer_id
