-- model: retention.named_on_records
-- grain: one row per order with a delivery name, and per invoice with a billing name
-- reads: staged.orders, staged.invoices
-- doc: By whose name, and at which number or address, orders and invoices were sent: where somebody is looked for who is named on
--   what others bought. In the order of names, so that the engine reads those of one name alone.
SELECT * FROM (
    SELECT lower(delivery_name) AS name, 'orders' AS entity, order_id AS record_id, delivery_phone AS phone,
        lower(delivery_street_address) AS street_address, delivery_postal_code AS postal_code
    FROM staged.orders WHERE delivery_name IS NOT NULL
    UNION ALL
    SELECT lower(billing_name), 'invoices', invoice_id, NULL, lower(billing_street_address), billing_postal_code
    FROM staged.invoices WHERE billing_name IS NOT NULL
) ORDER BY name
