-- model: terms.lines
-- grain: one row per asked subject, order looked at, and line
-- params: unknown_warranty_years
-- reads: terms.orders, staged.order_lines, staged.products
-- doc: Lines with the delivery that counts and the years of warranty that count; NULL years are unknown.
SELECT o.subject_no, o.order_id, l.line_number, l.product_id, coalesce(l.delivered_on, o.delivered_on) AS delivered_on,
    l.returned_on, l.returned_on IS NULL AS is_live, o.has_warranty,
    warranty_years_of(l.product_id, p.warranty_years, $unknown_warranty_years) AS warranty_years
FROM staged.order_lines AS l
JOIN terms.orders AS o ON o.order_id = l.order_id
LEFT JOIN staged.products AS p ON p.product_id = l.product_id
