-- model: retention.faulty_guests
-- grain: one row per invoice with a value that does not fit and the guest's order it belongs to
-- reads: retention.faults, staged.invoices, retention.order_facts
-- doc: Guests' orders that the fault of an invoice freezes. A guest has no subject to be held by, and an amount or a date
--   that cannot be read does not show that nothing is owed any more.
SELECT f.entity, f.record_id, o.order_id
FROM retention.faults AS f
JOIN staged.invoices AS i ON i.invoice_id = f.record_id
JOIN retention.order_facts AS o ON o.order_id = i.order_id AND o.is_guest
WHERE f.entity = 'invoices'
