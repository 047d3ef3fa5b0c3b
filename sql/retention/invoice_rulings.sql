-- model: retention.invoice_rulings
-- grain: one row per invoice
-- params: as_of, bookkeeping_years
-- reads: staged.invoices, retention.subjects, retention.order_facts, retention.released_orders, retention.record_marks, retention.subject_holds, retention.evidence
-- doc: What becomes of an invoice's billing details and its link to a person. Both stay for the bookkeeping duty, and
--   never go before the contract of the invoice's order ends. One whose date of issue cannot be read is due by as_of,
--   hence held, unless its order retains it. Reasons and freezes are sets as bits; retention.invoice_decisions puts them
--   into words.
WITH facts AS (
    SELECT i.invoice_id, i.customer_id, k.subject_no AS customer_no, i.issued_on,
        i.customer_id IS NOT NULL AND k.subject_no IS NULL AS is_orphan,
        coalesce(k.is_person, i.tombstone_type <> 'business', false) AS is_person,
        i.billing_name IS NULL AND i.billing_street_address IS NULL AND is_generalised_postal_code(i.billing_postal_code)
            AND i.billing_city IS NULL AND i.billing_email IS NULL AS is_empty,
        CASE WHEN o.undelivered THEN {{ reason.undelivered.bit }} ELSE 0 END + CASE WHEN o.unpaid AND r.order_id IS NULL THEN {{ reason.unpaid.bit }} ELSE 0 END
        + CASE WHEN o.open_case THEN {{ reason.open_case.bit }} ELSE 0 END + CASE WHEN o.warranty_unknown THEN {{ reason.warranty_unknown.bit }} ELSE 0 END AS blockers,
        o.contract_on, booked_until(i.issued_on, $bookkeeping_years) AS booked_until
    FROM staged.invoices AS i
    LEFT JOIN retention.subjects AS k ON k.customer_id = i.customer_id AND k.contact_id IS NULL
    LEFT JOIN retention.order_facts AS o ON o.order_id = i.order_id
    LEFT JOIN retention.released_orders AS r ON r.order_id = i.order_id AND r.subject_no = k.subject_no
), judged AS (
    SELECT *,
        CASE WHEN blockers > 0 THEN no_end()
             WHEN issued_on IS NULL THEN greatest(contract_on, $as_of) ELSE greatest(booked_until, contract_on) END AS kept_until,
        CASE WHEN blockers > 0 THEN blockers WHEN contract_on > $as_of THEN {{ reason.contract.bit }} ELSE 0 END
        + CASE WHEN booked_until > $as_of THEN {{ reason.bookkeeping.bit }} ELSE 0 END AS reasons
    FROM facts
), decided AS (
    SELECT j.*, CASE WHEN j.reasons = 0
        THEN record_holds(g.freezes, k.freezes, j.is_orphan AND NOT coalesce(g.is_released, false),
                          coalesce(g.is_faulty, false), e.is_missing,
                          list_contains(e.held_entities, 'invoices'))
        ELSE 0 END AS held
    FROM judged AS j
    CROSS JOIN retention.evidence AS e
    LEFT JOIN retention.subject_holds AS k ON k.subject_no = j.customer_no AND k.entity = 'invoices'
    LEFT JOIN retention.record_marks AS g ON g.record_id = j.invoice_id AND g.entity = 'invoices'
)
SELECT invoice_id, customer_id, customer_no, is_person, is_empty, reasons, held, CASE WHEN has_end(kept_until) THEN kept_until END AS due_on
FROM decided
