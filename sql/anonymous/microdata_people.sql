-- model: anonymous.microdata_people
-- grain: one row per row of customers, people who may not be in the microdata included
-- params: microdata_is_due, microdata_month, minimum_age, unknown, other, abroad, home_spellings, postal_pattern, region_width, region_starts, region_labels, age_band_starts, age_band_labels, gender_spellings, gender_labels, industry_spellings, industry_labels, tenure_band_starts, tenure_band_labels
-- reads: staged.customers, retention.attribute_decisions, retention.kept_out, retention.requests, retention.subjects
-- doc: The quasi-identifiers of everybody at the month's end, in the policy's finest values: the linkage proof needs all.
--      Nobody while the release repeats the microdata of an earlier month.
--      `is_included`: something retained, nothing due, not restricted, no objection or erasure, not a minor, nor perhaps one
--      of whose birth date only the decade is left.
--      `person` is the subject_no of this run and means nothing else. Whoever is born or joined within the month has had
--      the day by the month's end, so that whole months need no days.
WITH decided AS (
    SELECT subject_id, bool_or(decision = 'retain') AND NOT bool_or(decision = 'due') AS is_kept
    FROM retention.attribute_decisions
    GROUP BY subject_id
),
stopped AS (
    SELECT subject_id FROM retention.kept_out WHERE subject_id IS NOT NULL
    UNION
    SELECT s.subject_id FROM retention.requests AS r JOIN retention.subjects AS s ON s.subject_no = r.subject_no
    WHERE r.stops_marketing OR r.erases
),
people AS (
    SELECT
        u.subject_no AS person, c.customer_type, c.country, c.postal_code,
        lower(trim(c.gender)) AS gender, lower(trim(c.industry)) AS industry,
        12 * (year($microdata_month) - year(c.birth_date)) + month($microdata_month) - month(c.birth_date) AS age_months,
        CASE WHEN year(c.birth_date) % 10 = 0 AND month(c.birth_date) = 1 AND day(c.birth_date) = 1 THEN 120 ELSE 0 END
            AS younger_by_months,
        12 * (year($microdata_month) - year(c.profile_created_on))
            + month($microdata_month) - month(c.profile_created_on) AS tenure_months,
        coalesce(d.is_kept, false) AND s.subject_id IS NULL AS may_be_included
    FROM staged.customers AS c
    JOIN retention.subjects AS u ON u.subject_id = 'customer:' || c.customer_id
    LEFT JOIN decided AS d ON d.subject_id = 'customer:' || c.customer_id
    LEFT JOIN stopped AS s ON s.subject_id = 'customer:' || c.customer_id
    WHERE $microdata_is_due
),
aged AS (
    SELECT
        person, customer_type, country, postal_code, gender, industry,
        may_be_included AND coalesce(age_months - younger_by_months >= 12 * $minimum_age, true) AS is_included,
        CASE WHEN age_months < 0 THEN 0 ELSE age_months // 12 END AS age,
        CASE WHEN tenure_months < 0 THEN 0 ELSE tenure_months END AS tenure
    FROM people
)
SELECT
    person, customer_type,
    region_of(country, postal_code, $home_spellings, $postal_pattern, $region_width, $region_starts, $region_labels, $unknown, $abroad) AS postal_region,
    CASE WHEN age IS NULL THEN $unknown
         ELSE list_extract($age_band_labels, len(list_filter($age_band_starts, lambda x: x <= age))) END AS age_band,
    CASE WHEN coalesce(gender, '') = '' THEN $unknown
         ELSE coalesce(list_extract($gender_labels, list_position($gender_spellings, gender)), $other) END AS gender,
    CASE WHEN coalesce(industry, '') = '' THEN $unknown
         ELSE coalesce(list_extract($industry_labels, list_position($industry_spellings, industry)), $other) END AS industry,
    CASE WHEN tenure IS NULL THEN $unknown
         ELSE list_extract($tenure_band_labels, len(list_filter($tenure_band_starts, lambda x: x <= tenure))) END AS tenure_band,
    is_included
FROM aged
