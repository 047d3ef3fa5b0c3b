-- model: pseudonymised.orders
-- grain: one row per order that may be followed to a person
-- reads: staged.orders, pseudonyms.orders
-- doc: Orders under a token, without addresses, notes and payment references.
SELECT p.order_token, p.customer_token, p.contact_token, o.ordered_on, o.delivered_on, o.paid_on, o.cancelled_on,
    left(o.delivery_postal_code, 3) AS delivery_postal_code_3, o.payment_method, o.currency, o.total_amount
FROM staged.orders AS o
JOIN pseudonyms.orders AS p USING (order_id)
