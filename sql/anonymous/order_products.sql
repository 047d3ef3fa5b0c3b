-- model: anonymous.order_products
-- grain: one row per order and product; an order without lines has one row without a product
-- params: first_month, last_month, all, unknown, abroad, norway, home_currency
-- reads: staged.orders, staged.order_lines, staged.products, staged.customers, staged.contacts, retention.freezes, control.rates, anonymous.tokens
-- doc: Orders of the period that were not cancelled, without people under restriction. order_number numbers the orders
--      of this run and means nothing else. revenue_nok is NULL where no line has a price in kroner or a rate into them.
--      A postal code that enforcement has cut to one digit says nothing about the country: unknown.
WITH restricted AS (SELECT subject_id FROM retention.freezes WHERE "freeze" = 'restriction'),
orders AS (
    SELECT
        o.order_id, o.rowid AS order_number, o.contact_id, coalesce(o.customer_id, n.customer_id) AS customer_id,
        CAST(date_trunc('month', o.ordered_on) AS DATE) AS month, trim(o.delivery_postal_code) AS postal_code,
        coalesce(upper(trim(o.currency)), $home_currency) AS currency
    FROM staged.orders AS o
    LEFT JOIN staged.contacts AS n ON n.contact_id = o.contact_id
    WHERE o.cancelled_on IS NULL AND o.ordered_on BETWEEN $first_month AND last_day($last_month)
),
known AS (
    SELECT
        o.order_id, o.order_number, o.month, coalesce(t.token, u.token) AS token,
        coalesce(c.customer_type, $unknown) AS customer_type,
        CASE WHEN NOT list_contains(list_transform($norway, x -> lower(x)), lower(trim(c.country))) THEN $abroad
             WHEN o.postal_code IS NULL OR regexp_full_match(o.postal_code, '[0-9]?') THEN $unknown
             WHEN regexp_full_match(o.postal_code, '[0-9]{4}') THEN o.postal_code[1]
             ELSE $abroad END AS postal_region,
        CASE WHEN o.currency = upper($home_currency) THEN 1 ELSE CAST(r.rate AS DECIMAL(14, 6)) END AS rate
    FROM orders AS o
    LEFT JOIN staged.customers AS c ON c.customer_id = o.customer_id
    LEFT JOIN anonymous.tokens AS t ON t.kind = 'customer' AND t.value = o.customer_id
    LEFT JOIN anonymous.tokens AS u ON u.kind = 'unknown'
    LEFT JOIN control.rates AS r ON upper(r.currency) = o.currency
    WHERE NOT EXISTS (SELECT 1 FROM restricted AS x WHERE x.subject_id = 'customer:' || o.customer_id)
      AND NOT EXISTS (SELECT 1 FROM restricted AS x WHERE x.subject_id = 'contact:' || o.contact_id)
),
lines AS (
    SELECT
        order_id, product_id, quantity, returned_on IS NULL AS is_live,
        TRY_CAST(quantity * unit_price AS DECIMAL(20, 5)) AS amount
    FROM staged.order_lines
)
SELECT
    k.month, k.order_number, k.token, k.customer_type, k.postal_region,
    coalesce(nullif(l.product_id, $all), $unknown) AS product_id,
    coalesce(nullif(p.name, $all), $unknown) AS product_name,
    coalesce(nullif(p.category, $all), $unknown) AS product_category,
    count(l.order_id) AS lines,
    count(l.order_id) FILTER (l.is_live) AS live_lines,
    coalesce(sum(l.quantity) FILTER (l.is_live), 0) AS units,
    coalesce(sum(l.quantity) FILTER (NOT l.is_live), 0) AS returned_units,
    CASE WHEN count(l.order_id) FILTER (l.is_live) = 0 THEN 0
         ELSE sum(CAST(l.amount * k.rate AS DECIMAL(24, 5))) FILTER (l.is_live) END AS revenue_nok,
    count(l.order_id) FILTER (l.is_live AND l.amount IS NOT NULL AND k.rate IS NULL) AS unconverted_lines
FROM known AS k
LEFT JOIN lines AS l ON l.order_id = k.order_id
LEFT JOIN staged.products AS p ON p.product_id = l.product_id
GROUP BY ALL
