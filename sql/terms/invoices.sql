-- model: terms.invoices
-- grain: one row per asked customer and invoice of its own
-- reads: terms.subjects, staged.invoices
-- doc: Invoices that name the subject, read once for the models that look at them. `names_buyer` is what a voucher must do.
SELECT s.subject_no, s.is_person, i.invoice_id, i.customer_id, i.order_id, i.issued_on,
    i.billing_name IS NOT NULL AND i.billing_street_address IS NOT NULL AS names_buyer
FROM staged.invoices AS i JOIN terms.subjects AS s ON s.customer_id = i.customer_id AND s.contact_id IS NULL
