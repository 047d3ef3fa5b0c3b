-- model: retention.relied_on
-- grain: one row per record that is due by its own and subject whose purpose still rests on it
-- params: as_of, contract_tail_months, profile_tail_months, individualisation_tail_months
-- reads: retention.record_decisions, retention.order_owners, retention.case_owners, retention.subject_purposes, retention.subject_requests, retention.released_orders
-- doc: An erasure ends an order or a case for whoever asked, not for the other person that it names, nor for a profile made
--   since then. Once such a record is unlinked that person's purposes would end earlier: it has to wait. A purpose is the
--   latest of its terms, so what lies no later than as_of can be taken away from one that is active.
WITH terms AS (
    SELECT 'orders' AS entity, o.order_id AS record_id, o.subject_no,
        CASE WHEN o.unpaid AND r.order_id IS NULL THEN no_end()
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
), relied AS (
    SELECT t.entity, t.record_id, s.subject_id,
        CASE WHEN t.contract_on > $as_of AND s.contract_on > $as_of THEN 'contract'
             WHEN t.profile_on > $as_of AND s.profile_on > $as_of THEN 'profile'
             WHEN t.individualisation_on > $as_of AND greatest(s.individualisation_on, s.identification_on) > $as_of
                 THEN 'individualisation' END AS purpose
    FROM terms AS t JOIN retention.subject_purposes AS s ON s.subject_no = t.subject_no
)
SELECT entity, record_id, subject_id, purpose FROM relied WHERE purpose IS NOT NULL
