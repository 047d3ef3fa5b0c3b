-- model: anonymous.microdata
-- grain: one row per row of customers that may be in the microdata
-- params: orders_band_starts, orders_band_labels, spend_band_starts, spend_band_labels, last_order_band_starts, last_order_band_labels, last_order_band_none
-- reads: anonymous.microdata_figures
-- doc: The figures in bands: the policy's, or those that the release draws where the policy's tell too few people apart; it
--      then runs this model again.
SELECT
    person, customer_type, postal_region, age_band, gender, industry, tenure_band,
    list_extract($orders_band_labels, len(list_filter($orders_band_starts, lambda x: x <= orders))) AS orders_band,
    list_extract($spend_band_labels, len(list_filter($spend_band_starts, lambda x: x <= spend))) AS spend_band,
    CASE WHEN months IS NULL THEN $last_order_band_none
         ELSE list_extract($last_order_band_labels, len(list_filter($last_order_band_starts, lambda x: x <= months)))
         END AS last_order_band
FROM anonymous.microdata_figures
