-- model: retention.relied_on
-- grain: one row per record that is due by its own, subject and purpose that it still keeps somebody else's data by
-- params: as_of, contract_tail_months, profile_tail_months, individualisation_tail_months
-- reads: retention.record_decisions, retention.order_owners, retention.case_owners, retention.subject_purposes, retention.subject_requests, retention.released_orders
-- doc: An erasure ends an order or a case for whoever asked, not for the other person that it names, nor for a profile made
--   since then. Once such a record is unlinked that person's purposes would end earlier: it has to wait. A purpose is the
--   latest of its terms, so what lies no later than as_of can be taken away from one that is active.
WITH terms AS (
    SELECT 'orders' AS entity, o.order_id AS record_id, o.subject_no,
        CASE WHEN o.unpaid AND r.order_id IS NULL THEN DATE 'infinity'
             ELSE end_after_erasure(o.contract_on, o.obligations_on, o.ordered_on, e.erased_ons) END AS contract_on,
        o.profile_on, plus_months(o.transaction_on, $individualisation_tail_months) AS individualisation_on
    FROM retention.order_owners AS o
    SEMI JOIN (SELECT record_id FROM retention.record_decisions
               WHERE entity = 'orders' AND part = 'link' AND decision = 'due') AS d ON d.record_id = o.order_id
    LEFT JOIN retention.released_orders AS r ON r.subject_no = o.subject_no AND r.order_id = o.order_id
    LEFT JOIN retention.subject_requests AS e ON e.subject_no = o.subject_no
    UNION ALL
    SELECT 'cases', c.case_id, c.subject_no,
        end_after_erasure(plus_months(c.closed_on, $contract_tail_months), c.closed_on, c.opened_on, e.erased_ons),
        plus_months(c.closed_on, $profile_tail_months), plus_months(c.closed_on, $individualisation_tail_months)
    FROM retention.case_owners AS c
    SEMI JOIN (SELECT record_id FROM retention.record_decisions
               WHERE entity = 'cases' AND decision = 'due') AS d ON d.record_id = c.case_id
    LEFT JOIN retention.subject_requests AS e ON e.subject_no = c.subject_no
), named AS (
    SELECT t.*, s.subject_id, s.contract_on AS contract_active_on, s.profile_on AS profile_active_on,
        greatest(s.individualisation_on, s.identification_on) AS individualisation_active_on
    FROM terms AS t JOIN retention.subject_purposes AS s USING (subject_no)
)
SELECT entity, record_id, subject_id, 'contract' AS purpose FROM named
WHERE contract_on > $as_of AND contract_active_on > $as_of
UNION ALL
SELECT entity, record_id, subject_id, 'profile' FROM named WHERE profile_on > $as_of AND profile_active_on > $as_of
UNION ALL
SELECT entity, record_id, subject_id, 'individualisation' FROM named
WHERE individualisation_on > $as_of AND individualisation_active_on > $as_of
