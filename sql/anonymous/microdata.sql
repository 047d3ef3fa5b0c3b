-- model: anonymous.microdata
-- grain: one row per row of customers that may be in the microdata
-- params: microdata_month, home_currency, orders_band_starts, orders_band_labels, spend_band_starts, spend_band_labels, last_order_band_starts, last_order_band_labels, last_order_band_none
-- reads: anonymous.microdata_people, staged.customers, staged.contacts, staged.orders, staged.order_lines, control.rates
-- doc: Quasi-identifiers in their finest values and the sensitive bands, by the orders up to the month's end that were not
--      cancelled. Contacts count as their customer. An amount without a rate into kroner is left out.
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
        greatest(coalesce(sum(TRY_CAST(a.amount * o.rate AS DECIMAL(24, 5))), 0), 0) AS spend
    FROM orders AS o
    LEFT JOIN amounts AS a ON a.order_id = o.order_id
    GROUP BY o.customer_id
),
known AS (
    SELECT
        p.person, p.customer_type, p.postal_region, p.age_band, p.gender, p.industry, p.tenure_band,
        coalesce(t.orders, 0) AS orders, coalesce(t.spend, 0) AS spend,
        12 * (year($microdata_month) - year(t.last_on)) + month($microdata_month) - month(t.last_on) AS months
    FROM anonymous.microdata_people AS p
    JOIN staged.customers AS c ON c.rowid = p.person
    LEFT JOIN totals AS t ON t.customer_id = c.customer_id
    WHERE p.is_included
)
SELECT
    person, customer_type, postal_region, age_band, gender, industry, tenure_band,
    list_extract($orders_band_labels, len(list_filter($orders_band_starts, lambda x: x <= orders))) AS orders_band,
    list_extract($spend_band_labels, len(list_filter($spend_band_starts, lambda x: x <= spend))) AS spend_band,
    CASE WHEN months IS NULL THEN $last_order_band_none
         ELSE list_extract($last_order_band_labels, len(list_filter($last_order_band_starts, lambda x: x <= months)))
         END AS last_order_band
FROM known
