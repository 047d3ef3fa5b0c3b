"""Some hundred invented people and what befell them, by a seed: what each shop's fixture can hold of them.

Moments are UTC, in the middle of a day that is never the last one of a month.
"""

import random
from typing import Any

from tests.recipes.facts import WARRANTIES, Told

_FIRST = ("Alv", "Bera", "Dagn", "Eldr", "Frid", "Gunn", "Helg", "Ingv", "Jofr", "Kjell", "Liv", "Magn", "Oddv", "Ragn",
          "Sigr", "Torv", "Ulf", "Vigd", "Yngv", "Asb")
_LAST = ("Brekk", "Dalb", "Eng", "Foss", "Gran", "Haug", "Kvam", "Lund", "Moen", "Nes", "Rud", "Sand", "Tveit", "Vik",
         "Ask", "Berg")
_UNTIL = 2026


def many(people: int, seed: int) -> Told:
    """Told of `people` customers, a tenth as many guests, orders, newsletters, and contacts of the firm (13)."""
    draw = random.Random(seed)
    customers = [_customer(draw, number) for number in range(100, 100 + people)]
    customers.append((13, "business", "Nilsine", "Lagerstrand", "2012-06-01 10:00:00Z", None))
    orders, strangers = [], {}
    for who, _, _, _, created, _ in customers:
        orders += [_order(draw, 1000 + len(orders) + at, who, int(created[:4]))
                   for at in range(draw.choice((0, 1, 1, 2)))]
    for at in range(people // 10):
        number = 2000 + at
        orders.append(_order(draw, number, None, 2011))
        strangers[number] = (f"{_FIRST[at % 20]}guest", f"{_LAST[at % 16]}gjest{'abcdefgh'[at // 16]}")
    credits_ = [(30000 + number, who, number, _at(draw, int(ordered[:4]))) for number, who, *_, ordered, _, paid, _, _
                in orders if who and paid and draw.random() < 0.05]
    readers = []
    for who, _, _, _, created, _ in customers:
        if draw.random() < 0.3:
            readers.append(_reader(draw, 7000 + len(readers), who, int(created[:4])))
    for at in range(people // 20):
        number = 9000 + at
        readers.append(_reader(draw, number, None, 2012))
        strangers[number] = (f"{_FIRST[at % 20]}leser", f"{_LAST[at % 16]}{'abcdefgh'[at // 16]}leser")
    cases = [_case(draw, 700 + at, number, who, int(ordered[:4])) for at, (number, who, _, ordered, *_) in enumerate(
        [order for order in orders if order[1]][:people // 10])]
    contacts = [(40 + at, f"{_FIRST[at]}kontakt", f"{_LAST[at]}hos", _at(draw, 2013),
                 None if at % 2 else _at(draw, 2016), _at(draw, 2014 if at % 2 == 0 else 2025)) for at in range(8)]
    return Told(customers, orders, contacts, cases, readers, credits_, strangers)


def _at(draw: random.Random, year: int) -> str:
    month = draw.randint(1, 9 if year == _UNTIL else 12)
    hour = 10 if 4 <= month <= 10 else 11  # noon in Oslo: people keep their hours when clocks change
    return f"{year}-{month:02d}-{draw.randint(2, 27):02d} {hour}:{draw.randint(10, 59)}:00Z"


def _customer(draw: random.Random, number: int) -> tuple[Any, ...]:
    at, year = number - 100, draw.randint(2011, _UNTIL)
    created = _at(draw, year)
    login = _at(draw, draw.randint(year + 1, _UNTIL)) if year < _UNTIL and draw.random() < 0.5 else None
    return (number, "consumer", f"{_FIRST[at % 20]}{'aeiouy'[at // 20 % 6]}", f"{_LAST[at % 16]}{'aeiouy'[at // 120]}s",
            created, login)


def _order(draw: random.Random, number: int, who: int | None, since: int) -> tuple[Any, ...]:
    year = draw.randint(since, _UNTIL)
    if year < _UNTIL and since < _UNTIL and year == since:
        year += 1
    ordered = _at(draw, year)
    day = ordered[:8] + "28" + ordered[10:]
    what, product = draw.random(), draw.choice(list(WARRANTIES))
    if what < 0.1 and who:
        return (number, who, product, ordered, None, None, day, None)
    if what < 0.2 and who:
        return (number, who, product, ordered, day, None, None, None)
    returned = f"{day[:10]} 12:30:00Z" if what > 0.9 else None
    return (number, who, product, ordered, day, ordered, None, returned)


def _reader(draw: random.Random, number: int, who: int | None, since: int) -> tuple[Any, ...]:
    year = draw.randint(since, _UNTIL - 1) if since < _UNTIL else _UNTIL
    return (number, who, _at(draw, year), _at(draw, min(year + 1, _UNTIL)) if draw.random() < 0.4 else None)


def _case(draw: random.Random, number: int, order: int, who: int, year: int) -> tuple[Any, ...]:
    opened = _at(draw, year)
    return (number, who, order, opened, opened[:8] + "28" + opened[10:] if draw.random() < 0.7 else None,
            f"Number {order} rattles")
