-- model: retention.faulty_guests
-- grain: one row per record with a value that does not fit and record of a guest that it holds beside itself
-- reads: retention.faults, staged.invoices, staged.cases, retention.order_facts
-- doc: What the faults of guests' records freeze. A guest has no subject to be held by, and a date or an amount that cannot
--   be read does not show that nothing is owed any more: an invoice's fault holds the guest's order it belongs to, and what
--   holds the order holds the guest's cases and invoices, which stay as long as its contract.
WITH orders AS (
    SELECT f.entity, f.record_id, o.order_id
    FROM retention.faults AS f JOIN retention.order_facts AS o ON o.order_id = f.record_id AND o.is_guest
    WHERE f.entity = 'orders'
    UNION ALL
    SELECT f.entity, f.record_id, o.order_id
    FROM retention.faults AS f
    JOIN staged.invoices AS i ON i.invoice_id = f.record_id
    JOIN retention.order_facts AS o ON o.order_id = i.order_id AND o.is_guest
    WHERE f.entity = 'invoices'
)
SELECT entity, record_id, 'orders' AS held_entity, order_id AS held_id FROM orders WHERE entity <> 'orders'
UNION ALL
SELECT o.entity, o.record_id, 'cases', c.case_id
FROM orders AS o JOIN staged.cases AS c ON c.order_id = o.order_id
WHERE c.customer_id IS NULL AND c.contact_id IS NULL AND NOT c.is_unlinked
UNION ALL
SELECT o.entity, o.record_id, 'invoices', i.invoice_id
FROM orders AS o JOIN staged.invoices AS i ON i.order_id = o.order_id
WHERE i.customer_id IS NULL AND i.tombstone_type IS NULL AND (o.entity <> 'invoices' OR o.record_id <> i.invoice_id)
