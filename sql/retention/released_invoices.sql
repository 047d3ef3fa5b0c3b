-- model: retention.released_invoices
-- grain: one row per subject and open invoice that a review decision released
-- params: as_of
-- reads: control.released_invoices, retention.open_invoices, retention.subjects
-- doc: Open invoices that no longer hold a subject: decided by as_of, not issued or changed since.
SELECT DISTINCT s.subject_no, i.invoice_id, i.order_id
FROM control.released_invoices AS r
JOIN retention.open_invoices AS i ON i.invoice_id = r.invoice_id AND i.facts_sha256 = r.facts_sha256
JOIN retention.subjects AS s ON s.subject_id = r.subject_id
WHERE r.decided_on <= $as_of AND coalesce(i.issued_on <= r.decided_on, false)
