-- model: staged.products
-- grain: one row per product
-- params: no_warranty_categories
-- reads: raw.products
-- doc: Products with their warranty in whole years, 0 to 30; NULL is unknown. A category that has no warranty has 0.
SELECT
    text_of(product_id) AS product_id,
    text_of(name) AS name,
    text_of(category) AS category,
    CASE WHEN list_contains($no_warranty_categories, lower(text_of(category))) THEN 0
         WHEN number_of(warranty_years) BETWEEN 0 AND 30 AND number_of(warranty_years) = floor(number_of(warranty_years))
         THEN CAST(number_of(warranty_years) AS SMALLINT) END AS warranty_years
FROM raw.products
