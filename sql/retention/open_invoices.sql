-- model: retention.open_invoices
-- grain: one row per invoice open at as_of
-- params: as_of
-- reads: staged.invoices
-- doc: An invoice is open while a cent or more is between amount and paid amount, either way, it is not settled, and the
--   unsettled invoices of its order do not cancel each other: a credit note leaves nothing open. Without an order it
--   stands alone.
SELECT invoice_id, customer_id, order_id, issued_on,
    sha256(concat_ws('|', invoice_id, amount, paid_amount, issued_on)) AS facts_sha256
FROM staged.invoices
WHERE abs(amount - paid_amount) >= 0.01 AND NOT coalesce(settled_on <= $as_of, false)
QUALIFY order_id IS NULL OR abs(sum(amount - paid_amount) OVER (PARTITION BY order_id)) >= 0.01
