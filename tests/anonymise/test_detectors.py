"""Detectors: every form is found, and what merely looks like one is not."""

import random

import pytest
from stdnum.no import fodselsnummer

from ajprivacy_pipeline.disclosure.texts.detectors import detect, is_iban, is_luhn, is_national_identity_number

FIRST = (3, 7, 6, 1, 8, 9, 4, 5, 2)
SECOND = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def numbers(date: str, remainders: tuple[int, ...]) -> list[str]:
    """Numbers of a date part whose first check sum leaves one of the remainders and whose second leaves 0."""
    found = []
    for individual in range(100, 400, 7):
        nine = f"{date}{individual:03d}"
        for first in range(10):
            ten = f"{nine}{first}"
            if (sum(int(d) * w for d, w in zip(nine, FIRST, strict=True)) + first) % 11 in remainders:
                second = -sum(int(d) * w for d, w in zip(ten, SECOND, strict=True)) % 11
                found += [f"{ten}{second}"] if second < 10 else []
    return found


@pytest.mark.parametrize("date", ["010190", "410190", "014190", "018190", "016690", "417790", "290200"])
@pytest.mark.parametrize("remainder", [0, 1, 2, 3])
def test_birth_d_and_test_numbers_with_either_control_digit(date: str, remainder: int) -> None:
    some = numbers(date, (remainder,))
    assert len(some) > 5
    assert all(is_national_identity_number(number) for number in some)
    assert "national identity number" in detect(f"Skap {some[0][:6]} {some[0][6:]}, grå")


@pytest.mark.parametrize("date", ["320190", "011390", "012590", "300290", "000190", "720190"])
def test_a_date_that_is_none_is_no_number(date: str) -> None:
    assert not any(map(is_national_identity_number, numbers(date, (0,))))


def test_whatever_the_reference_library_accepts_is_found() -> None:
    chance = random.Random(7)
    accepted = 0
    for _ in range(200):
        date = f"{chance.randint(1, 28):02d}{chance.randint(1, 12):02d}{chance.randint(40, 99):02d}"
        for number in numbers(date, (0,)):
            if fodselsnummer.is_valid(number):
                accepted += 1
                assert is_national_identity_number(number)
                changed = number[:-1] + str((int(number[-1]) + 1) % 10)
                assert not is_national_identity_number(changed)
    assert accepted > 1000


@pytest.mark.parametrize(("text", "kind"), [
    ("Skap kari.nordmann@example.no", "e-mail"), ("KARI@EKSEMPEL.NO", "e-mail"), ("ola(at)example.no", "e-mail"),
    ("kåre@bokhandel.no", "e-mail"), ("ka\u200bri@example.no", "e-mail"),
    ("4111 1111 1111 1111", "card"), ("kort 5500-0000-0000-0004.", "card"),
    ("NO93 8601 1117 947", "IBAN"), ("no9386011117947", "IBAN"), ("DE89370400440532013000", "IBAN"),
    ("10.0.0.1", "IPv4"), ("fra 192.168.1.254, igjen", "IPv4"), ("2001:db8::1", "IPv6"), ("::1", "IPv6"),
    ("fe80:0:0:0:1:2:3:4", "IPv6"),
    ("91234567", "phone"), ("+47 912 34 567", "phone"), ("tlf 22 33 44 55", "phone"), ("004791234567", "phone"),
    ("+46 70 123 45 67", "phone"), ("\uff191234567", "phone"),
])
def test_a_value_is_found(text: str, kind: str) -> None:
    assert kind in detect(text)


@pytest.mark.parametrize("text", [
    "Garderobeskap 2 dører", "P-100200", "2024-01", "sales_monthly/2024-01.parquet", "12:30:45", "1.2.3", "1,234,567",
    "300x500x1800", "RAL 7035", "12345678", "k = 10: 1,234 new cells, 55 suppressed", "DECIMAL(18,2)", "", "::",
    "a @ b",
    "4111 1111 1111 1112", "NO93 8601 1117 948", "999.1.1.1", "0" * 16,
    "9d5ed678fe57bcca610140957afab571e0d5a4e1d6b0a8a2d0a6a3a4a5a6a7a8"])
def test_what_merely_looks_like_one_is_not(text: str) -> None:
    assert detect(text) == frozenset()


def test_check_sums() -> None:
    assert is_luhn("79927398713")
    assert not is_luhn("79927398710")
    assert is_iban("GB82WEST12345698765432")
    assert not is_iban("GB82WEST12345698765433")
