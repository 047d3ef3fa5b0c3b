-- model: retention.open_invoices
-- grain: one row per invoice open at as_of
-- params: as_of
-- reads: staged.invoices
-- doc: An invoice is open while a cent or more is between amount and paid amount, either way, it is not settled, and the
--   unsettled invoices of its order do not cancel each other: a credit note leaves nothing open. Without an order it
--   stands alone.
WITH owed AS (
    SELECT *, CAST(amount AS DECIMAL(19, 2)) - paid_amount AS missing  -- one digit more than an amount has
    FROM staged.invoices WHERE NOT coalesce(settled_on <= $as_of, false)
)
SELECT invoice_id, customer_id, order_id, issued_on,
    sha256(concat_ws('|', invoice_id, amount, paid_amount, issued_on)) AS facts_sha256
FROM owed
WHERE abs(missing) >= 0.01
QUALIFY order_id IS NULL OR abs(sum(missing) OVER (PARTITION BY order_id)) >= 0.01
