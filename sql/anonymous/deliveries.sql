-- model: anonymous.deliveries
-- grain: one row per delivered order
-- params: other, unknown, abroad, home_spellings, postal_pattern, region_width, region_starts, region_labels
-- reads: staged.orders, staged.order_lines, staged.customers, staged.contacts, retention.kept_out, control.carried_facts, anonymous.periods, anonymous.people_groups, anonymous.tokens
-- doc: Deliveries of the published periods, without people who are kept out and without any number of the order. The day is the
--      order's own, else that of its last live line once every live line is delivered. days is NULL without a day of
--      ordering. partial_orders is 1 where live lines came on more than one day.
WITH restricted AS (SELECT id_of_kind('customer', subject_id) AS customer_id, id_of_kind('contact', subject_id) AS contact_id FROM retention.kept_out),
restricted_orders AS (SELECT record_id AS order_id FROM retention.kept_out WHERE entity = 'orders'),  -- of guests
span AS (SELECT min(fact_month) AS first_day, last_day(max(fact_month)) AS last_day FROM anonymous.periods WHERE population = 'deliveries' HAVING count(*) > 0),
orders AS (  -- whose own day, where they have one, may be in a published period
    SELECT o.order_id, o.ordered_on, o.delivered_on, o.customer_id, o.contact_id, o.tombstone_type, o.delivery_postal_code
    FROM staged.orders AS o
    JOIN span AS s ON coalesce(o.delivered_on BETWEEN s.first_day AND s.last_day, true)
),
lines AS (
    SELECT
        l.order_id,
        CASE WHEN count(l.delivered_on) = count(*) THEN max(l.delivered_on) END AS last_line_on,
        count(DISTINCT coalesce(l.delivered_on, o.delivered_on)) AS delivery_days
    FROM staged.order_lines AS l
    JOIN orders AS o ON o.order_id = l.order_id
    WHERE l.returned_on IS NULL
    GROUP BY l.order_id
),
deliveries AS (
    SELECT
        o.order_id, o.ordered_on, o.contact_id, o.tombstone_type, o.delivery_postal_code AS postal_code,
        coalesce(o.customer_id, n.customer_id, f.contributor) AS customer_id, f.region,
        coalesce(o.delivered_on, l.last_line_on) AS delivered_on,
        coalesce(l.delivery_days, 0) AS delivery_days
    FROM orders AS o
    LEFT JOIN lines AS l ON l.order_id = o.order_id
    LEFT JOIN staged.contacts AS n ON n.contact_id = o.contact_id
    LEFT JOIN control.carried_facts AS f ON f.entity = 'orders' AND f.record_id = o.order_id
)
SELECT
    p.month, p.period,
    coalesce(g.shown_region, $other) AS postal_region,
    coalesce(t.token, (SELECT token FROM anonymous.tokens WHERE kind = 'unknown')) AS token,
    1 AS orders,
    date_diff('day', d.ordered_on, d.delivered_on) AS days,
    CASE WHEN d.delivery_days > 1 THEN 1 ELSE 0 END AS partial_orders
FROM deliveries AS d
JOIN anonymous.periods AS p ON p.population = 'deliveries' AND p.fact_month = CAST(date_trunc('month', d.delivered_on) AS DATE)
LEFT JOIN staged.customers AS c ON c.customer_id = d.customer_id
LEFT JOIN anonymous.people_groups AS g ON g.customer_type = coalesce(c.stated_type, d.tombstone_type, $unknown)
    AND g.postal_region = coalesce(d.region, region_of(c.country, d.postal_code, $home_spellings, $postal_pattern, $region_width, $region_starts, $region_labels, $unknown, $abroad))
LEFT JOIN anonymous.tokens AS t ON t.kind = 'customer' AND t.value = d.customer_id
ANTI JOIN restricted AS x ON x.customer_id = d.customer_id
ANTI JOIN restricted AS y ON y.contact_id = d.contact_id
ANTI JOIN restricted_orders AS z ON z.order_id = d.order_id
