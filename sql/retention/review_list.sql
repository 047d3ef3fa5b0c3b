-- model: retention.review_list
-- grain: one row per subject or record and reason to look at it
-- params: as_of, policy_version, stale_fault_months, until_further_notice_review_months, stale_blocker_months, carried_inner, carried_outer
-- reads: retention.due, control.dropped, control.used_again, retention.freezes, retention.request_reviews, retention.correspondence_decisions, retention.order_facts, retention.released_orders, staged.quality, staged.communications, staged.cases, staged.products, retention.held_faults, retention.guard_hits, retention.subjects, control.legal_holds, control.reviewed_records, control.first_held, control.previous_warranties
-- doc: What a person must decide or look at each month. Records carry entity and record_id, subjects carry subject_id.
--   A message without a subject is as old as its last review by as_of, where it had one; a fault or dangling id as the
--   first month's end at which it held something. dropped_in_a_row: due, and left out by the apply of each month of the
--   policy's dropped_months before this one. id_used_again stays for as long as its month is run.
WITH reviewed AS (
    SELECT record, max(reviewed_on) AS reviewed_on FROM control.reviewed_records WHERE reviewed_on <= $as_of GROUP BY record
), found AS (
    SELECT subject_id, NULL AS entity, NULL AS record_id, 'open_balance_review' AS reason, since
    FROM retention.freezes WHERE "freeze" = 'open_balance' AND review
    UNION ALL
    SELECT subject_id, NULL, NULL, 'no_evidence', NULL FROM retention.freezes WHERE "freeze" = 'no_evidence'
    UNION ALL
    SELECT NULL, 'rights_requests', request_id, reason, since FROM retention.request_reviews
    UNION ALL
    SELECT d.subject_id, 'communications', d.record_id, 'until_further_notice', greatest(m.occurred_on, r.reviewed_on)
    FROM retention.correspondence_decisions AS d JOIN staged.communications AS m ON m.communication_id = d.record_id
    LEFT JOIN reviewed AS r ON r.record = 'communications:' || d.record_id
    WHERE d.entity = 'communications' AND list_contains(d.retained_by, 'until_further_notice')
      AND plus_months(greatest(m.occurred_on, r.reviewed_on), $until_further_notice_review_months) <= $as_of
    UNION ALL
    SELECT subject_id_of(o.contact_id, o.customer_id), 'orders', o.order_id, 'blocker_24_months', o.ordered_on
    FROM retention.order_facts AS o
    LEFT JOIN retention.released_orders AS r ON r.order_id = o.order_id
        AND r.subject_no = CASE WHEN o.contact_id IS NOT NULL THEN o.contact_no ELSE o.customer_no END
    WHERE (o.undelivered OR (o.unpaid AND r.order_id IS NULL) OR o.open_case OR o.warranty_unknown)
      AND plus_months(o.ordered_on, $stale_blocker_months) <= $as_of
    UNION ALL
    SELECT subject_id_of(contact_id, customer_id), 'cases', case_id, 'open_case_24_months', opened_on
    FROM staged.cases
    WHERE NOT coalesce(closed_on <= $as_of, false) AND plus_months(opened_on, $stale_blocker_months) <= $as_of
    UNION ALL
    SELECT CASE WHEN h.entity IN ('customers', 'contacts') THEN rtrim(h.entity, 's') || ':' || h.record_id END,
        CASE WHEN h.entity NOT IN ('customers', 'contacts') THEN h.entity END,
        CASE WHEN h.entity NOT IN ('customers', 'contacts') THEN h.record_id END,
        CASE h."freeze" WHEN 'orphan' THEN 'orphan_12_months' ELSE 'quality_fault_12_months' END, f.first_on
    FROM retention.held_faults AS h JOIN control.first_held AS f ON f.token = h.token
    WHERE plus_months(f.first_on, $stale_fault_months) <= $as_of
    UNION ALL
    SELECT NULL, 'products', p.product_id, 'warranty_lowered', NULL
    FROM staged.products AS p JOIN control.previous_warranties AS w ON w.product_id = p.product_id
    WHERE p.warranty_years < w.warranty_years
    UNION ALL
    SELECT DISTINCT 'customer:' || id, NULL, NULL, 'misplaced_attribute', CAST(NULL AS DATE)
    FROM staged.quality WHERE fault = 'misplaced'
    UNION ALL
    SELECT subject_id, CASE WHEN subject_id IS NULL THEN entity END, CASE WHEN subject_id IS NULL THEN record_id END, reason, since
    FROM retention.guard_hits WHERE reason IN ('id_used_again', 'erased_value')
    UNION ALL
    SELECT s.subject_id, NULL, NULL, 'id_used_again', u.erased_on
    FROM retention.subjects AS s JOIN control.used_again AS u
        ON u.token = sha256($carried_outer || unhex(sha256($carried_inner || encode(s.subject_id))))
    WHERE s.subject_id NOT IN (SELECT subject_id FROM retention.guard_hits WHERE reason = 'id_used_again')
    UNION ALL
    SELECT CASE WHEN entity IN ('customers', 'contacts') THEN subject_id END, CASE WHEN entity NOT IN ('customers', 'contacts') THEN entity END,
        CASE WHEN entity NOT IN ('customers', 'contacts') THEN record_id END, 'dropped_in_a_row', min(due_on)
    FROM retention.due SEMI JOIN control.dropped
        ON token = sha256($carried_outer || unhex(sha256($carried_inner || encode(entity || chr(31) || record_id || chr(31) || part))))
    GROUP BY ALL
    UNION ALL
    SELECT subject_id, NULL, NULL, 'expiring_hold', min(placed_on)
    FROM control.legal_holds
    WHERE expires_on <= plus_months($as_of, 1) AND NOT coalesce(lifted_on <= $as_of, false)
    GROUP BY subject_id
)
SELECT CAST($as_of AS DATE) AS as_of, subject_id, entity, record_id, reason, since, $policy_version AS policy_version
FROM found
