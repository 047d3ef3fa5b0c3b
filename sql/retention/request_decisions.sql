-- model: retention.request_decisions
-- grain: one row per rights request
-- params: as_of, policy_version, limitation_months
-- reads: retention.known_requests, retention.subjects, retention.subject_holds, retention.faults, retention.released_faults, retention.evidence, policy.freeze_sets
-- decides: rights_requests.content
-- doc: When the content of an answered request goes: after the limitation period.
WITH placed AS (
    SELECT r.*, k.subject_no AS customer_no, c.subject_no AS contact_no,
        (r.customer_id IS NOT NULL AND k.subject_no IS NULL) OR (r.contact_id IS NOT NULL AND c.subject_no IS NULL) AS is_orphan,
        NOT coalesce(r.closed_on <= $as_of, false) AS is_open,
        CASE WHEN r.closed_on <= $as_of THEN plus_months(r.closed_on, $limitation_months) END AS kept_until,
        r.email IS NULL AND r.details IS NULL AND r.customer_id IS NULL AND r.contact_id IS NULL AS is_absent
    FROM retention.known_requests AS r
    LEFT JOIN retention.subjects AS k ON k.customer_id = r.customer_id AND k.contact_id IS NULL
    LEFT JOIN retention.subjects AS c ON c.contact_id = r.contact_id
    WHERE r.is_added IS NOT TRUE  -- what the warehouse does not have is forgotten where it was recorded
), decided AS (
    SELECT p.*, p.is_open OR p.kept_until > $as_of AS is_retained,
        record_holds(c.freezes, k.freezes, p.is_orphan AND u.record_id IS NULL, q.record_id IS NOT NULL, e.is_missing,
                     list_contains(e.held_entities, 'rights_requests')) AS held
    FROM placed AS p
    CROSS JOIN retention.evidence AS e
    LEFT JOIN retention.subject_holds AS c ON c.subject_no = p.contact_no AND c.entity = 'rights_requests'
    LEFT JOIN retention.subject_holds AS k ON k.subject_no = p.customer_no AND k.entity = 'rights_requests'
    LEFT JOIN retention.released_faults AS u ON u.record_id = p.request_id AND u.entity = 'rights_requests' AND u."freeze" = '{{ freeze.orphan.name }}'
    LEFT JOIN retention.faults AS q ON q.record_id = p.request_id AND q.entity = 'rights_requests'
)
SELECT CAST($as_of AS DATE) AS as_of, 'rights_requests' AS entity, request_id AS record_id, 'content' AS part,
    subject_id_of(contact_id, customer_id) AS subject_id,
    CASE WHEN contact_id IS NOT NULL THEN contact_no ELSE customer_no END AS subject_no,
    decision_of(is_absent, is_retained, held > 0) AS decision,
    CASE WHEN NOT is_absent THEN kept_until END AS due_on,
    CASE WHEN is_absent OR NOT is_retained THEN []::VARCHAR[]
         WHEN is_open THEN ['open_request'] ELSE ['limitation_period'] END AS retained_by,
    f.names AS held_by,
    $policy_version AS policy_version
FROM decided
JOIN policy.freeze_sets AS f ON f.freezes = CASE WHEN is_absent OR is_retained THEN 0 ELSE held END
