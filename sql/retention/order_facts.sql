-- model: retention.order_facts
-- grain: one row per order
-- params: as_of, unknown_warranty_years, contract_tail_months, contract_minimum_months, business_transaction_months, profile_tail_months, business_warranty
-- reads: staged.orders, staged.order_lines, staged.products, staged.invoices, staged.cases, retention.open_invoices, retention.subjects
-- doc: Per order its blockers and its dates: ended_on, obligations_on, and contract_on, which counts only while no
--   blocker stands. profile_on is obligations_on plus the profile's months, added term by term.
--   delivery_absent: no delivery detail is there that could go. A line without its own delivery date has its order's,
--   so only the longest warranty of such lines is kept. warranty_key is the latest warranty end as a month_day number,
--   not yet clamped, so that months can still be added. Whether there is an invoice matters for unpaid orders alone.
--   is_guest: nobody's number ever stood on it; it is a person's without a subject.
WITH lines AS (
    SELECT l.order_id, l.delivered_on, l.returned_on, l.returned_on IS NULL AS is_live, l.delivered_on IS NULL AS inherits,
        warranty_years_of(l.product_id, p.warranty_years, $unknown_warranty_years) AS warranty_years
    FROM staged.order_lines AS l
    LEFT JOIN staged.products AS p ON p.product_id = l.product_id
), lined AS (
    SELECT order_id,
        bool_or(is_live) AS any_live,
        bool_or(inherits) AS any_inherits,
        bool_or(is_live AND inherits) AS live_inherits,
        bool_or(is_live AND warranty_years IS NULL) AS warranty_unknown,
        max(delivered_on) AS delivered_on,
        max(CASE WHEN is_live THEN delivered_on END) AS live_delivered_on,
        max(returned_on) AS returned_on,
        max(CASE WHEN is_live THEN month_day(delivered_on) + 384 * warranty_years END) AS warranty_key,
        max(CASE WHEN is_live AND inherits THEN warranty_years END) AS inherited_years
    FROM lines
    GROUP BY order_id
), unpaid AS (
    SELECT order_id FROM staged.orders WHERE is_unpaid(total_amount, paid_on, $as_of)
), tied AS (
    SELECT order_id, false AS owes, NULL::BOOLEAN AS is_open, NULL::DATE AS closed_on
    FROM staged.invoices SEMI JOIN unpaid USING (order_id)
    UNION ALL
    SELECT order_id, true, NULL, NULL FROM retention.open_invoices WHERE order_id IS NOT NULL
    UNION ALL
    SELECT order_id, NULL, NOT coalesce(closed_on <= $as_of, false), closed_on FROM staged.cases WHERE order_id IS NOT NULL
), ties AS (
    SELECT order_id, bool_or(owes) AS owes, bool_or(is_open) AS has_open_case, max(closed_on) AS case_closed_on
    FROM tied GROUP BY order_id
), placed AS (
    SELECT *, customer_id IS NULL AND contact_id IS NULL AND tombstone_type IS NULL AND NOT is_contact_unlinked AS is_guest
    FROM staged.orders
), joined AS (
    SELECT o.*, k.subject_no AS customer_no, c.subject_no AS contact_no,
        o.delivery_name IS NULL AND o.delivery_street_address IS NULL AND is_generalised_postal_code(o.delivery_postal_code)
            AND o.delivery_city IS NULL AND o.delivery_phone IS NULL AND o.delivery_email IS NULL
            AND o.delivery_note IS NULL AND o.payment_reference IS NULL AS delivery_absent,
        o.customer_id IS NOT NULL AND k.subject_no IS NULL AS customer_missing,
        o.contact_id IS NOT NULL AND c.subject_no IS NULL AS contact_missing,
        coalesce(k.is_person, o.tombstone_type <> 'business', o.is_guest) AS is_person,
        coalesce(o.cancelled_on <= $as_of, false) AS is_cancelled,
        l.order_id IS NOT NULL AS has_lines, coalesce(l.any_live, false) AS any_live,
        greatest(l.delivered_on, CASE WHEN l.any_inherits THEN o.delivered_on END) AS line_delivered_on,
        greatest(l.live_delivered_on, CASE WHEN l.live_inherits THEN o.delivered_on END) AS live_delivered_on,
        l.returned_on, l.live_delivered_on > $as_of AS live_undelivered, l.live_inherits,
        coalesce(l.warranty_unknown, false) AS warranty_unknown,
        greatest(l.warranty_key, month_day(o.delivered_on) + 384 * l.inherited_years) AS warranty_key,
        t.owes, coalesce(t.has_open_case, false) AS has_open_case, t.case_closed_on
    FROM placed AS o
    LEFT JOIN lined AS l ON l.order_id = o.order_id
    LEFT JOIN retention.subjects AS k ON k.customer_id = o.customer_id AND k.contact_id IS NULL
    LEFT JOIN retention.subjects AS c ON c.contact_id = o.contact_id
    LEFT JOIN ties AS t ON t.order_id = o.order_id
), dated AS (
    SELECT *,
        has_warranty(is_person, is_cancelled, $business_warranty) AS has_warranty,
        greatest(ordered_on, delivered_on, completed_on, paid_on, CASE WHEN is_cancelled THEN cancelled_on END,
                 line_delivered_on, returned_on, case_closed_on) AS ended_on,
        CASE WHEN NOT has_lines THEN coalesce(delivered_on > $as_of, true)
             ELSE coalesce(live_undelivered, false) OR (live_inherits AND coalesce(delivered_on > $as_of, true)) END AS late,
        is_unpaid(total_amount, paid_on, $as_of)
            AND coalesce(owes, any_live OR NOT has_lines) AS owed
    FROM joined
), keyed AS (
    SELECT *, CASE WHEN has_warranty THEN greatest(month_day(ended_on), warranty_key) ELSE month_day(ended_on) END AS end_key
    FROM dated
)
SELECT order_id, customer_id, contact_id, customer_no, contact_no, customer_missing, contact_missing, is_person, is_guest, is_cancelled,
    is_contact_unlinked, ordered_on, ended_on,
    NOT is_cancelled AND late AS undelivered,
    NOT is_cancelled AND owed AS unpaid,
    has_open_case AS open_case,
    has_warranty AND warranty_unknown AS warranty_unknown,
    delivery_absent,
    date_of_month_day(end_key) AS obligations_on,
    date_of_month_day(end_key + 32 * $profile_tail_months) AS profile_on,
    CASE WHEN is_cancelled THEN plus_months(ended_on, $contract_tail_months)
         WHEN is_person THEN greatest(date_of_month_day(end_key + 32 * $contract_tail_months),
                                      plus_months(live_delivered_on, $contract_minimum_months))
         ELSE greatest(plus_months(ended_on, $business_transaction_months),
                       date_of_month_day(end_key + 32 * $contract_tail_months)) END AS contract_on,
    CASE WHEN NOT is_cancelled THEN greatest(ordered_on, delivered_on, paid_on) END AS transaction_on
FROM keyed
