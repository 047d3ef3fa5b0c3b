-- model: retention.subject_freezes
-- grain: one row per subject and freeze, evidence_missing excepted
-- params: as_of, open_balance_review_months, carried_inner, carried_outer
-- reads: retention.invoice_reach, retention.released_invoices, retention.subjects, retention.requests, retention.subject_purposes, retention.presence, retention.faulty_subjects, retention.released_faults, control.legal_holds, control.released_no_evidence, retention.guard_hits, control.carried_out
-- doc: Why what would be due stays, per subject. no_evidence: something of the subject is there, no purpose ever applied, no
--   erasure is effective, and no plan of ours has carried anything of it out but what went although this held the rest; an
--   id that somebody new has is that of nobody whom we carried out.
WITH balances AS (
    SELECT o.subject_no, min(o.issued_on) AS since
    FROM retention.invoice_reach AS o
    LEFT JOIN retention.released_invoices AS r ON r.subject_no = o.subject_no AND r.invoice_id = o.invoice_id
    WHERE o.is_open AND r.invoice_id IS NULL
    GROUP BY o.subject_no
), found AS (
    SELECT subject_no, '{{ freeze.open_balance.name }}' AS "freeze", since,
        coalesce(plus_months(since, $open_balance_review_months) <= $as_of, false) AS review
    FROM balances
    UNION ALL
    SELECT subject_no, "freeze", min(received_on), false
    FROM retention.requests WHERE "freeze" IS NOT NULL AND subject_no IS NOT NULL
    GROUP BY ALL
    UNION ALL
    SELECT s.subject_no, '{{ freeze.legal_hold.name }}', min(h.placed_on), false
    FROM control.legal_holds AS h JOIN retention.subjects AS s ON s.subject_id = h.subject_id
    WHERE NOT coalesce(h.lifted_on <= $as_of, false)
    GROUP BY ALL
    UNION ALL
    SELECT s.subject_no, '{{ freeze.orphan.name }}', NULL, false
    FROM retention.subjects AS s
    LEFT JOIN retention.released_faults AS r ON r.record_id = s.contact_id AND r.entity = 'contacts' AND r."freeze" = '{{ freeze.orphan.name }}'
    WHERE s.is_orphan AND r.record_id IS NULL
    UNION ALL
    SELECT DISTINCT subject_no, '{{ freeze.data_quality.name }}', NULL, false FROM retention.faulty_subjects
    UNION ALL
    SELECT p.subject_no, '{{ freeze.no_evidence.name }}', NULL, false
    FROM retention.subject_purposes AS p
    JOIN retention.presence AS v ON v.subject_no = p.subject_no AND v.has_any
    LEFT JOIN control.released_no_evidence AS r ON r.subject_id = p.subject_id AND r.decided_on <= $as_of
    LEFT JOIN retention.guard_hits AS g ON g.subject_no = p.subject_no AND g.reason IN ('quarantined', 'id_used_again')
    LEFT JOIN control.carried_out AS u ON u.token = sha256($carried_outer || unhex(sha256($carried_inner || encode(p.subject_id))))
    WHERE coalesce({% for purpose in purposes %}{{ ", " if not loop.first }}p.{{ purpose.name }}_on{% endfor %}) IS NULL
      AND NOT p.is_erased AND r.subject_id IS NULL
      AND CASE g.reason WHEN 'quarantined' THEN false WHEN 'id_used_again' THEN true ELSE u.token IS NULL END
)
SELECT * FROM found
