-- The macros of macros.sql that Spark says otherwise: the same names, parameters and meaning, in Spark's own SQL. What does
-- not stand here is translated (storage/spark/dialect.py). tests/sql/engines/macros.toml holds both against one table.

-- Spark's own list of characters to trim, as a literal of its dialect.
CREATE TEMPORARY MACRO text_of(x) AS nullif(trim(BOTH white_space() FROM CAST(x AS STRING)), '');

CREATE TEMPORARY MACRO is_plain_email(x) AS
    x RLIKE '\\A[!-9;=?A-~]+@[!-9;=?A-~]+\\z' AND NOT contains(lower(x), '@xn--') AND NOT contains(lower(x), '.xn--');

CREATE TEMPORARY MACRO is_common_moment(x) AS x RLIKE
    '\\A[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,6})?(Z|[-+]([01][0-9]|2[0-3])(:[0-5][0-9])?)?)?)?\\z';

-- A zone of hours alone gets its minutes: Spark reads none without. A moment without a zone is local already.
CREATE TEMPORARY MACRO local_at(x) AS
    CASE WHEN typeof(x) <> 'string' THEN try_cast(x AS TIMESTAMP_NTZ)
         WHEN NOT is_common_moment(CAST(x AS STRING)) THEN NULL
         WHEN length(CAST(x AS STRING)) > 19
         THEN CAST(try_cast(regexp_replace(CAST(x AS STRING), '([-+][0-9]{2})\\z', '$1:00') AS TIMESTAMP_LTZ) AS TIMESTAMP_NTZ)
         ELSE try_cast(CAST(x AS STRING) AS TIMESTAMP_NTZ) END;

-- A shortcut of DuckDB's; Spark converts the zone of every value.
CREATE TEMPORARY MACRO is_surely_plausible(x, first_day, last_day) AS false;
CREATE TEMPORARY MACRO day_of(x) AS try_cast(x AS DATE);

CREATE TEMPORARY MACRO is_on_one_of(x, days) AS
    array_contains(days, CAST(local_at(x) AS DATE)) OR array_contains(days,
        CASE typeof(x) WHEN 'string' THEN try_cast(left(CAST(x AS STRING), 10) AS DATE)
                       WHEN 'timestamp' THEN CAST(to_utc_timestamp(try_cast(x AS TIMESTAMP_LTZ), current_timezone()) AS DATE) END);

CREATE TEMPORARY MACRO amount_of(x) AS
    CASE WHEN typeof(x) LIKE 'decimal%' THEN try_cast(x AS DECIMAL(18, 2))
         WHEN is_number(x) THEN try_cast(text_of(x) AS DECIMAL(18, 2)) END;

-- What both engines read as a number: digits with a point and an exponent. Spark alone takes 1d and 1f for one.
CREATE TEMPORARY MACRO is_number(x) AS text_of(x) RLIKE '\\A[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?\\z';

CREATE TEMPORARY MACRO number_of(x) AS
    CASE WHEN typeof(x) <> 'string'
         THEN CASE WHEN NOT isnan(try_cast(x AS DOUBLE)) AND abs(try_cast(x AS DOUBLE)) < double('infinity') THEN try_cast(x AS DOUBLE) END
         WHEN is_number(x) AND abs(try_cast(text_of(x) AS DOUBLE)) < double('infinity') THEN try_cast(text_of(x) AS DOUBLE) END;

CREATE TEMPORARY MACRO boolean_of(x) AS
    CASE WHEN typeof(x) <> 'string' THEN try_cast(x AS BOOLEAN)
         WHEN lower(text_of(x)) IN ('true', 't', 'yes', 'y', '1') THEN true
         WHEN lower(text_of(x)) IN ('false', 'f', 'no', 'n', '0') THEN false END;

CREATE TEMPORARY MACRO integer_of(x) AS
    CASE WHEN typeof(x) <> 'string' THEN try_cast(round(try_cast(x AS DECIMAL(38, 6))) AS BIGINT)
         WHEN number_of(x) = floor(number_of(x)) THEN try_cast(try_cast(text_of(x) AS DECIMAL(38, 10)) AS BIGINT) END;

CREATE TEMPORARY MACRO is_given(x) AS
    CASE WHEN typeof(x) <> 'string' THEN x IS NOT NULL ELSE text_of(x) IS NOT NULL END;

CREATE TEMPORARY MACRO date_of_month_day(k) AS
    least(date_add(make_date(CAST(k DIV 384 AS INT), CAST((k DIV 32) % 12 + 1 AS INT), 1), CAST(k % 32 - 1 AS INT)),
          last_day(make_date(CAST(k DIV 384 AS INT), CAST((k DIV 32) % 12 + 1 AS INT), 1)));

CREATE TEMPORARY MACRO plus_months(d, months) AS add_months(d, CAST(months AS INT));

CREATE TEMPORARY MACRO phone_key(x, home_pattern) AS
    nullif(regexp_replace(regexp_replace(regexp_replace(x, '[^0-9]', ''), '\\A00', ''), home_pattern, '$1'), '');

CREATE TEMPORARY MACRO booked_until(issued_on, years) AS make_date(CAST(year(issued_on) + years + 1 AS INT), 1, 1);

CREATE TEMPORARY MACRO token_of(digits) AS CAST(conv(digits, 16, 10) AS DECIMAL(20, 0));

-- \p{C} holds what has no character yet, too, and Java's \s is ASCII alone, as it is there.
CREATE TEMPORARY MACRO shown_text(x, most) AS
    nullif(trim(left(regexp_replace(regexp_replace(x, '[\\p{C}\\p{Zl}\\p{Zp}]', ' '), '\\A[\\s=+@\\x{FF0B}\\x{FF1D}\\x{FF20}\\x{FF0D}-]+', ''), most)), '');
