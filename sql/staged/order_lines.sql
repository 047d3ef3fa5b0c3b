-- model: staged.order_lines
-- grain: one row per order line
-- params: first_day, last_day
-- reads: raw.order_lines
-- doc: Order lines, typed.
SELECT
    text_of(order_id) AS order_id,
    integer_of(line_number) AS line_number,
    text_of(product_id) AS product_id,
    TRY_CAST(number_of(quantity) AS DECIMAL(18, 3)) AS quantity,
    amount_of(unit_price) AS unit_price,
    local_on(delivered_at, $first_day, $last_day) AS delivered_on,
    local_on(returned_at, $first_day, $last_day) AS returned_on
FROM raw.order_lines
