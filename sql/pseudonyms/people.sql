-- model: pseudonyms.people
-- grain: one row per subject who may be followed over time
-- params: as_of, improvement_inner, improvement_outer, individualisation_inner, individualisation_outer
-- reads: retention.subjects, retention.attribute_decisions, retention.requests, retention.kept_out, retention.former_effects
-- doc: Tokens of people, HMAC-SHA256 of the subject's id under one key per domain. Without those who objected, are
--   kept out, are due, or of whom nothing is left (IND-3, RGT-6), and without those who have asked since as_of: a month that
--   is run again brings back nobody. Stays in the restricted zone.
WITH asked_since AS (
    SELECT subject_no FROM retention.requests
    WHERE kind IN ('objection', 'erasure', 'restriction', 'objection_situation') AND received_on > $as_of
    UNION
    SELECT subject_no FROM retention.former_effects
    WHERE kind IN ('objection', 'erasure', 'objection_situation') AND received_on > $as_of
), standing AS (
    SELECT subject_no, bool_or(decision = 'due') AS is_due, bool_or(decision <> 'absent') AS is_there
    FROM retention.attribute_decisions GROUP BY subject_no
), eligible AS (
    SELECT s.subject_no, s.customer_id, s.contact_id, encode(nfc_normalize(s.subject_id)) AS value
    FROM retention.subjects AS s
    JOIN standing AS d ON d.subject_no = s.subject_no
    ANTI JOIN retention.requests AS x ON x.subject_no = s.subject_no AND x.stops_marketing
    ANTI JOIN asked_since AS y ON y.subject_no = s.subject_no
    ANTI JOIN retention.kept_out AS z ON z.subject_id = s.subject_id
    WHERE d.is_there AND NOT d.is_due
)
SELECT subject_no, customer_id, contact_id,
    sha256($improvement_outer || unhex(sha256($improvement_inner || value))) AS token,
    sha256($individualisation_outer || unhex(sha256($individualisation_inner || value))) AS segment_token
FROM eligible
