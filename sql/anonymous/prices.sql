-- model: anonymous.prices
-- grain: one row per period and product with a live line
-- reads: anonymous.order_products
-- doc: The lowest and the highest price of a product in a period, in kroner: what a reader who knows the price list knows.
--      NULL where no line has a price in kroner or a rate into them.
SELECT month, product_id, min(lowest_price) AS lowest, max(highest_price) AS highest
FROM anonymous.order_products
WHERE live_lines > 0
GROUP BY month, product_id
