-- model: anonymous.categories
-- grain: one row per product category of the shop
-- params: all, unknown, most_characters
-- reads: staged.products, anonymous.order_products
-- doc: Every category that a product of the shop has, whether anybody bought one or not, and the unknown one.
SELECT DISTINCT coalesce(nullif(shown_text(category, $most_characters), $all), $unknown) AS product_category FROM staged.products
UNION
SELECT $unknown
UNION
SELECT DISTINCT product_category FROM anonymous.order_products
