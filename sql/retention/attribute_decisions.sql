-- model: retention.attribute_decisions
-- grain: one row per subject and attribute of its type
-- params: as_of, policy_version
-- reads: retention.subjects, retention.subject_purposes, retention.subject_holds, retention.evidence, staged.customers, staged.contacts, policy.attributes, policy.purpose_sets, policy.freeze_sets
-- doc: What becomes of each attribute of each subject. `covers`, `active` and `applies` are sets of purposes as bits:
--   contract 1, profile 2, individualisation 4, identification 8, bookkeeping 16.
WITH purposes AS (
    SELECT subject_no, subject_id, subject_type, contract_on, profile_on, individualisation_on, identification_on, bookkeeping_on,
        CASE WHEN contract_on > $as_of THEN 1 ELSE 0 END + CASE WHEN profile_on > $as_of THEN 2 ELSE 0 END
        + CASE WHEN individualisation_on > $as_of THEN 4 ELSE 0 END + CASE WHEN identification_on > $as_of THEN 8 ELSE 0 END
        + CASE WHEN bookkeeping_on > $as_of THEN 16 ELSE 0 END AS active
    FROM retention.subject_purposes
), present AS (
    SELECT s.subject_no, c.name IS NOT NULL AS name, c.email IS NOT NULL AS email, c.phone IS NOT NULL AS phone,
        c.street_address IS NOT NULL OR (s.is_person AND (c.city IS NOT NULL OR NOT is_generalised_postal_code(c.postal_code))) AS address,
        c.organisation_number IS NOT NULL AS organisation_number, false AS job_title,
        c.national_identity_number IS NOT NULL AS national_identity_number, c.username IS NOT NULL AS username,
        NOT is_generalised_birth_date(c.birth_date) AS age, c.gender IS NOT NULL AS gender, c.preferences IS NOT NULL AS preferences
    FROM retention.subjects AS s JOIN staged.customers AS c ON c.customer_id = s.customer_id AND s.contact_id IS NULL
    UNION ALL
    SELECT s.subject_no, c.name IS NOT NULL, c.email IS NOT NULL, c.phone IS NOT NULL, false, false, c.job_title IS NOT NULL,
        false, c.username IS NOT NULL, false, false, c.preferences IS NOT NULL
    FROM retention.subjects AS s JOIN staged.contacts AS c ON c.contact_id = s.contact_id
), judged AS (
    SELECT p.subject_no, p.subject_id, p.subject_type, a.attribute, a.hold_entity, p.active & a.covers AS retained,
        NOT CASE a.attribute WHEN 'name' THEN v.name WHEN 'email' THEN v.email WHEN 'phone' THEN v.phone
            WHEN 'address' THEN v.address WHEN 'organisation_number' THEN v.organisation_number WHEN 'job_title' THEN v.job_title
            WHEN 'national_identity_number' THEN v.national_identity_number WHEN 'username' THEN v.username
            WHEN 'age' THEN v.age WHEN 'gender' THEN v.gender WHEN 'preferences' THEN v.preferences END AS is_absent,
        coalesce(greatest(CASE WHEN a.covers & 1 > 0 THEN p.contract_on END, CASE WHEN a.covers & 2 > 0 THEN p.profile_on END,
                          CASE WHEN a.covers & 4 > 0 THEN p.individualisation_on END,
                          CASE WHEN a.covers & 8 > 0 THEN p.identification_on END,
                          CASE WHEN a.covers & 16 > 0 THEN p.bookkeeping_on END), $as_of) AS lapses_on
    FROM purposes AS p
    JOIN present AS v USING (subject_no)
    JOIN policy.attributes AS a USING (subject_type)
), decided AS (
    SELECT j.* EXCLUDE (retained), CASE WHEN j.is_absent THEN 0 ELSE j.retained END AS retained,
        CASE WHEN j.is_absent OR j.retained > 0 THEN 0 ELSE record_holds(h.freezes, NULL, false, false, e.is_missing,
            list_contains(e.held_entities, CASE WHEN j.subject_type = 'contact' THEN 'contacts' ELSE 'customers' END)) END AS held
    FROM judged AS j
    CROSS JOIN retention.evidence AS e
    LEFT JOIN retention.subject_holds AS h ON h.subject_no = j.subject_no AND h.entity = j.hold_entity
)
SELECT CAST($as_of AS DATE) AS as_of, d.subject_id, d.subject_no, d.attribute,
    decision_of(d.is_absent, d.retained > 0, d.held > 0) AS decision,
    CASE WHEN NOT d.is_absent AND isfinite(d.lapses_on) THEN d.lapses_on END AS due_on,
    s.names AS retained_by, f.names AS held_by,
    $policy_version AS policy_version
FROM decided AS d
JOIN policy.purpose_sets AS s ON s.purposes = d.retained
JOIN policy.freeze_sets AS f ON f.freezes = d.held
