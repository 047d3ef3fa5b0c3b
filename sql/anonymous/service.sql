-- model: anonymous.service
-- grain: one row per case, category and event (opened, closed) in the published periods
-- params: all, unknown, most_characters
-- reads: staged.cases, staged.orders, staged.order_lines, staged.products, staged.contacts, retention.kept_out, control.carried_facts, anonymous.periods, anonymous.tokens
-- doc: Cases opened or closed in the published periods, without people who are kept out and without any number of the case. The
--      category (all) holds each case once; the others hold it once for each category of its order's live lines, and
--      under unknown when there is no such order. Whoever placed the order is no contributor, but a restriction of theirs
--      counts. days_open is of cases closed in the period.
WITH restricted AS (SELECT id_of_kind('customer', subject_id) AS customer_id, id_of_kind('contact', subject_id) AS contact_id FROM retention.kept_out),
restricted_orders AS (SELECT record_id AS order_id FROM retention.kept_out WHERE entity = 'orders'),  -- of guests
span AS (SELECT min(fact_month) AS first_day, last_day(max(fact_month)) AS last_day FROM anonymous.periods WHERE population = 'cases'),
cases AS (
    SELECT
        a.case_id, a.order_id, a.contact_id, coalesce(a.kind, $unknown) AS kind, a.opened_on, a.closed_on,
        coalesce(a.customer_id, n.customer_id, f.contributor) AS customer_id, o.customer_id AS order_customer_id,
        o.order_id IS NOT NULL AS has_order
    FROM staged.cases AS a
    LEFT JOIN staged.contacts AS n ON n.contact_id = a.contact_id
    LEFT JOIN control.carried_facts AS f ON f.entity = 'cases' AND f.record_id = a.case_id
    LEFT JOIN staged.orders AS o ON o.order_id = a.order_id
    JOIN span AS s ON a.opened_on BETWEEN s.first_day AND s.last_day OR a.closed_on BETWEEN s.first_day AND s.last_day
),
products AS (  -- each text is looked at once, not once a line
    SELECT product_id, nullif(shown_text(category, $most_characters), $all) AS product_category FROM staged.products
),
categories AS (
    SELECT DISTINCT l.order_id, coalesce(p.product_category, $unknown) AS product_category
    FROM staged.order_lines AS l
    LEFT JOIN products AS p ON p.product_id = l.product_id
    WHERE l.returned_on IS NULL AND l.order_id IN (SELECT order_id FROM cases)
),
placed AS (
    SELECT c.*, $all AS product_category FROM cases AS c
    UNION ALL
    SELECT c.*, coalesce(g.product_category, $unknown)
    FROM cases AS c
    LEFT JOIN categories AS g ON g.order_id = c.order_id
    WHERE g.order_id IS NOT NULL OR NOT c.has_order
),
events AS (
    SELECT *, opened_on AS happened_on, 1 AS opened, 0 AS closed, NULL AS days_open FROM placed
    UNION ALL
    SELECT *, closed_on, 0, 1, date_diff('day', opened_on, closed_on)
    FROM placed
    WHERE closed_on IS NOT NULL
)
SELECT
    p.month, p.period,
    e.kind, e.product_category,
    coalesce(t.token, (SELECT token FROM anonymous.tokens WHERE kind = 'unknown')) AS token,
    e.opened, e.closed, e.days_open
FROM (SELECT *, coalesce(customer_id, order_customer_id) AS asked_by, CASE WHEN customer_id IS NULL THEN order_id END AS guest_order_id FROM events) AS e
JOIN anonymous.periods AS p ON p.population = 'cases' AND p.fact_month = CAST(date_trunc('month', e.happened_on) AS DATE)
LEFT JOIN anonymous.tokens AS t ON t.kind = 'customer' AND t.value = e.customer_id
ANTI JOIN restricted AS x ON x.customer_id = e.asked_by
ANTI JOIN restricted AS y ON y.contact_id = e.contact_id
ANTI JOIN restricted_orders AS z ON z.order_id = e.guest_order_id
