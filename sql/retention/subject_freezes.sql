-- model: retention.subject_freezes
-- grain: one row per subject and freeze, evidence_missing excepted
-- params: as_of, open_balance_review_months
-- reads: retention.open_invoices, retention.released_invoices, retention.order_facts, retention.subjects, retention.requests, retention.subject_purposes, retention.faulty_subjects, control.legal_holds, control.released_no_evidence
-- doc: Why what would be due stays, per subject.
WITH owing AS (
    SELECT s.subject_no, i.invoice_id, i.issued_on
    FROM retention.open_invoices AS i
    JOIN retention.subjects AS s ON s.customer_id = i.customer_id AND s.contact_id IS NULL
    UNION ALL
    SELECT o.contact_no, i.invoice_id, i.issued_on
    FROM retention.open_invoices AS i JOIN retention.order_facts AS o ON o.order_id = i.order_id
    WHERE o.contact_no IS NOT NULL
    UNION ALL
    SELECT s.subject_no, i.invoice_id, i.issued_on
    FROM retention.open_invoices AS i
    JOIN retention.subjects AS s ON s.customer_id = i.customer_id AND s.contact_id IS NOT NULL
    LEFT JOIN retention.order_facts AS o ON o.order_id = i.order_id
    WHERE o.contact_id IS NULL AND NOT coalesce(o.is_contact_unlinked, false) AND NOT coalesce(s.closed_on <= $as_of, false)
), balances AS (
    SELECT o.subject_no, min(o.issued_on) AS since
    FROM owing AS o
    LEFT JOIN retention.released_invoices AS r ON r.subject_no = o.subject_no AND r.invoice_id = o.invoice_id
    WHERE r.invoice_id IS NULL
    GROUP BY o.subject_no
), found AS (
    SELECT subject_no, '{{ freeze.open_balance.name }}' AS "freeze", since,
        coalesce(plus_months(since, $open_balance_review_months) <= $as_of, false) AS review
    FROM balances
    UNION ALL
    SELECT subject_no, CASE WHEN kind = 'restriction' THEN '{{ freeze.restriction.name }}' ELSE '{{ freeze.access_pending.name }}' END, min(received_on), false
    FROM retention.requests WHERE freezes AND subject_no IS NOT NULL
    GROUP BY ALL
    UNION ALL
    SELECT s.subject_no, '{{ freeze.legal_hold.name }}', min(h.placed_on), false
    FROM control.legal_holds AS h JOIN retention.subjects AS s ON s.subject_id = h.subject_id
    WHERE NOT coalesce(h.lifted_on <= $as_of, false)
    GROUP BY ALL
    UNION ALL
    SELECT subject_no, '{{ freeze.orphan.name }}', NULL, false FROM retention.subjects WHERE is_orphan
    UNION ALL
    SELECT subject_no, '{{ freeze.data_quality.name }}', NULL, false FROM retention.faulty_subjects
    UNION ALL
    SELECT p.subject_no, '{{ freeze.no_evidence.name }}', NULL, false
    FROM retention.subject_purposes AS p
    LEFT JOIN control.released_no_evidence AS r ON r.subject_id = p.subject_id AND r.decided_on <= $as_of
    WHERE coalesce({% for purpose in purposes %}{{ ", " if not loop.first }}p.{{ purpose.name }}_on{% endfor %}) IS NULL
      AND NOT p.is_erased AND r.subject_id IS NULL
)
SELECT * FROM found
