-- model: terms.blockers
-- grain: one row per asked subject, order looked at, and what stands between the order and its end
-- reads: terms.orders, terms.lines, terms.order_cases, retention.open_invoices
-- doc: Blockers with the invoices, cases and lines that they rest on.
SELECT subject_no, order_id AS "order", is_own, is_person, 'undelivered' AS kind, 1 AS rank
FROM terms.orders WHERE undelivered
UNION ALL BY NAME
SELECT o.subject_no, o.order_id AS "order", o.is_own, o.is_person, 'unpaid' AS kind, 2 AS rank,
    coalesce(list(i.invoice_id ORDER BY i.invoice_id) FILTER (i.invoice_id IS NOT NULL), []) AS invoices
FROM terms.orders AS o LEFT JOIN retention.open_invoices AS i ON i.order_id = o.order_id
WHERE o.unpaid GROUP BY o.subject_no, o.order_id, o.is_own, o.is_person
UNION ALL BY NAME
SELECT o.subject_no, o.order_id AS "order", o.is_own, o.is_person, 'open_case' AS kind, 3 AS rank, list(c.case_id ORDER BY c.case_id) AS cases
FROM terms.orders AS o JOIN terms.order_cases AS c ON c.subject_no = o.subject_no AND c.order_id = o.order_id AND c.is_open
WHERE o.open_case GROUP BY o.subject_no, o.order_id, o.is_own, o.is_person
UNION ALL BY NAME
SELECT o.subject_no, o.order_id AS "order", o.is_own, o.is_person, 'warranty_unknown' AS kind, 4 AS rank,
    list(l.line_number ORDER BY l.line_number) AS lines
FROM terms.orders AS o JOIN terms.lines AS l ON l.subject_no = o.subject_no AND l.order_id = o.order_id
WHERE o.warranty_unknown AND l.is_live AND l.warranty_years IS NULL GROUP BY o.subject_no, o.order_id, o.is_own, o.is_person
