-- model: anonymous.order_products
-- grain: one row per order and product; an order without lines has one row without a product
-- params: all, other, unknown, abroad, home_spellings, postal_pattern, region_width, region_starts, region_labels, home_currency, most_characters
-- reads: staged.orders, staged.order_lines, staged.products, staged.customers, staged.contacts, retention.kept_out, control.rates, control.carried_facts, anonymous.periods, anonymous.people_groups, anonymous.tokens
-- doc: Orders of the published periods that were not cancelled, without people who are kept out. order_number numbers the orders
--      of this run and means nothing else; nameless_order is the same, where nobody is known to stand behind the order.
--      revenue_nok is NULL where no line has a price in kroner or a rate into them; it is
--      rounded here, so that cells add up to their totals.
--      A postal code that was generalised to one digit keeps its region, an unlinked order its customer type: totals
--      do not change when people are anonymised. Who was carried out before a period closes counts as before.
WITH restricted AS (SELECT id_of_kind('customer', subject_id) AS customer_id, id_of_kind('contact', subject_id) AS contact_id FROM retention.kept_out),
restricted_orders AS (SELECT record_id AS order_id FROM retention.kept_out WHERE entity = 'orders'),  -- of guests
orders AS (
    SELECT
        o.order_id, row_number() OVER (ORDER BY o.order_id) AS order_number, o.contact_id, o.tombstone_type, coalesce(o.customer_id, n.customer_id, f.contributor) AS customer_id, f.region,
        p.month, p.period, o.delivery_postal_code AS postal_code,
        coalesce(upper(trim(o.currency)), $home_currency) AS currency
    FROM staged.orders AS o
    JOIN anonymous.periods AS p ON p.population = 'orders' AND p.fact_month = CAST(date_trunc('month', o.ordered_on) AS DATE)
    LEFT JOIN staged.contacts AS n ON n.contact_id = o.contact_id
    LEFT JOIN control.carried_facts AS f ON f.entity = 'orders' AND f.record_id = o.order_id
    WHERE o.cancelled_on IS NULL
),
known AS (
    SELECT
        o.order_id, o.order_number, o.month, o.period, coalesce(t.token, (SELECT token FROM anonymous.tokens WHERE kind = 'unknown')) AS token,
        CASE WHEN t.token IS NULL THEN o.order_number END AS nameless_order,
        coalesce(g.shown_type, $other) AS customer_type,
        coalesce(g.shown_region, $other) AS postal_region,
        CASE WHEN o.currency = upper($home_currency) THEN 1 ELSE CAST(r.rate AS DECIMAL(14, 6)) END AS rate
    FROM orders AS o
    LEFT JOIN staged.customers AS c ON c.customer_id = o.customer_id
    LEFT JOIN anonymous.people_groups AS g ON g.customer_type = coalesce(c.stated_type, o.tombstone_type, $unknown)
        AND g.postal_region = coalesce(o.region, region_of(c.country, o.postal_code, $home_spellings, $postal_pattern, $region_width, $region_starts, $region_labels, $unknown, $abroad))
    LEFT JOIN anonymous.tokens AS t ON t.kind = 'customer' AND t.value = o.customer_id
    LEFT JOIN control.rates AS r ON upper(r.currency) = o.currency
    ANTI JOIN restricted AS x ON x.customer_id = o.customer_id
    ANTI JOIN restricted AS y ON y.contact_id = o.contact_id
    ANTI JOIN restricted_orders AS z ON z.order_id = o.order_id
),
lines AS (
    SELECT
        order_id, product_id, count(*) AS lines,
        count(*) FILTER (returned_on IS NULL) AS live_lines,
        coalesce(sum(quantity) FILTER (returned_on IS NULL), 0) AS units,
        coalesce(sum(quantity) FILTER (returned_on IS NOT NULL), 0) AS returned_units,
        sum(TRY_CAST(quantity * unit_price AS DECIMAL(20, 5))) FILTER (returned_on IS NULL) AS amount,
        min(TRY_CAST(unit_price AS DECIMAL(20, 5))) FILTER (returned_on IS NULL) AS lowest,
        max(TRY_CAST(unit_price AS DECIMAL(20, 5))) FILTER (returned_on IS NULL) AS highest
    FROM staged.order_lines
    WHERE order_id IN (SELECT order_id FROM known)
    GROUP BY order_id, product_id
),
products AS (  -- each text is looked at once, not once a line
    SELECT
        product_id,
        nullif(shown_text(name, $most_characters), $all) AS product_name,
        nullif(shown_text(category, $most_characters), $all) AS product_category
    FROM staged.products
)
SELECT
    k.month, k.period, k.order_number, k.token, k.nameless_order, k.customer_type, k.postal_region,
    coalesce(nullif(l.product_id, $all), $unknown) AS product_id,
    coalesce(p.product_name, $unknown) AS product_name,
    coalesce(p.product_category, $unknown) AS product_category,
    coalesce(l.lines, 0) AS lines,
    coalesce(l.live_lines, 0) AS live_lines,
    coalesce(l.units, 0) AS units,
    coalesce(l.returned_units, 0) AS returned_units,
    CASE WHEN coalesce(l.live_lines, 0) = 0 THEN 0 ELSE TRY_CAST(round(l.amount * k.rate, 2) AS DECIMAL(24, 5)) END AS revenue_nok,
    at_rate(l.lowest, k.rate) AS lowest_price,
    at_rate(l.highest, k.rate) AS highest_price,
    CASE WHEN k.rate IS NULL AND l.amount IS NOT NULL THEN l.live_lines ELSE 0 END AS unconverted_lines
FROM known AS k
LEFT JOIN lines AS l ON l.order_id = k.order_id
LEFT JOIN products AS p ON p.product_id = l.product_id
