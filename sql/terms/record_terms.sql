-- model: terms.record_terms
-- grain: one row per record and part of an asked subject, and candidate for its end
-- params: as_of, bookkeeping_years, limitation_months
-- reads: terms.records, terms.orders, terms.contracts, terms.subscriptions, retention.subject_purposes, terms.invoices, staged.cases, staged.communications, retention.known_requests
-- doc: When each part of a record could go, term by term. A term of kind `purpose` is the end of the subject's purpose named in
--   ground. One whose own date cannot be read has `undated_record` or `undated_invoice`, on as_of.
WITH purposes AS (
{% for purpose in purposes %}
    {{ "UNION ALL " if not loop.first }}SELECT subject_no, '{{ purpose.name }}' AS ground, {{ loop.index }} AS section FROM retention.subject_purposes
    WHERE {{ purpose.name }}_on IS NOT NULL AND subject_no IN (SELECT subject_no FROM terms.records)
{% endfor %}
), invoices AS (
    SELECT r.subject_no, r.entity, r.record_id, r.part, i.order_id, i.issued_on
    FROM terms.records AS r JOIN terms.invoices AS i ON i.subject_no = r.subject_no AND i.invoice_id = r.record_id
    WHERE r.entity = 'invoices'
), letters AS (
    SELECT r.*, 'case_closed' AS kind, c.closed_on AS day, r.record_id AS case_id, NOT coalesce(c.closed_on <= $as_of, false) AS is_open
    FROM terms.records AS r JOIN staged.cases AS c ON c.case_id = r.record_id WHERE r.entity = 'cases'
    UNION ALL
    SELECT r.*, 'message', m.occurred_on, m.case_id, c.case_id IS NOT NULL AND NOT coalesce(c.closed_on <= $as_of, false)
    FROM terms.records AS r JOIN staged.communications AS m ON m.communication_id = r.record_id
    LEFT JOIN staged.cases AS c ON c.case_id = m.case_id WHERE r.entity = 'communications'
), found AS (
    SELECT c.* EXCLUDE (is_own, before_erasure), r.entity, r.record_id, r.part, 1 AS section
    FROM terms.records AS r JOIN terms.contracts AS c ON c.subject_no = r.subject_no AND c."order" = r.record_id WHERE r.entity = 'orders'
    UNION ALL BY NAME
    SELECT r.subject_no, r.entity, r.record_id, r.part, 'undated_record' AS kind, 'contract' AS ground, CAST($as_of AS DATE) AS ends_on,
        true AS applies, 2 AS section
    FROM terms.records AS r JOIN terms.orders AS o ON o.subject_no = r.subject_no AND o.order_id = r.record_id
    WHERE r.entity = 'orders' AND o.ordered_on IS NULL AND o.contract_on IS NOT NULL AND NOT o.is_blocked
    UNION ALL BY NAME
    SELECT r.subject_no, r.entity, r.record_id, r.part, 'purpose' AS kind, p.ground, true AS applies, 3 AS section
    FROM terms.records AS r JOIN purposes AS p ON p.subject_no = r.subject_no AND p.ground = 'individualisation'
    WHERE r.entity = 'orders' AND r.part = 'link'
    UNION ALL BY NAME
    SELECT subject_no, entity, record_id, part, CASE WHEN issued_on IS NULL THEN 'undated_invoice' ELSE 'bookkeeping' END AS kind,
        'bookkeeping' AS ground, coalesce(booked_until(issued_on, $bookkeeping_years), $as_of) AS ends_on, true AS applies, 1 AS section,
        record_id AS invoice, issued_on, year(issued_on) AS year, CASE WHEN issued_on IS NOT NULL THEN $bookkeeping_years END AS years
    FROM invoices
    UNION ALL BY NAME
    SELECT c.* EXCLUDE (is_own, before_erasure, applies), c.before_erasure AS applies, i.entity, i.record_id, i.part, 2 AS section
    FROM invoices AS i JOIN terms.contracts AS c ON c.subject_no = i.subject_no AND c."order" = i.order_id
    WHERE c.kind NOT IN ('undated', 'order_erased')
    UNION ALL BY NAME
    SELECT l.subject_no, l.entity, l.record_id, l.part, 'purpose' AS kind, p.ground, NOT l.is_open AS applies, p.section
    FROM letters AS l JOIN purposes AS p ON p.subject_no = l.subject_no AND p.ground IN ('contract', 'profile')
    UNION ALL BY NAME
    SELECT subject_no, entity, record_id, part, 'open_case' AS kind, 'open_case' AS ground, true AS applies, 0 AS section, [case_id] AS cases
    FROM letters WHERE is_open
    UNION ALL BY NAME
    SELECT subject_no, entity, record_id, part, CASE WHEN day IS NULL THEN 'undated_record' ELSE kind END AS kind, 'not_yet' AS ground,
        coalesce(day, $as_of) AS ends_on, true AS applies, 4 AS section, record_id AS record, day
    FROM letters WHERE NOT is_open
    UNION ALL BY NAME
    SELECT r.subject_no, r.entity, r.record_id, r.part, CASE WHEN q.closed_on <= $as_of THEN 'limitation' ELSE 'open_request' END AS kind,
        CASE WHEN q.closed_on <= $as_of THEN 'limitation_period' ELSE 'open_request' END AS ground, true AS applies, 1 AS section,
        CASE WHEN q.closed_on <= $as_of THEN plus_months(q.closed_on, $limitation_months) END AS ends_on, r.record_id AS request,
        CASE WHEN q.closed_on <= $as_of THEN q.closed_on END AS closed_on, CASE WHEN q.closed_on <= $as_of THEN $limitation_months END AS months
    FROM terms.records AS r JOIN retention.known_requests AS q ON q.request_id = r.record_id WHERE r.entity = 'rights_requests'
)
SELECT *, 'keeps' AS role FROM found
UNION ALL BY NAME
SELECT * FROM terms.subscriptions
