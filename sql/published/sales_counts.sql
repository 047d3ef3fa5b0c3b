-- model: published.sales_counts
-- grain: one row per period, product category, postal region and customer type that there may be; no totals
-- params: all
-- reads: anonymous.sales, anonymous.categories, anonymous.people_groups, anonymous.periods
-- doc: How many customers bought what, for each category of the shop and each description of people, also where nobody
--      did: that a cell is listed says nothing. Its counts leave rounded alone, and their totals are those of rounded ones.
WITH cells AS (
    SELECT p.month, p.period, c.product_category, g.postal_region, g.customer_type
    FROM (SELECT DISTINCT month, period FROM anonymous.periods WHERE population = 'orders') AS p
    CROSS JOIN anonymous.categories AS c
    CROSS JOIN (SELECT DISTINCT shown_region AS postal_region, shown_type AS customer_type FROM anonymous.people_groups) AS g
),
bought AS (
    SELECT month, product_category, postal_region, customer_type,
        count(*) - count(nameless_order) + least(count(nameless_order), 1) AS customers
    FROM anonymous.sales
    WHERE product_category <> $all
    GROUP BY ALL
)
SELECT month, c.period, product_category, postal_region, customer_type, coalesce(b.customers, 0) AS customers
FROM cells AS c
LEFT JOIN bought AS b USING (month, product_category, postal_region, customer_type)
