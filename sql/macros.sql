-- What every model may call: conversions of raw values, calendar months, decisions. No policy number stands here.

-- A literal, since a call of a function would be planned wherever a text is read: in each column of each model.
CREATE OR REPLACE TEMP MACRO white_space() AS '{{
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000" }}';

-- Text without white space at its ends, NULL when nothing is left. Only a value whose first or last character is no
-- printable ASCII one pays for it; texts compare by their bytes. A parameter is written as seldom as can be, here and below:
-- every time counts in each model's plan.
CREATE OR REPLACE TEMP MACRO text_of(x) AS
    CASE WHEN CAST(x AS VARCHAR) BETWEEN '!' AND '~~' AND CAST(x AS VARCHAR)[-1] BETWEEN '!' AND '~'
         THEN CAST(x AS VARCHAR) ELSE nullif(trim(CAST(x AS VARCHAR), white_space()), '') END;

-- An address that is its own key but for the case of its letters: printable ASCII around one @, nothing to unwrap or
-- to decode. The key of any other one stands in raw.email_keys.
CREATE OR REPLACE TEMP MACRO is_plain_email(x) AS
    regexp_full_match(x, '[!-9;=?A-~]+@[!-9;=?A-~]+') AND NOT contains(lower(x), '@xn--') AND NOT contains(lower(x), '.xn--');
CREATE OR REPLACE TEMP MACRO email_key(x, other_key) AS CASE WHEN is_plain_email(x) THEN lower(x) ELSE other_key END;

-- The common forms of a moment, which are read here; others are rewritten to one of them before anything is staged.
CREATE OR REPLACE TEMP MACRO is_common_moment(x) AS regexp_full_match(x,
    '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?(Z|[-+]([01][0-9]|2[0-3])(:[0-5][0-9])?)?)?)?');

-- Local time in Oslo (the session's zone). A text with a zone is converted; one without is local already.
CREATE OR REPLACE TEMP MACRO local_at(x) AS
    CASE WHEN typeof(x) <> 'VARCHAR' THEN TRY_CAST(x AS TIMESTAMP)
         WHEN NOT is_common_moment(CAST(x AS VARCHAR)) THEN NULL
         WHEN strlen(CAST(x AS VARCHAR)) > 19 THEN TRY_CAST(TRY_CAST(x AS TIMESTAMPTZ) AS TIMESTAMP)
         ELSE TRY_CAST(x AS TIMESTAMP) END;

-- A typed value so far inside the plausible days that its local date is too: told without a zone conversion.
CREATE OR REPLACE TEMP MACRO is_surely_plausible(x, first_day, last_day) AS
    CASE typeof(x)
        WHEN 'TIMESTAMP WITH TIME ZONE' THEN TRY_CAST(x AS TIMESTAMPTZ) > CAST(first_day + 2 AS TIMESTAMPTZ)
                                         AND TRY_CAST(x AS TIMESTAMPTZ) < CAST(last_day - 2 AS TIMESTAMPTZ)
        WHEN 'TIMESTAMP' THEN TRY_CAST(x AS TIMESTAMP) > CAST(first_day + 2 AS TIMESTAMP)
                          AND TRY_CAST(x AS TIMESTAMP) < CAST(last_day - 2 AS TIMESTAMP)
        ELSE false END;

-- The local date of a typed value. Oslo has been one or two hours ahead of UTC since 1980: where both give the same
-- date, no zone has to be converted.
CREATE OR REPLACE TEMP MACRO day_of(x) AS
    CASE WHEN typeof(x) <> 'TIMESTAMP WITH TIME ZONE' THEN TRY_CAST(x AS DATE)
         WHEN epoch_us(TRY_CAST(x AS TIMESTAMPTZ)) > 315532800000000  -- 1980
          AND CAST(make_timestamp(epoch_us(TRY_CAST(x AS TIMESTAMPTZ)) + 3600000000) AS DATE)
            = CAST(make_timestamp(epoch_us(TRY_CAST(x AS TIMESTAMPTZ)) + 7200000000) AS DATE)
         THEN CAST(make_timestamp(epoch_us(TRY_CAST(x AS TIMESTAMPTZ)) + 3600000000) AS DATE)
         ELSE TRY_CAST(x AS DATE) END;

-- The local date, NULL outside the plausible days.
CREATE OR REPLACE TEMP MACRO local_on(x, first_day, last_day) AS
    CASE WHEN is_surely_plausible(x, first_day, last_day) THEN day_of(x)
         WHEN CAST(local_at(x) AS DATE) BETWEEN first_day AND last_day THEN CAST(local_at(x) AS DATE) END;

-- Whether a moment is on one of some days, locally or as it is written (typed moments are written in UTC).
CREATE OR REPLACE TEMP MACRO is_on_one_of(x, days) AS
    list_contains(days, CAST(local_at(x) AS DATE)) OR list_contains(days,
        CASE typeof(x) WHEN 'VARCHAR' THEN TRY_CAST(left(CAST(x AS VARCHAR), 10) AS DATE)
                       WHEN 'TIMESTAMP WITH TIME ZONE' 
                       THEN CAST(make_timestamp(epoch_us(TRY_CAST(x AS TIMESTAMPTZ))) AS DATE) END);

-- The local date of anything but a birth: a sentinel, which means no date, is none. The sentinels that are not plausible
-- anyway need not be looked for.
CREATE OR REPLACE TEMP MACRO date_on(x, first_day, last_day, sentinels) AS
    CASE WHEN len(sentinels) > 0 AND is_on_one_of(x, sentinels) THEN NULL ELSE local_on(x, first_day, last_day) END;

-- An end that lies long before its beginning is none.
CREATE OR REPLACE TEMP MACRO end_on(ends_on, begins_on, days) AS
    CASE WHEN ends_on < begins_on - CAST(days AS INTEGER) THEN NULL ELSE ends_on END;

-- Rounded half up to 0.01 from its text; NULL for NaN, infinity and what is no number. The engine reads 1_000 as a number,
-- which nobody else does.
CREATE OR REPLACE TEMP MACRO amount_of(x) AS
    CASE WHEN typeof(x) LIKE 'DECIMAL%' THEN TRY_CAST(x AS DECIMAL(18, 2))
         WHEN NOT contains(CAST(x AS VARCHAR), '_') THEN TRY_CAST(text_of(x) AS DECIMAL(18, 2)) END;

CREATE OR REPLACE TEMP MACRO number_of(x) AS
    CASE WHEN typeof(x) <> 'VARCHAR' THEN CASE WHEN isfinite(TRY_CAST(x AS DOUBLE)) THEN TRY_CAST(x AS DOUBLE) END
         WHEN NOT contains(CAST(x AS VARCHAR), '_') AND isfinite(TRY_CAST(text_of(x) AS DOUBLE)) THEN TRY_CAST(text_of(x) AS DOUBLE) END;

CREATE OR REPLACE TEMP MACRO boolean_of(x) AS
    CASE WHEN typeof(x) <> 'VARCHAR' THEN TRY_CAST(x AS BOOLEAN) ELSE TRY_CAST(text_of(x) AS BOOLEAN) END;

-- A whole number; what is none is not rounded to one.
CREATE OR REPLACE TEMP MACRO integer_of(x) AS
    CASE WHEN typeof(x) <> 'VARCHAR' THEN TRY_CAST(x AS BIGINT)
         WHEN number_of(x) = floor(number_of(x)) THEN TRY_CAST(text_of(x) AS BIGINT) END;

-- Whether the source gave a value at all.
CREATE OR REPLACE TEMP MACRO is_given(x) AS
    CASE WHEN typeof(x) <> 'VARCHAR' THEN x IS NOT NULL ELSE text_of(x) IS NOT NULL END;

CREATE OR REPLACE TEMP MACRO enum_of(x, known) AS CASE WHEN list_contains(known, text_of(x)) THEN text_of(x) END;

-- Calendar months. `month_day` numbers the days of calendar months with room for 31 in each, so that months can be
-- summed before the day is clamped: 29 Feb 2020 + 36 + 12 months is 29 Feb 2024. The order of dates is kept, so a
-- latest date may be taken before or after months are added.
CREATE OR REPLACE TEMP MACRO month_day(d) AS (year(d) * 12 + month(d) - 1) * 32 + day(d);

CREATE OR REPLACE TEMP MACRO date_of_month_day(k) AS
    least(make_date(k // 384, (k // 32) % 12 + 1, 1) + CAST(k % 32 - 1 AS INTEGER),
          last_day(make_date(k // 384, (k // 32) % 12 + 1, 1)));

CREATE OR REPLACE TEMP MACRO plus_months(d, months) AS CAST(d + to_months(CAST(months AS INTEGER)) AS DATE);

-- An end that is not in sight, and a beginning that nobody knows, as days that no plausible one reaches. What is counted on
-- from such an end is no end either.
CREATE OR REPLACE TEMP MACRO no_end() AS DATE '9999-12-31';
CREATE OR REPLACE TEMP MACRO no_beginning() AS DATE '0001-01-01';
CREATE OR REPLACE TEMP MACRO has_end(d) AS d < no_end();

-- The number that sixteen hexadecimal digits say.
CREATE OR REPLACE TEMP MACRO token_of(digits) AS CAST('0x' || digits AS UBIGINT);

-- A phone number as its digits; `home_pattern` is that of one with the calling code of home, which is taken off.
CREATE OR REPLACE TEMP MACRO phone_key(x, home_pattern) AS
    nullif(regexp_replace(regexp_replace(regexp_replace(x, '[^0-9]', '', 'g'), '^00', ''), home_pattern, '\1'), '');

-- What a column that is generalised when due looks like afterwards.
CREATE OR REPLACE TEMP MACRO is_generalised_postal_code(x) AS x IS NULL OR regexp_full_match(x, '[0-9]');
CREATE OR REPLACE TEMP MACRO is_generalised_birth_date(d) AS d IS NULL OR (year(d) % 10 = 0 AND month(d) = 1 AND day(d) = 1);

-- retain before hold before due; nothing there is absent.
CREATE OR REPLACE TEMP MACRO decision_of(is_absent, is_retained, is_held) AS
    CASE WHEN is_absent THEN 'absent' WHEN is_retained THEN 'retain' WHEN is_held THEN 'hold' ELSE 'due' END;

-- Freezes that rest on the record itself, as bits: an id that does not exist, a value that does not fit, missing evidence,
-- a legal hold on the whole entity.
CREATE OR REPLACE TEMP MACRO own_holds(is_orphan, is_faulty, no_evidence, entity_held) AS
    CASE WHEN is_orphan THEN {{ freeze.orphan.bit }} ELSE 0 END + CASE WHEN is_faulty THEN {{ freeze.data_quality.bit }} ELSE 0 END
    + CASE WHEN no_evidence THEN {{ freeze.evidence_missing.bit }} ELSE 0 END + CASE WHEN entity_held THEN {{ freeze.legal_hold.bit }} ELSE 0 END;

-- What holds a record: the freezes of its contact and its customer, and its own. An id that does not exist is an orphan.
CREATE OR REPLACE TEMP MACRO record_holds(contact_freezes, customer_freezes, is_orphan, is_faulty, no_evidence, entity_held) AS
    coalesce(contact_freezes, 0) | coalesce(customer_freezes, 0) | own_holds(is_orphan, is_faulty, no_evidence, entity_held);

CREATE OR REPLACE TEMP MACRO subject_id_of(contact_id, customer_id) AS
    CASE WHEN contact_id IS NOT NULL THEN 'contact:' || contact_id ELSE 'customer:' || customer_id END;

-- The id in a subject's, where the subject is of the kind. Whoever leaves subjects out compares ids with ids: a condition
-- on a text that is put together of a row's id keeps every row in memory before one is left out.
CREATE OR REPLACE TEMP MACRO id_of_kind(kind, subject_id) AS
    CASE WHEN starts_with(subject_id, kind || ':') THEN substr(subject_id, strpos(subject_id, ':') + 1) END;

-- An order over nothing is paid already; over an unknown amount it is not.
CREATE OR REPLACE TEMP MACRO is_unpaid(total_amount, paid_on, as_of) AS
    total_amount IS DISTINCT FROM 0 AND NOT coalesce(paid_on <= as_of, false);

-- The end of an order or case after verified erasures: none touches what came after it, the earliest result wins.
CREATE OR REPLACE TEMP MACRO first_on_or_after(days, d) AS
    CASE WHEN days IS NOT NULL THEN list_min(list_filter(days, lambda v: v >= d)) END;
CREATE OR REPLACE TEMP MACRO end_after_erasure(end_on, obligations_on, began_on, erased_ons) AS
    CASE WHEN first_on_or_after(erased_ons, began_on) IS NULL THEN end_on
         ELSE least(end_on, greatest(obligations_on, first_on_or_after(erased_ons, began_on))) END;

-- Dates that decisions take the latest of, and that explanations list one by one.
CREATE OR REPLACE TEMP MACRO warranty_years_of(product_id, warranty_years, unknown_years) AS
    CASE WHEN product_id IS NULL THEN 0 ELSE coalesce(warranty_years, unknown_years) END;
CREATE OR REPLACE TEMP MACRO has_warranty(is_person, is_cancelled, business_warranty) AS
    (is_person OR business_warranty) AND NOT is_cancelled;
CREATE OR REPLACE TEMP MACRO booked_until(issued_on, years) AS make_date(year(issued_on) + years + 1, 1, 1);
CREATE OR REPLACE TEMP MACRO visit_due_on(occurred_on, has_consent, cookie_on, withdrawn_on, individualisation_on, as_of) AS
    CASE WHEN occurred_on IS NULL THEN as_of WHEN NOT has_consent THEN occurred_on
         ELSE least(cookie_on, withdrawn_on, individualisation_on) END;

-- The region of a postal code by the rule of the home country. A country that is set and is another one, and a
-- code that is no code of the home country, are abroad.
CREATE OR REPLACE TEMP MACRO region_of(country, code, spellings, pattern, width, starts, labels, unknown_value, abroad_value) AS
    CASE WHEN NOT list_contains(spellings, lower(trim(country))) THEN abroad_value
         WHEN coalesce(trim(code), '') = '' THEN unknown_value
         WHEN regexp_full_match(trim(code), pattern)
         THEN coalesce(list_extract(labels, list_position(starts, upper(left(trim(code), width)))), abroad_value)
         ELSE abroad_value END;

-- An amount converted at a rate. At 1 it is the amount: bringing a product back to fewer decimals takes fifty times as long.
CREATE OR REPLACE TEMP MACRO at_rate(x, rate) AS
    CASE WHEN rate = 1 THEN TRY_CAST(x AS DECIMAL(24, 5)) ELSE TRY_CAST(x * rate AS DECIMAL(24, 5)) END;

-- A text of the source as it may be published: printable characters alone, none at its beginning that a spreadsheet reads
-- as a formula, and no more than so many. NULL where nothing is left.
CREATE OR REPLACE TEMP MACRO shown_text(x, most) AS
    nullif(trim(left(regexp_replace(regexp_replace(x, '[\p{C}\p{Zl}\p{Zp}]', ' ', 'g'), '^[\s=+@\x{FF0B}\x{FF1D}\x{FF20}\x{FF0D}-]+', ''), most)), '');
