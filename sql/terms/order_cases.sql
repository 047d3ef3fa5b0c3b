-- model: terms.order_cases
-- grain: one row per asked subject, order looked at, and case about it
-- params: as_of
-- reads: terms.orders, staged.cases
-- doc: Cases of orders, whoever's they are.
SELECT o.subject_no, o.order_id, c.case_id, c.closed_on, NOT coalesce(c.closed_on <= $as_of, false) AS is_open
FROM staged.cases AS c JOIN terms.orders AS o ON o.order_id = c.order_id
