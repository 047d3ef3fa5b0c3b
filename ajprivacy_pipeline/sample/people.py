"""The sample shop's customers and contact persons of one chunk.

Belongs here: who they are, since when and until when. Does not belong here: what they do (`trade`, `traces`).
A person is meant by an index, `who`: the customers of the chunk first, then its contacts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ajprivacy_pipeline.sample import data
from ajprivacy_pipeline.sample.arrays import (
    DAY,
    MESS_EVERY,
    NONE,
    TOO_EARLY,
    TOO_LATE,
    YEAR,
    Columns,
    Ints,
    Mask,
    Streams,
    by,
    chosen,
    dates,
    digits,
    either,
    keep,
    messy,
    mod11_digit,
    places,
    spread,
    starts,
    take,
    text,
    times,
)

CONSUMER, BUSINESS, SOLE_PROPRIETOR = 0, 1, 2
TYPES = ("consumer", "business", "sole_proprietor", "privatkunde")  # the last one is a fault on purpose
TYPE_SHARES = (0.62, 0.30, 0.08)
CONTACT_SHARES = (0.42, 0.26, 0.14, 0.09, 0.05, 0.04)  # of businesses with 1..6 contacts
TRADING_YEARS = 20


@dataclass(frozen=True)
class Chunk:
    """Which customers: numbers first .. first+rows-1; nothing happens after `limit`, a local second."""

    streams: Streams
    first: int
    rows: int
    limit: int

    @property
    def numbers(self) -> Ints:
        """The customers' numbers."""
        return np.arange(self.first, self.first + self.rows)


@dataclass(frozen=True)
class People:
    """Customers and contacts of a chunk: `joined`, `left`, `came`, `went` in local seconds, `owner` a customer."""

    kind: Ints
    joined: Ints
    left: Ints
    customers: Columns
    owner: Ints
    first_contact: Ints
    came: Ints
    went: Ints
    contacts: Columns

    def both(self, column: str) -> pa.Array:
        """Returns a column of the customers followed by the same of the contacts, to be taken by `who`."""
        return pa.concat_arrays([self.customers[column], self.contacts[column]])

    def since(self) -> Ints:
        """By `who`: since when the person is there."""
        return np.concatenate([self.joined, self.came])

    def contact_of(self, who: Ints) -> Ints:
        """Returns the contact's index, or -1 for a customer."""
        return np.where(who >= len(self.kind), who - len(self.kind), -1)

    def customer_of(self, who: Ints) -> Ints:
        """Returns the customer's index: the person's own, or that of the contact's company."""
        own = len(self.kind)
        return np.where(who >= own, self.owner[np.maximum(who - own, 0)] if len(self.owner) else 0, who)

    def ids(self, who: Ints) -> Columns:
        """customer_id and contact_id of persons; both empty where `who` is -1."""
        contact = np.where(who < 0, -1, self.contact_of(who))
        customer = np.where(who < 0, -1, self.customer_of(np.maximum(who, 0)))
        return {"customer_id": take(self.customers["customer_id"], customer),
                "contact_id": take(self.contacts["contact_id"], contact)}


def make_people(chunk: Chunk) -> People:
    """Returns the customers of a chunk and the contacts of its businesses."""
    rng = chunk.streams.rng("people")
    kind = rng.choice(3, chunk.rows, p=TYPE_SHARES).astype(np.int64)
    span = TRADING_YEARS * YEAR - 3 * DAY
    joined = chunk.limit - 2 * DAY - (span * (1 - rng.random(chunk.rows) ** 0.62)).astype(np.int64)
    left = np.minimum(chunk.limit, joined + (rng.exponential(3.5 * YEAR, chunk.rows)).astype(np.int64))
    customers = _customers(chunk, kind, joined, left)
    counts = np.where(kind == BUSINESS, 1 + rng.choice(6, chunk.rows, p=CONTACT_SHARES), 0)
    owner, place = places(counts)
    stay = left[owner] - joined[owner]
    came = joined[owner] + np.where(place == 0, 0, stay * rng.random(len(owner))).astype(np.int64)
    went = by(came + (rng.exponential(6 * YEAR, len(owner))).astype(np.int64) + DAY, chunk.limit)
    went = np.where(chosen(rng, len(owner), 0.45), went, NONE)
    contacts = _contacts(chunk, customers, owner, place, came, went)
    return People(kind, joined, left, customers, owner, starts(counts), came, went, contacts)


def _customers(chunk: Chunk, kind: Ints, joined: Ints, left: Ints) -> Columns:
    rng = chunk.streams.rng("customers")
    number, rows = chunk.numbers, chunk.rows
    business, sole = kind == BUSINESS, kind == SOLE_PROPRIETOR
    first, last, female = _names(rng, rows)
    person = text(first, " ", last)
    # a sole proprietorship must carry the owner's name; half of them add the trade
    trade = text(person, " ", take(data.TRADES, rng.integers(0, len(data.TRADES), rows)))
    company = text(last, " ", take(data.COMPANY_WORDS, rng.integers(0, len(data.COMPANY_WORDS), rows)), " ",
                   take(data.COMPANY_FORMS, rng.integers(0, len(data.COMPANY_FORMS), rows)))
    name = either(business, company, either(sole & chosen(rng, rows, 0.5), trade, person))
    foreign = np.where(chosen(rng, rows, 0.015), rng.integers(1, 3, rows), 0)
    born = _birthdays(rng, rows, joined)
    given_birth = ~business & chosen(rng, rows, 0.6)
    profile = _profile(chunk, rng, joined, left)
    place = _places(rng, rows, foreign)
    personal = _mail(first, last, number, rng)
    # the odd couple with one address between them: requests by e-mail become ambiguous
    shared = (number % 97 == 5) & (np.arange(rows) > 0)
    personal = take(personal, np.arange(rows) - shared)
    mail = either(business, text("post", digits(number, 7), "@", take(data.MAIL_DOMAINS, number % 4)), personal)
    code = np.where(messy(rows, 137), 3, kind)
    misplaced = (kind == CONSUMER) & (np.cumsum(kind == CONSUMER) % MESS_EVERY == 103)
    birthday = np.where(given_birth, born, NONE)
    birthday = np.where(messy(rows, 241) & ~business, TOO_EARLY // DAY, birthday)
    return {
        "customer_id": text("C", digits(number, 8)), "customer_type": take(TYPES, code), "name": name,
        "organisation_number": keep(_organisation_numbers(number), (business | sole | misplaced) & (foreign == 0)),
        "national_identity_number": _identity_numbers(born, number, _who_has_number(rng, sole, kind, foreign)),
        "email": keep(mail, ~chosen(rng, rows, 0.04)),
        "phone": keep(_phones(rng, rows, foreign), ~chosen(rng, rows, 0.06)),
        "birth_date": dates(birthday), **place, **profile,
        "gender": keep(either(female, "female", "male"), ~business & chosen(rng, rows, 0.4)),
        "username": keep(_usernames(first, last, number), pc.is_valid(profile["profile_created_at"]).to_numpy(False)),
        "industry": keep(take(data.INDUSTRIES, rng.integers(0, len(data.INDUSTRIES), rows)), business),
        "preferences": keep(_preferences(rng, rows), chosen(rng, rows, 0.25)),
    }


def _who_has_number(rng: np.random.Generator, sole: Mask, kind: Ints, foreign: Ints) -> Mask:
    """Sole proprietors, most of them; and, misplaced on purpose, one consumer in two thousand."""
    rightly = sole & chosen(rng, len(sole), 0.7)
    wrongly = (kind == CONSUMER) & (np.cumsum(kind == CONSUMER) % MESS_EVERY == 53)
    return np.asarray((rightly | wrongly) & (foreign == 0), dtype=np.bool_)


def _contacts(chunk: Chunk, customers: Columns, owner: Ints, place: Ints, came: Ints, went: Ints) -> Columns:
    rng = chunk.streams.rng("contacts")
    rows = len(owner)
    number = (chunk.first + owner) * 10 + place
    first, last, _ = _names(rng, rows)
    seen = by(came + (rng.exponential(1.5 * YEAR, rows)).astype(np.int64), chunk.limit)
    seen = np.where((went != NONE) & (seen > went), went, seen)
    company = either(messy(rows, 73), text("C9", digits(number, 9)), take(customers["customer_id"], owner))
    titles = take(data.JOB_TITLES, rng.integers(0, len(data.JOB_TITLES), rows))
    return {
        "contact_id": text("K", digits(number, 9)), "customer_id": company, "name": text(first, " ", last),
        "email": keep(_mail(first, last, number, rng), ~chosen(rng, rows, 0.03)),
        "phone": keep(_phones(rng, rows, np.zeros(rows, dtype=np.int64)), ~chosen(rng, rows, 0.1)),
        "username": keep(_usernames(first, last, number), chosen(rng, rows, 0.7)),
        "job_title": keep(titles, ~chosen(rng, rows, 0.2)),
        "preferences": keep(_preferences(rng, rows), chosen(rng, rows, 0.15)),
        "created_at": times(np.where(chosen(rng, rows, 0.05), NONE, came)), "deactivated_at": times(went),
        "last_login_at": times(np.where(chosen(rng, rows, 0.4), NONE, seen)),
        "updated_at": times(np.maximum(np.maximum(came, seen), went)),
    }


def _names(rng: np.random.Generator, rows: int) -> tuple[pa.Array, pa.Array, Mask]:
    """First names, surnames, and who has a woman's name."""
    names = data.FEMALE + data.MALE
    index = rng.integers(0, len(names), rows)
    return take(names, index), take(data.SURNAMES, rng.integers(0, len(data.SURNAMES), rows)), index < len(data.FEMALE)


def _preferences(rng: np.random.Generator, rows: int) -> pa.Array:
    return take(data.PREFERENCES, rng.integers(0, len(data.PREFERENCES), rows))


def _ascii(names: pa.Array) -> pa.Array:
    """Names as they stand in an e-mail address: dictionary-coded on the way, because there are few of them."""
    coded = names.dictionary_encode()
    plain = [name.lower().translate(data.ASCII) for name in coded.dictionary.to_pylist()]
    return take(plain, coded.indices.to_numpy().astype(np.int64))


def _mail(first: pa.Array, last: pa.Array, number: Ints, rng: np.random.Generator) -> pa.Array:
    domain = take(data.MAIL_DOMAINS, rng.integers(0, len(data.MAIL_DOMAINS), len(number)))
    return text(_ascii(first), ".", _ascii(last), digits(number, 1), "@", domain)


def _usernames(first: pa.Array, last: pa.Array, number: Ints) -> pa.Array:
    begin, end = (pc.utf8_slice_codeunits(_ascii(names), 0, 4) for names in (first, last))
    return text(begin, end, digits(number, 1))


def _phones(rng: np.random.Generator, rows: int, foreign: Ints) -> pa.Array:
    """Mobile numbers in national length, with the country code of the customer's country."""
    whole = rng.integers(40_000_000, 50_000_000, rows) + np.where(chosen(rng, rows, 0.5), 50_000_000, 0)
    return text(take(data.DIAL_CODES, foreign), digits(whole, 8))


def _places(rng: np.random.Generator, rows: int, foreign: Ints) -> Columns:
    town = (data.HOME_PLACES * rng.random(rows) ** 1.4).astype(np.int64)
    abroad = np.where(foreign == 1, data.HOME_PLACES, data.HOME_PLACES + 3) + rng.integers(0, 2, rows)
    place = np.where(foreign > 0, abroad, town)
    street = take(data.STREETS, rng.integers(0, len(data.STREETS), rows))
    street = text(street, " ", digits(rng.integers(1, 120, rows), 1))
    known = ~chosen(rng, rows, 0.02)
    codes, cities = [code for code, _ in data.PLACES], [city for _, city in data.PLACES]
    return {"street_address": keep(street, known), "postal_code": keep(take(codes, place), known),
            "city": keep(take(cities, place), known), "country": take(data.COUNTRIES, foreign)}


def _profile(chunk: Chunk, rng: np.random.Generator, joined: Ints, left: Ints) -> Columns:
    """Profiles: three quarters have one, some closed it, most have logged in; sentinel dates in a few."""
    rows, limit = chunk.rows, chunk.limit
    has = chosen(rng, rows, 0.77)
    closed = by(left + (rng.random(rows) * YEAR).astype(np.int64) + DAY, limit)
    closed = np.where(has & chosen(rng, rows, 0.12), closed, NONE)
    recently = limit - (rng.random(rows) * 90 * DAY).astype(np.int64)
    seen = np.minimum(left + (rng.exponential(0.4 * YEAR, rows)).astype(np.int64), np.maximum(recently, joined))
    seen = np.where((closed != NONE) & (seen > closed), closed, seen)
    seen = np.where(has & ~chosen(rng, rows, 0.15), seen, NONE)
    updated = np.maximum(np.maximum(joined, seen), closed)
    return {"profile_created_at": times(np.where(has, joined, NONE)), "updated_at": times(updated),
            "profile_closed_at": times(np.where(messy(rows, 311), TOO_LATE, closed)), "last_login_at": times(seen)}


def _birthdays(rng: np.random.Generator, rows: int, joined: Ints) -> Ints:
    """Days since 1970, between 1935 and 2003; nobody is younger than 18 when they join."""
    grown = joined // DAY - 18 * 366
    return np.minimum(rng.integers(-12_700, 12_200, rows), grown)


def _organisation_numbers(number: Ints) -> pa.Array:
    """Nine digits with a valid control digit that begin with 3, as the register's test units do, never a real one."""
    return _first_valid([_organisation_number(number, attempt) for attempt in range(9)], 9)


def _organisation_number(number: Ints, attempt: int) -> Ints:
    body = 30_000_000 + (spread(number, 1_000_000) * 9 + attempt) % 10_000_000
    control = mod11_digit(body, (3, 2, 7, 6, 5, 4, 3, 2))
    return np.where(control < 10, body * 10 + control, NONE)


def _identity_numbers(born: Ints, number: Ints, wanted: Mask) -> pa.Array:
    """Eleven digits of the Tenor test series (month + 80) with valid control digits; empty where none is wanted."""
    tries = [_identity_number(born, (number * 11 + attempt) % 499) for attempt in range(24)]
    return keep(_first_valid(tries, 11), wanted)


def _identity_number(born: Ints, serial: Ints) -> Ints:
    """DDMMYY of the birthday with the month moved by 80, a serial of its century, control digits; NONE if none fit."""
    day = born.astype("datetime64[D]")
    month, year = day.astype("datetime64[M]"), day.astype("datetime64[Y]").astype(np.int64) + 1970
    of_month = (day - month.astype("datetime64[D]")).astype(np.int64) + 1
    of_year = month.astype(np.int64) % 12 + 1 + 80
    individual = np.where(year >= 2000, 500 + serial, serial)  # 000-499 for 1900-1999, 500-999 for 2000-2039
    body = ((of_month * 100 + of_year) * 100 + year % 100) * 1000 + individual
    one = mod11_digit(body, (3, 7, 6, 1, 8, 9, 4, 5, 2))
    two = mod11_digit(body * 10 + one, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2))
    return np.where((one < 10) & (two < 10), body * 100 + one * 10 + two, NONE)


def _first_valid(tries: Sequence[Ints], width: int) -> pa.Array:
    best = tries[-1]
    for attempt in reversed(tries):
        best = np.where(attempt != NONE, attempt, best)
    return keep(digits(np.maximum(best, 0), width), best != NONE)
