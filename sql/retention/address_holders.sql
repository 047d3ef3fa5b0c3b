-- model: retention.address_holders
-- grain: one row per e-mail address or phone number and who holds it: a subject, a subscription, a guest's order or invoice
-- materialised: view
-- reads: staged.customers, staged.contacts, staged.newsletter_subscriptions, staged.orders, retention.guest_addresses
-- doc: By which addresses and numbers people can be met. `part` is what they go with; an address without a key is nobody's.
SELECT * FROM (
    SELECT 'customers' AS entity, customer_id AS record_id, 'email' AS part, 'email' AS kind, email_key AS value FROM staged.customers
    UNION ALL SELECT 'contacts', contact_id, 'email', 'email', email_key FROM staged.contacts
    UNION ALL SELECT 'customers', customer_id, 'phone', 'phone', phone FROM staged.customers
    UNION ALL SELECT 'contacts', contact_id, 'phone', 'phone', phone FROM staged.contacts
    UNION ALL SELECT 'newsletter_subscriptions', subscription_id, 'email', 'email', email_key FROM staged.newsletter_subscriptions
    UNION ALL SELECT entity, record_id, CASE entity WHEN 'orders' THEN 'delivery' ELSE 'billing' END, 'email', email_key
    FROM retention.guest_addresses
    UNION ALL SELECT 'orders', order_id, 'delivery', 'phone', delivery_phone FROM staged.orders
    WHERE customer_id IS NULL AND contact_id IS NULL AND tombstone_type IS NULL AND NOT is_contact_unlinked
) WHERE value IS NOT NULL
