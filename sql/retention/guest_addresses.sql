-- model: retention.guest_addresses
-- grain: one row per guest order and guest invoice with an e-mail key
-- reads: staged.orders, staged.invoices, raw.email_keys
-- doc: The addresses by which guests can be found, who have no row of their own.
WITH guests AS (
    SELECT 'orders' AS entity, order_id AS record_id, delivery_email AS email FROM staged.orders
    WHERE customer_id IS NULL AND contact_id IS NULL AND tombstone_type IS NULL AND NOT is_contact_unlinked
    UNION ALL
    SELECT 'invoices', invoice_id, billing_email FROM staged.invoices WHERE customer_id IS NULL AND tombstone_type IS NULL
), keyed AS (
    SELECT g.entity, g.record_id, email_key(g.email, k.email_key) AS email_key
    FROM guests AS g LEFT JOIN raw.email_keys AS k ON k.email = g.email
    WHERE g.email IS NOT NULL
)
SELECT * FROM keyed WHERE email_key IS NOT NULL
