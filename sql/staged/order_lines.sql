-- model: staged.order_lines
-- grain: one row per order line
-- params: first_day, last_day, plausible_sentinels, end_before_beginning_days
-- reads: raw.order_lines, staged.orders
-- doc: Order lines, typed. A delivery or a return long before the order was placed is none.
WITH read AS (
    SELECT
        text_of(order_id) AS order_id,
        integer_of(line_number) AS line_number,
        text_of(product_id) AS product_id,
        TRY_CAST(number_of(quantity) AS DECIMAL(18, 3)) AS quantity,
        amount_of(unit_price) AS unit_price,
        date_on(delivered_at, $first_day, $last_day, $plausible_sentinels) AS delivered_on,
        date_on(returned_at, $first_day, $last_day, $plausible_sentinels) AS returned_on
    FROM raw.order_lines
)
SELECT l.order_id, l.line_number, l.product_id, l.quantity, l.unit_price,
    end_on(l.delivered_on, o.ordered_on, $end_before_beginning_days) AS delivered_on,
    end_on(l.returned_on, o.ordered_on, $end_before_beginning_days) AS returned_on
FROM read AS l
LEFT JOIN staged.orders AS o ON o.order_id = l.order_id
