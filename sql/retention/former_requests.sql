-- model: retention.former_requests
-- grain: one row per former request and subject it reaches, and per former request and address it ends marketing for
-- params: as_of
-- reads: retention.former_effects, retention.subjects
-- doc: Objections of both kinds and erasures that are no longer there, as if their row still stood. The subjects they reached then are
--   known by their ids; one by e-mail reaches everybody with that address, too. Whom an erasure by e-mail erased stays
--   erased; where it reached no subject then, it erases who has the address now, if exactly one.
WITH former AS (
    SELECT source, subject_no, by_email, matches, kind, email_key, received_on, what,
        CASE WHEN verified_on <= $as_of THEN verified_on END AS verified_on, erases
    FROM retention.former_effects
    WHERE kind IN ('objection', 'erasure', 'objection_situation') AND received_on <= $as_of AND (subject_no IS NOT NULL OR email_key IS NOT NULL)
), asked AS (
    SELECT f.* EXCLUDE (subject_no, erases), s.subject_no
    FROM former AS f JOIN retention.subjects AS s ON s.email_key = f.email_key
    WHERE f.by_email AND f.what = 'named'
), holding AS (
    SELECT source, count(*) AS holders FROM asked GROUP BY source
)
SELECT subject_no, by_email, matches, kind, email_key, received_on, verified_on,
    coalesce(erases AND verified_on IS NOT NULL, false) AS erases
FROM former
UNION ALL
SELECT a.subject_no, a.by_email, a.matches, a.kind, a.email_key, a.received_on, a.verified_on,
    a.kind = 'erasure' AND a.verified_on IS NOT NULL AND a.matches = 0 AND h.holders = 1
FROM asked AS a JOIN holding AS h ON h.source = a.source ANTI JOIN former AS f ON f.source = a.source AND f.subject_no = a.subject_no
