-- model: terms.purposes
-- grain: one row per asked subject, purpose, and candidate for its end
-- params: as_of, contract_tail_months, bookkeeping_years, first_no, last_no
-- reads: terms.subjects, terms.contracts, terms.cases, terms.uses, retention.subject_purposes, terms.invoices, raw.extraction
-- doc: When each purpose could end, term by term. A purpose that no other part of this model tells of has one term, `lapse`:
--   the day that its own line in retention.subject_purposes comes to.
WITH contract AS (
    SELECT c.* EXCLUDE (is_own, before_erasure, rank), 1 AS section, c.rank FROM terms.contracts AS c
    WHERE c.is_own AND (c.kind <> 'undated' OR NOT EXISTS (
        SELECT 1 FROM terms.contracts AS o WHERE o.subject_no = c.subject_no AND o.is_own AND o.kind <> 'undated'))
    UNION ALL BY NAME
    SELECT subject_no, 'open_case' AS kind, 'open_case' AS ground, NULL::DATE AS ends_on, true AS applies, 2 AS section, [case_id] AS cases
    FROM terms.cases WHERE is_open
    UNION ALL BY NAME
    SELECT subject_no, 'case_erased' AS kind, 'contract' AS ground, erased_on AS ends_on, true AS applies, 2 AS section,
        case_id AS "case", closed_on, request_id AS request, verified_on
    FROM terms.cases WHERE erased_on IS NOT NULL
    UNION ALL BY NAME
    SELECT subject_no, 'case_tail' AS kind, 'contract' AS ground, tail_on AS ends_on, erased_on IS NULL AS applies, 2 AS section,
        case_id AS "case", closed_on, $contract_tail_months AS months
    FROM terms.cases WHERE NOT is_open
), vouchers AS (
    SELECT subject_no, invoice_id, issued_on, max(issued_on) OVER (PARTITION BY subject_no) AS last_on,
        min(invoice_id) OVER (PARTITION BY subject_no) AS first_id
    FROM terms.invoices
    WHERE is_person AND (NOT names_buyer OR 'invoices' IN (
        SELECT table_name FROM raw.extraction
        WHERE list_contains(missing_columns, 'billing_name') OR list_contains(missing_columns, 'billing_street_address')))
), told AS MATERIALIZED (
    SELECT * EXCLUDE (applies), 'contract' AS purpose, 'keeps' AS role,
        applies AND (ends_on IS NULL OR NOT bool_or(ends_on IS NULL) OVER (PARTITION BY subject_no)) AS applies
    FROM contract
    UNION ALL BY NAME
    SELECT * FROM terms.uses
    UNION ALL BY NAME
    SELECT subject_no, 'bookkeeping' AS purpose, 'bookkeeping' AS kind, 'bookkeeping' AS ground, booked_until(issued_on, $bookkeeping_years) AS ends_on,
        'keeps' AS role, true AS applies, 1 AS section, invoice_id AS invoice, issued_on, year(issued_on) AS year, $bookkeeping_years AS years
    FROM vouchers WHERE issued_on IS NOT NULL
    UNION ALL BY NAME
    SELECT subject_no, 'bookkeeping' AS purpose, 'undated_invoice' AS kind, 'bookkeeping' AS ground, CAST($as_of AS DATE) AS ends_on,
        'keeps' AS role, true AS applies, 1 AS section, invoice_id AS invoice
    FROM vouchers WHERE last_on IS NULL AND invoice_id = first_id
), lapses AS (
    SELECT subject_no, unnest([{% for purpose in purposes %}{{ ", " if not loop.first }}{'purpose': '{{ purpose.name }}', 'ends_on': {{ purpose.name }}_on}{% endfor %}], recursive := true)
    FROM retention.subject_purposes WHERE subject_no BETWEEN $first_no AND $last_no AND subject_no IN (SELECT subject_no FROM terms.subjects)
)
SELECT * FROM told
UNION ALL BY NAME
SELECT l.subject_no, l.purpose, CASE WHEN has_end(l.ends_on) THEN 'lapse' ELSE 'lapse_open' END AS kind, l.purpose AS ground,
    CASE WHEN has_end(l.ends_on) THEN l.ends_on END AS ends_on, 'keeps' AS role, true AS applies, 1 AS section
FROM lapses AS l ANTI JOIN told AS t ON t.subject_no = l.subject_no AND t.purpose = l.purpose
WHERE l.ends_on IS NOT NULL
