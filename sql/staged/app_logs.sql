-- model: staged.app_logs
-- grain: one row per log line
-- params: first_day, last_day, plausible_sentinels
-- reads: raw.app_logs
-- doc: Log lines of the services, typed and trimmed.
SELECT
    text_of(log_id) AS log_id,
    date_on(logged_at, $first_day, $last_day, $plausible_sentinels) AS logged_on,
    text_of(service) AS service,
    text_of(level) AS level,
    text_of(username) AS username,
    text_of(ip_address) AS ip_address,
    text_of(message) AS message
FROM raw.app_logs
