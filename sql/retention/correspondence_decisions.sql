-- model: retention.correspondence_decisions
-- grain: one row per case and one per communication
-- params: as_of, policy_version, correspondence_months
-- reads: staged.cases, staged.communications, retention.order_facts, retention.guest_requests, retention.subjects, retention.subject_purposes, retention.subject_holds, retention.record_marks, retention.evidence, policy.reason_sets, policy.freeze_sets
-- decides: cases.content, communications.content
-- doc: What becomes of the content of cases and messages. A message without ids has its case's. A case without ids whose
--   order is a guest's stays as long as that order's contract. A message whose date cannot be read is due by as_of,
--   hence held, unless a purpose retains it. `reasons` is a set as bits.
WITH cases AS (
    SELECT *, NOT coalesce(closed_on <= $as_of, false) AS is_open FROM staged.cases
), guests AS (
    SELECT c.case_id, g.freezes,
        {% for blocker in ["undelivered", "unpaid", "open_case", "warranty_unknown"] %}{{ " + " if not loop.first }}CASE WHEN o.{{ blocker }} THEN {{ reason[blocker].bit }} ELSE 0 END{% endfor %} AS blockers,
        coalesce(end_after_erasure(o.contract_on, o.obligations_on, o.ordered_on, g.erased_ons), $as_of) AS contract_on
    FROM cases AS c
    JOIN retention.order_facts AS o ON o.order_id = c.order_id AND o.is_guest
    LEFT JOIN retention.guest_requests AS g ON g.record_id = o.order_id AND g.entity = 'orders'
    WHERE c.customer_id IS NULL AND c.contact_id IS NULL AND NOT c.is_unlinked
), records AS (
    SELECT 'cases' AS entity, case_id AS record_id, customer_id, contact_id, closed_on AS own_on, is_open,
        summary IS NULL AND customer_id IS NULL AND contact_id IS NULL AS is_absent, false AS is_message, false AS is_inbound
    FROM cases
    UNION ALL
    SELECT 'communications', m.communication_id,
        CASE WHEN m.customer_id IS NULL AND m.contact_id IS NULL THEN c.customer_id ELSE m.customer_id END,
        CASE WHEN m.customer_id IS NULL AND m.contact_id IS NULL THEN c.contact_id ELSE m.contact_id END,
        m.occurred_on, coalesce(c.is_open, false),
        m.sender IS NULL AND m.recipient IS NULL AND m.body IS NULL AND m.customer_id IS NULL AND m.contact_id IS NULL,
        true, coalesce(m.direction = 'in' AND m.channel IN ('digital', 'chat', 'email'), false)
    FROM staged.communications AS m LEFT JOIN cases AS c ON c.case_id = m.case_id
), placed AS (
    SELECT r.*, k.subject_no AS customer_no, c.subject_no AS contact_no,
        (r.customer_id IS NOT NULL AND k.subject_no IS NULL) OR (r.contact_id IS NOT NULL AND c.subject_no IS NULL) AS is_orphan,
        r.customer_id IS NULL AND r.contact_id IS NULL AS is_nobodys,
        p.subject_no, p.profile_on, g.freezes AS guest_freezes, coalesce(g.blockers, 0) AS blockers,
        CASE WHEN g.blockers > 0 THEN no_end() ELSE coalesce(p.contract_on, g.contract_on) END AS contract_on
    FROM records AS r
    LEFT JOIN retention.subjects AS k ON k.customer_id = r.customer_id AND k.contact_id IS NULL
    LEFT JOIN retention.subjects AS c ON c.contact_id = r.contact_id
    LEFT JOIN retention.subject_purposes AS p
        ON p.subject_no = CASE WHEN r.contact_id IS NOT NULL THEN c.subject_no ELSE k.subject_no END
    LEFT JOIN guests AS g ON g.case_id = r.record_id AND r.entity = 'cases'
), judged AS (
    SELECT *,
        CASE WHEN is_open OR (is_message AND is_nobodys AND is_inbound) THEN no_end()
             WHEN is_message AND is_nobodys THEN coalesce(plus_months(own_on, $correspondence_months), $as_of)
             ELSE greatest(coalesce(own_on, $as_of), contract_on, profile_on) END AS kept_until
    FROM placed
), reasoned AS (
    SELECT *,
        CASE WHEN is_open THEN {{ reason.open_case.bit }}
             WHEN is_message AND is_nobodys AND is_inbound THEN {{ reason.until_further_notice.bit }}
             WHEN is_message AND is_nobodys THEN CASE WHEN kept_until > $as_of THEN {{ reason.correspondence_period.bit }} ELSE 0 END
             ELSE CASE WHEN blockers > 0 THEN blockers WHEN contract_on > $as_of THEN {{ reason.contract.bit }} ELSE 0 END + CASE WHEN profile_on > $as_of THEN {{ reason.profile.bit }} ELSE 0 END
                  + CASE WHEN own_on > $as_of THEN {{ reason.not_yet.bit }} ELSE 0 END END AS reasons
    FROM judged
), decided AS (
    SELECT r.*, CASE WHEN r.reasons = 0 AND NOT r.is_absent
        THEN record_holds(c.freezes, coalesce(k.freezes, r.guest_freezes), r.is_orphan AND NOT coalesce(q.is_released, false),
                          coalesce(q.is_faulty, false), e.is_missing,
                          list_contains(e.held_entities, r.entity))
        ELSE 0 END AS held
    FROM reasoned AS r
    CROSS JOIN retention.evidence AS e
    LEFT JOIN retention.subject_holds AS c ON c.subject_no = r.contact_no AND c.entity = r.entity
    LEFT JOIN retention.subject_holds AS k ON k.subject_no = r.customer_no AND k.entity = r.entity
    LEFT JOIN retention.record_marks AS q ON q.record_id = r.record_id AND q.entity = r.entity
)
SELECT CAST($as_of AS DATE) AS as_of, d.entity, d.record_id, 'content' AS part,
    subject_id_of(d.contact_id, d.customer_id) AS subject_id, d.subject_no,
    decision_of(d.is_absent, d.reasons > 0, d.held > 0) AS decision,
    CASE WHEN NOT d.is_absent AND has_end(d.kept_until) THEN d.kept_until END AS due_on,
    s.names AS retained_by, f.names AS held_by,
    $policy_version AS policy_version
FROM decided AS d
JOIN policy.reason_sets AS s ON s.reasons = CASE WHEN d.is_absent THEN 0 ELSE d.reasons END
JOIN policy.freeze_sets AS f ON f.freezes = d.held
