-- model: pseudonymised.order_lines
-- grain: one row per line of an order that may be followed to a person
-- reads: staged.order_lines, pseudonyms.orders
-- doc: Order lines under their order's token.
SELECT p.order_token, l.line_number, l.product_id, l.quantity, l.unit_price, l.delivered_on, l.returned_on
FROM staged.order_lines AS l
JOIN pseudonyms.orders AS p USING (order_id)
