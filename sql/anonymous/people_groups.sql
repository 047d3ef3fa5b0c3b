-- model: anonymous.people_groups
-- grain: one row per customer type and postal region that a fact may have
-- params: k, group_types, group_regions, abroad, unknown, other, home_spellings, postal_pattern, region_width, region_starts, region_labels, kept_types, kept_regions, kept_shown_types, kept_shown_regions
-- reads: staged.customers
-- doc: How the people behind a fact are described: by their type and region where the register has k customers of both,
--      else by the region other, and where that is small too, by the type other as well. Where all that is left is itself
--      too small, the smallest groups join it. What an earlier release has decided stays, however the register changes.
WITH register AS (
    SELECT
        coalesce(stated_type, $unknown) AS customer_type,
        region_of(country, postal_code, $home_spellings, $postal_pattern, $region_width, $region_starts, $region_labels, $unknown, $abroad) AS postal_region,
        count(*) AS customers
    FROM staged.customers
    GROUP BY ALL
),
listed AS (
    SELECT t.customer_type, r.postal_region, coalesce(n.customers, 0) AS customers
    FROM (SELECT unnest(CAST($group_types AS VARCHAR[])) AS customer_type) AS t
    CROSS JOIN (SELECT unnest(CAST($group_regions AS VARCHAR[])) AS postal_region) AS r
    LEFT JOIN register AS n USING (customer_type, postal_region)
),
by_region AS (
    SELECT *, CASE WHEN customers >= $k THEN postal_region ELSE $other END AS shown_region FROM listed
),
by_type AS (
    SELECT *, CASE WHEN sum(customers) OVER (PARTITION BY customer_type, shown_region) >= $k THEN customer_type ELSE $other END
        AS shown_type
    FROM by_region
),
small AS (SELECT sum(customers) AS customers FROM by_type WHERE shown_type = $other),
joining AS (  -- groups in the order in which they join what is left, each while it is too small
    SELECT
        shown_type, shown_region,
        any_value((SELECT customers FROM small)) + coalesce(sum(sum(customers)) OVER (
            ORDER BY shown_region <> $other, sum(customers), shown_type, shown_region
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) < $k AS joins
    FROM by_type
    WHERE shown_type <> $other
    GROUP BY shown_type, shown_region
),
kept AS (
    SELECT
        unnest(CAST($kept_types AS VARCHAR[])) AS customer_type, unnest(CAST($kept_regions AS VARCHAR[])) AS postal_region,
        unnest(CAST($kept_shown_types AS VARCHAR[])) AS shown_type, unnest(CAST($kept_shown_regions AS VARCHAR[])) AS shown_region
)
SELECT
    b.customer_type, b.postal_region,
    coalesce(e.shown_type, CASE WHEN j.joins THEN $other ELSE b.shown_type END) AS shown_type,
    coalesce(e.shown_region, CASE WHEN j.joins THEN $other ELSE b.shown_region END) AS shown_region,
    e.shown_type IS NOT NULL AS is_kept
FROM by_type AS b
LEFT JOIN joining AS j USING (shown_type, shown_region)
LEFT JOIN kept AS e ON e.customer_type = b.customer_type AND e.postal_region = b.postal_region
