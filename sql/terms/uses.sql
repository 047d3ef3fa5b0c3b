-- model: terms.uses
-- grain: one row per asked subject, purpose that lasts as long as a profile is used, and candidate for its end
-- params: as_of, profile_tail_months, individualisation_tail_months
-- reads: terms.subjects, terms.cases, terms.blockers, terms.order_days, retention.requests
-- doc: The profile lives while it is used, anything is open or an obligation runs, and some months after; individualisation and
--   identification with the last transaction in place of obligations, and no longer for a warranty alone. What counts: open
--   cases; else the closing of the profile; else blocked orders; else its uses. Objections and erasures that came after the
--   profile end it, each by itself; of_several, if it came by an address alone that several have.
WITH lasting AS (
    SELECT subject_no, created_on, last_login_on, CASE WHEN closed_on <= $as_of THEN closed_on END AS closed_on,
        unnest(['profile', 'individualisation', 'identification']) AS purpose, subject_type
    FROM terms.subjects WHERE created_on IS NOT NULL
), timed AS (
    SELECT l.* EXCLUDE (subject_type), CASE purpose WHEN 'profile' THEN $profile_tail_months ELSE $individualisation_tail_months END AS months,
        EXISTS (SELECT 1 FROM terms.cases AS c WHERE c.subject_no = l.subject_no AND c.is_open) AS case_open,
        EXISTS (SELECT 1 FROM terms.blockers AS b WHERE b.subject_no = l.subject_no AND b.is_own
                    AND (l.purpose = 'profile' OR b.kind <> 'warranty_unknown')) AS order_open
    FROM lasting AS l WHERE purpose <> 'identification' OR subject_type = 'sole_proprietor'
), used AS (
    SELECT subject_no, purpose, 'created' AS kind, month_day(created_on) AS day_key, months, 1 AS section, created_on FROM timed
    UNION ALL BY NAME
    SELECT subject_no, purpose, 'last_login' AS kind, month_day(last_login_on) AS day_key, months, 2 AS section, last_login_on
    FROM timed WHERE last_login_on IS NOT NULL
    UNION ALL BY NAME
    SELECT t.subject_no, t.purpose, 'case_tail' AS kind, month_day(c.closed_on) AS day_key, t.months, 3 AS section, c.case_id AS "case", c.closed_on
    FROM timed AS t JOIN terms.cases AS c ON c.subject_no = t.subject_no AND NOT c.is_open
    UNION ALL BY NAME
    SELECT t.purpose, t.months, 4 AS section, d.* EXCLUDE (is_own)
    FROM timed AS t JOIN terms.order_days AS d ON d.subject_no = t.subject_no AND d.is_own
        AND (d.kind <> 'transaction') = (t.purpose = 'profile')
), kept AS (
    SELECT t.subject_no, t.purpose, 'open_case' AS kind, 'open_case' AS ground, 0 AS section, [c.case_id] AS cases
    FROM timed AS t JOIN terms.cases AS c ON c.subject_no = t.subject_no AND c.is_open
    UNION ALL BY NAME
    SELECT t.purpose, b.* EXCLUDE (is_own), b.kind AS ground, 0 AS section
    FROM timed AS t JOIN terms.blockers AS b ON b.subject_no = t.subject_no AND b.is_own
        AND (t.purpose = 'profile' OR b.kind <> 'warranty_unknown')
    WHERE NOT t.case_open AND t.closed_on IS NULL
), stops AS (
    SELECT DISTINCT t.subject_no, t.purpose, 5 AS section, r.request_id AS request, r.received_on AS day,
        CASE r.kind WHEN 'objection' THEN 'objection' ELSE 'erasure_received' END AS kind, CASE WHEN r.by_email AND r.matches > 1 THEN true END AS of_several
    FROM timed AS t JOIN retention.requests AS r ON r.subject_no = t.subject_no AND r.received_on >= t.created_on
    WHERE r.stops_marketing AND t.purpose = 'individualisation'
    UNION ALL BY NAME
    SELECT DISTINCT t.subject_no, t.purpose, 6 AS section, r.request_id AS request, r.verified_on AS day, 'erasure' AS kind
    FROM timed AS t JOIN retention.requests AS r ON r.subject_no = t.subject_no AND r.verified_on >= t.created_on
    WHERE r.erases
)
SELECT *, NULL::DATE AS ends_on, 'keeps' AS role, true AS applies FROM kept
UNION ALL BY NAME
SELECT subject_no, purpose, 'closed' AS kind, purpose AS ground, plus_months(closed_on, months) AS ends_on, 'keeps' AS role, true AS applies,
    0 AS section, closed_on, months
FROM timed WHERE closed_on IS NOT NULL AND NOT case_open
UNION ALL BY NAME
SELECT u.* EXCLUDE (day_key), u.purpose AS ground, date_of_month_day(u.day_key + 32 * u.months) AS ends_on, 'keeps' AS role,
    NOT (t.case_open OR t.order_open OR t.closed_on IS NOT NULL) AS applies
FROM used AS u JOIN timed AS t ON t.subject_no = u.subject_no AND t.purpose = u.purpose
UNION ALL BY NAME
SELECT *, purpose AS ground, day AS ends_on, 'ends' AS role, true AS applies FROM stops
