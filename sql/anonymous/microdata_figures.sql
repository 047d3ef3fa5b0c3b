-- model: anonymous.microdata_figures
-- grain: one row per row of customers that may be in the microdata
-- params: microdata_is_due, microdata_month, home_currency
-- reads: anonymous.microdata_people, retention.subjects, staged.contacts, staged.orders, staged.order_lines, control.rates
-- doc: Quasi-identifiers in their finest values and what the sensitive bands are made of: orders up to the month's end that
--      were not cancelled, kroner spent on lines that were not returned, full months since the last order (NULL without
--      one). Contacts count as their customer. An amount without a rate into kroner is left out.
WITH orders AS (
    SELECT
        o.order_id, coalesce(o.customer_id, n.customer_id) AS customer_id, o.ordered_on,
        CASE WHEN coalesce(upper(trim(o.currency)), $home_currency) = upper($home_currency) THEN 1
             ELSE CAST(r.rate AS DECIMAL(14, 6)) END AS rate
    FROM staged.orders AS o
    LEFT JOIN staged.contacts AS n ON n.contact_id = o.contact_id
    LEFT JOIN control.rates AS r ON upper(r.currency) = upper(trim(o.currency))
    WHERE o.cancelled_on IS NULL AND o.ordered_on <= last_day($microdata_month)
),
amounts AS (
    SELECT order_id, sum(TRY_CAST(quantity * unit_price AS DECIMAL(20, 5))) AS amount
    FROM staged.order_lines
    WHERE returned_on IS NULL
    GROUP BY order_id
),
totals AS (
    SELECT
        o.customer_id, count(*) AS orders, max(o.ordered_on) AS last_on,
        greatest(coalesce(sum(at_rate(a.amount, o.rate)), 0), 0) AS spend
    FROM orders AS o
    LEFT JOIN amounts AS a ON a.order_id = o.order_id
    GROUP BY o.customer_id
)
SELECT
    p.person, p.customer_type, p.postal_region, p.age_band, p.gender, p.industry, p.tenure_band,
    coalesce(t.orders, 0) AS orders, coalesce(t.spend, 0) AS spend,
    12 * (year($microdata_month) - year(t.last_on)) + month($microdata_month) - month(t.last_on) AS months
FROM anonymous.microdata_people AS p
JOIN retention.subjects AS s ON s.subject_no = p.person
LEFT JOIN totals AS t ON t.customer_id = s.customer_id
WHERE p.is_included AND $microdata_is_due
