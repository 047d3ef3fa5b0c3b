-- model: published.customers_microdata
-- grain: one row per row of customers that may be in the microdata
-- reads: anonymous.microdata
-- doc: The finest values, before recoding: what is published is made of these rows by the release, and proven there.
SELECT
    customer_type, postal_region, age_band, gender, industry, tenure_band,
    orders_band, spend_band, last_order_band
FROM anonymous.microdata
