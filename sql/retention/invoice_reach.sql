-- model: retention.invoice_reach
-- grain: one row per subject and invoice that reaches it, twice where the invoice is both open and faulty
-- params: as_of
-- reads: retention.open_invoices, retention.faults, staged.invoices, retention.order_facts, retention.subjects
-- doc: Whom an open invoice (is_open), or one with a value that does not fit, concerns: its customer and the contact of its
--   order; where none is named, all the customer's contacts who had not left by as_of.
WITH wanted AS (
    SELECT invoice_id, customer_id, order_id, issued_on, true AS is_open FROM retention.open_invoices
    UNION ALL
    SELECT i.invoice_id, i.customer_id, i.order_id, i.issued_on, false
    FROM retention.faults AS f JOIN staged.invoices AS i ON i.invoice_id = f.record_id
    WHERE f.entity = 'invoices'
), ordered AS (
    SELECT w.*, o.contact_no, coalesce(o.contact_id IS NOT NULL OR o.is_contact_unlinked, false) AS names_contact
    FROM wanted AS w LEFT JOIN retention.order_facts AS o ON o.order_id = w.order_id
)
SELECT s.subject_no, w.invoice_id, w.issued_on, w.is_open
FROM ordered AS w JOIN retention.subjects AS s ON s.customer_id = w.customer_id
WHERE s.contact_id IS NULL OR NOT (w.names_contact OR coalesce(s.closed_on <= $as_of, false))
UNION ALL
SELECT contact_no, invoice_id, issued_on, is_open FROM ordered WHERE contact_no IS NOT NULL
