-- model: retention.subject_purposes
-- grain: one row per subject
-- params: as_of, profile_tail_months, individualisation_tail_months, bookkeeping_years
-- reads: retention.subjects, retention.subject_orders, retention.subject_cases, retention.subject_requests, staged.invoices, raw.extraction
-- doc: The day each purpose lapses: NULL where the purpose does not apply, no_end() where none is in sight. Billing
--   that the mapping feeds from the row of a customer is none of the invoice's own.
WITH vouchers AS (
    SELECT customer_id, coalesce(booked_until(max(issued_on), $bookkeeping_years), $as_of) AS kept_until
    FROM staged.invoices
    WHERE customer_id IS NOT NULL AND (billing_name IS NULL OR billing_street_address IS NULL OR 'invoices' IN (
        SELECT table_name FROM raw.extraction
        WHERE list_contains(missing_columns, 'billing_name') OR list_contains(missing_columns, 'billing_street_address')))
    GROUP BY customer_id
), joined AS (
    SELECT s.subject_no, s.subject_id, s.subject_type, s.created_on,
        o.subject_no IS NOT NULL OR c.subject_no IS NOT NULL AS has_contract,
        coalesce(c.has_open, false) AS case_open,
        coalesce(o.undelivered OR o.unpaid OR o.open_case, false) AS order_open,
        coalesce(o.warranty_unknown, false) AS warranty_unknown,
        coalesce(o.undelivered, false) AS undelivered, coalesce(o.unpaid, false) AS unpaid,
        coalesce(o.open_case, false) OR coalesce(c.has_open, false) AS any_case_open,
        CASE WHEN s.closed_on <= $as_of THEN s.closed_on END AS closed_on,
        greatest(s.created_on, s.last_login_on, c.closed_on) AS used_on,
        o.profile_on AS orders_profile_on, o.transaction_on,
        greatest(o.contract_on, c.contract_on) AS contract_on,
        first_on_or_after(e.stopped_ons, s.created_on) AS stopped_on,
        first_on_or_after(e.erased_ons, s.created_on) AS erased_on,
        e.erased_ons IS NOT NULL AS is_erased, e.request_ids, e.erasure_ids,
        CASE WHEN s.is_person THEN v.kept_until END AS bookkeeping_on
    FROM retention.subjects AS s
    LEFT JOIN retention.subject_orders AS o ON o.subject_no = s.subject_no
    LEFT JOIN retention.subject_cases AS c ON c.subject_no = s.subject_no
    LEFT JOIN retention.subject_requests AS e ON e.subject_no = s.subject_no
    LEFT JOIN vouchers AS v ON v.customer_id = CASE WHEN s.contact_id IS NULL THEN s.customer_id END
), based AS (
    SELECT *,
        CASE WHEN created_on IS NULL THEN NULL
             WHEN case_open THEN no_end()
             WHEN closed_on IS NOT NULL THEN plus_months(closed_on, $profile_tail_months)
             WHEN order_open OR warranty_unknown THEN no_end()
             ELSE greatest(plus_months(used_on, $profile_tail_months), orders_profile_on) END AS profile_base,
        CASE WHEN created_on IS NULL THEN NULL
             WHEN case_open THEN no_end()
             WHEN closed_on IS NOT NULL THEN plus_months(closed_on, $individualisation_tail_months)
             WHEN order_open THEN no_end()
             ELSE plus_months(greatest(used_on, transaction_on), $individualisation_tail_months) END AS individual_base
    FROM joined
)
SELECT subject_no, subject_id, subject_type, undelivered, unpaid, any_case_open AS open_case, warranty_unknown,
    case_open AND closed_on IS NOT NULL AS is_kept_by_case, is_erased, request_ids, erasure_ids,
    CASE WHEN NOT has_contract THEN NULL
         WHEN case_open OR order_open OR warranty_unknown THEN no_end()
         ELSE contract_on END AS contract_on,
    CASE WHEN profile_base IS NOT NULL THEN least(profile_base, erased_on) END AS profile_on,
    CASE WHEN individual_base IS NOT NULL THEN least(individual_base, stopped_on, erased_on) END AS individualisation_on,
    CASE WHEN subject_type = 'sole_proprietor' AND individual_base IS NOT NULL
         THEN least(individual_base, erased_on) END AS identification_on,
    bookkeeping_on
FROM based
