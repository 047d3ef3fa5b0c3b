"""Moments and addresses as people and systems write them."""

import sqlite3
import unicodedata
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ajprivacy_pipeline.warehouse import forms
from ajprivacy_pipeline.warehouse.forms import email_key, like_pattern, read_moment

DAY = date(2026, 1, 31)
CET, CEST, UTC = timezone(timedelta(hours=1)), timezone(timedelta(hours=2)), timezone(timedelta(0))


@pytest.mark.parametrize("text", ["2026-01-31", "20260131", "2026-W05-6", "2026W056", "2026-031", "2026031",
                                  "\u00a02026-01-31\u2003", "\t2026-031\n"])
def test_a_day_in_every_form(text: str) -> None:
    assert read_moment(text) == (DAY, datetime(2026, 1, 31))  # noqa: DTZ001 - local


@pytest.mark.parametrize(("text", "hour", "minute", "second"), [
    ("2026-01-31T23", 23, 0, 0), ("2026-01-31t23:30", 23, 30, 0), ("2026-01-31 23:30:15", 23, 30, 15),
    ("20260131T2330", 23, 30, 0), ("20260131T233015", 23, 30, 15), ("2026-031T23:30", 23, 30, 0),
    ("2026-01-31T23,5", 23, 30, 0), ("2026-01-31T23:30.5", 23, 30, 30), ("2026-01-31T23:30:15,0", 23, 30, 15),
    ("2026-01-31T23:30:15.0000000", 23, 30, 15), ("2026-01-31T23:59:59.0000009999", 23, 59, 59)])
def test_a_time_to_the_hour_minute_or_second(text: str, hour: int, minute: int, second: int) -> None:
    assert read_moment(text) == (DAY, datetime(2026, 1, 31, hour, minute, second))  # noqa: DTZ001 - local


@pytest.mark.parametrize("text", ["2026-01-31 24:00:00", "2026-01-31T24", "20260131T2400", "2026-01-31T24:00:00.0"])
def test_midnight_at_the_end_of_a_day_is_the_next_day(text: str) -> None:
    assert read_moment(text) == (DAY, datetime(2026, 2, 1))  # noqa: DTZ001 - local


@pytest.mark.parametrize("text", ["2026-01-31T23:59:59.9999999", "2026-01-31T23:59,999999999999",
                                  "2026-01-31 23.9999999999999"])
def test_decimals_never_reach_the_next_day(text: str) -> None:
    found = read_moment(text)
    assert found is not None
    assert found[1].date() == DAY


@pytest.mark.parametrize("time", ["23:59:59.9999999", "24:00:00", "24"])
def test_the_last_day_that_there_is_can_be_read(time: str) -> None:
    found = read_moment(f"9999-12-31T{time}")
    assert found is not None
    assert (found[0], found[1].date()) == (date(9999, 12, 31), date(9999, 12, 31))


@pytest.mark.parametrize(("zone", "info"), [
    ("Z", UTC), ("z", UTC), (" UTC", UTC), ("GMT", UTC), ("+01:00", CET), ("+0100", CET), ("+01", CET), (" CET", CET),
    (" CEST", CEST), ("-05:30", timezone(timedelta(hours=-5, minutes=-30))), ("-0530", timezone(-timedelta(hours=5.5))),
    (" Europe/Oslo", ZoneInfo("Europe/Oslo")), (" America/Argentina/Salta", ZoneInfo("America/Argentina/Salta"))])
def test_a_zone_in_every_form(zone: str, info: timezone | ZoneInfo) -> None:
    found = read_moment(f"2026-01-31T23:30{zone}")
    assert found is not None
    assert found[1].utcoffset() == datetime(2026, 1, 31, 23, 30, tzinfo=info).utcoffset()


@pytest.mark.parametrize("text", [
    "2026-01", "2026", "202601", "2026-W05", "2026-01-31T23:30:60", "2026-01-31T23:60", "2026-01-31T25",
    "2026-01-31T24:00:01", "2026-01-31T24:00:00.0000001", "2026-01-31T23:30:00+24:00",
    "2026-01-31Z", "2026-01-31+01:00", "2026-01-31 Europe/Oslo", "01/02/2026", "31.01.2026",
    "2026/01/31", "2026-1-31", "2026-01-31T23:30 EST", "2026-01-31T23:30 Europe/Nowhere", "2026-02-30", "2025-366",
    "2026-W54-1", "2026-000", "2026-01-31T23:3015", "2026-01-31T2330:15", "2026-01-31T23:30+01:60", "soon", "", "0",
    "2026-01-31T23:30 ../../etc/localtime", "\u0662\u0660\u0662\u0666-01-31"])
def test_what_names_no_moment_without_doubt(text: str) -> None:
    assert read_moment(text) is None


@given(st.dates(), st.times().map(lambda at: at.replace(microsecond=0)), st.sampled_from(["T", "t", " "]))
def test_what_python_writes_is_read(day: date, at: object, between: str) -> None:
    year, week, weekday = day.isocalendar()
    ordinal = f"{day.year:04d}-{day.timetuple().tm_yday:03d}"
    for written in (day.isoformat(), f"{year:04d}-W{week:02d}-{weekday}", ordinal):
        if year == day.year or "W" not in written:
            found = read_moment(f"{written}{between}{at}")
            assert found is not None
            assert (found[0], str(found[1].time())) == (day, str(at))


@pytest.mark.parametrize(("text", "key"), [
    ("Kari@X.example", "kari@x.example"), ("mailto:Kari@x.example", "kari@x.example"),
    ("MAILTO:kari@x.example", "kari@x.example"), ("Kari Nordmann <kari@x.example>", "kari@x.example"),
    ("<kari@x.example>", "kari@x.example"), ("Kari <mailto:kari@x.example>", "kari@x.example"),
    (" ka ri @x.example\u00a0", "kari@x.example"), ("kari\u200b@x\u2060.example\ufeff", "kari@x.example"),
    ("kare\u0301@x.example", "kar\u00e9@x.example"), ("KAR\u00c9@x.example", "kar\u00e9@x.example"),
    ("m\u0130ke@x.example", "m\u0130ke@x.example"), ("\u212aari@x.example", "\u212aari@x.example"),
    ("kari\u037e@x.example", "kari\u037e@x.example"), ("kari@xn--bcher-kva.example", "kari@b\u00fccher.example"),
    ("kari@XN--BCHER-KVA.example", "kari@b\u00fccher.example"), ("kari@xn--!!.example", "kari@xn--!!.example"),
    ("kari@xn--bb0c.example", "kari@xn--bb0c.example"),  # would be half of a surrogate pair
    ("xn--bcher-kva@x.example", "xn--bcher-kva@x.example"), ("kari@xn--\u00e9.example", "kari@xn--\u00e9.example"),
    ("kari", None), ("@x.example", None), ("kari@", None), ("kari@x@y", None), ("Kari <kari>", None), ("", None)])
def test_the_key_of_an_address(text: str, key: str | None) -> None:
    assert email_key(text) == key


def test_the_characters_that_become_ascii_are_those_of_unicode() -> None:
    found = [chr(code) for code in range(128, 0x110000) if not 0xD800 <= code <= 0xDFFF
             and any(ord(char) < 128 for char in unicodedata.normalize("NFC", chr(code)))]
    assert "".join(found) == forms._BECOME_ASCII


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_key_has_an_ascii_character_that_its_text_had_not(local: str, domain: str) -> None:
    text = f"{local}@{domain}"
    if (key := email_key(text)) is not None and "xn--" not in key and "xn--" not in text.lower():
        assert {char for char in key if ord(char) < 128} <= {char.lower() for char in text if ord(char) < 128} | {"@"}


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1),
       st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1) | st.just("xn--bcher-kva.No"),
       st.sampled_from(["{}", "mailto:{}", "K <{}>", "<mailto:{}>", " {}\u200b"]))
def test_every_spelling_matches_the_pattern_of_its_key(local: str, domain: str, around: str) -> None:
    text = around.format(f"{local}@{domain}")
    if (key := email_key(text)) is not None:
        assert sqlite3.connect(":memory:").execute("SELECT ? LIKE ?", (text, like_pattern(key))).fetchone() == (1,)


@pytest.mark.parametrize(("key", "pattern"), [
    ("kari.n@x.no", "%k%a%r%i%.%n%@%x%.%n%o%"), ("b%_\\@b\u00fc.no", "%b%@%b%.%n%o%")])
def test_a_pattern_has_no_sign_of_its_key_that_means_something_else(key: str, pattern: str) -> None:
    assert like_pattern(key) == pattern
