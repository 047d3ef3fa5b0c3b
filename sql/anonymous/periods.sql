-- model: anonymous.periods
-- grain: one row per population of facts and month of it that is published now
-- params: period_populations, period_fact_months, period_months, period_lengths
-- reads:
-- doc: The period in which the facts of a month are published: its first day, and its length. Facts of other months are
--      in no table of this run: their period is published already, or has not ended.
SELECT
    unnest(CAST($period_populations AS VARCHAR[])) AS population,
    unnest(CAST($period_fact_months AS DATE[])) AS fact_month,
    unnest(CAST($period_months AS DATE[])) AS month,
    unnest(CAST($period_lengths AS VARCHAR[])) AS period
