"""The sample shop's bulk traces of one chunk: web events and application logs.

Belongs here: rows that a machine wrote. Does not belong here: what people wrote (`service`).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ajprivacy_pipeline.sample import data
from ajprivacy_pipeline.sample.arrays import (
    DAY,
    NONE,
    Columns,
    Ints,
    Mask,
    Streams,
    chosen,
    digits,
    fill,
    keep,
    spread,
    take,
    text,
    times,
)
from ajprivacy_pipeline.sample.people import Chunk, People

EVENTS_PER_CUSTOMER, EVENT_DAYS = 10, 791
LOGS_PER_CUSTOMER, LOG_DAYS = 8, 610
ADDRESSES = 256 * len(data.IP_RANGES)


@dataclass(frozen=True)
class _Visitors:
    """Browsers: whose (-1: nobody's we know), whether consented to (-1: unasked, 0 no, 1 yes) and until when."""

    who: Ints
    ids: pa.Array
    address: Ints
    agent: Ints
    consent: Ints
    withdrawn: Ints


def _addresses() -> list[str]:
    return [f"{prefix}{host}" for prefix in data.IP_RANGES for host in range(256)]


def _moments(rng: np.random.Generator, rows: int, limit: int, days: int) -> Ints:
    """Moments of the last days, from six in the morning to midnight, up to the limit."""
    day = limit // DAY - rng.integers(0, days, rows)
    return np.asarray(np.minimum(day * DAY + rng.integers(6 * 3_600, DAY, rows), limit), dtype=np.int64)


def _visitors(streams: Streams, people: People, first: int, rows: int, limit: int) -> _Visitors:
    rng = streams.rng("visitors")
    everybody = len(people.kind) + len(people.owner)
    who = np.where(chosen(rng, rows, 0.45), rng.integers(0, everybody, rows), -1)
    consent = rng.choice(3, rows, p=(0.05, 0.25, 0.70)).astype(np.int64) - 1
    withdrawn = np.where((consent == 1) & chosen(rng, rows, 0.05), _moments(rng, rows, limit, EVENT_DAYS), NONE)
    ids = text("v", digits(spread(first + np.arange(rows), 10**10), 10))
    address, agent = rng.integers(0, ADDRESSES, rows), rng.integers(0, len(data.AGENTS), rows)
    return _Visitors(who, ids, address, agent, consent, withdrawn)


def make_web_events(chunk: Chunk, people: People, first: int) -> Columns:
    """Clicks of the last 26 months: a visitor a customer, few of them with most of the clicks."""
    rng = chunk.streams.rng("web_events")
    rows = chunk.rows * EVENTS_PER_CUSTOMER
    visitors = _visitors(chunk.streams, people, first, chunk.rows, chunk.limit)
    visitor = (chunk.rows * rng.random(rows) ** 1.8).astype(np.int64)
    moment = _moments(rng, rows, chunk.limit, EVENT_DAYS)
    who = visitors.who[visitor]
    # nobody is known before they are a customer; and most clicks come before the login
    known = (who >= 0) & (people.since()[np.maximum(who, 0)] <= moment) & chosen(rng, rows, 0.6)
    withdrawn = visitors.withdrawn[visitor]
    consent = np.where((withdrawn != NONE) & (withdrawn <= moment), 0, visitors.consent[visitor])
    return {
        "event_id": text("E", digits(first + np.arange(rows), 10)), "occurred_at": times(moment),
        "visitor_id": take(visitors.ids, visitor), **people.ids(np.where(known, who, -1)),
        "ip_address": take(_addresses(), visitors.address[visitor]),
        "user_agent": take(data.AGENTS, visitors.agent[visitor]),
        "event_type": take(data.EVENTS, rng.integers(0, len(data.EVENTS), rows)),
        "page": take(data.PAGES, (len(data.PAGES) * rng.random(rows) ** 2).astype(np.int64)),
        "consented": pa.array(consent == 1, mask=consent < 0),
        "consent_withdrawn_at": times(np.where(withdrawn > moment, withdrawn, NONE)),
    }


def make_app_logs(chunk: Chunk, people: People, first: int) -> Columns:
    """Log lines of the last 20 months: most about a person, with the user name in the column, the message, or both."""
    rng = chunk.streams.rng("app_logs")
    rows = chunk.rows * LOGS_PER_CUSTOMER
    moment = _moments(rng, rows, chunk.limit, LOG_DAYS)
    who = rng.integers(0, chunk.rows + len(people.owner), rows)
    line = rng.integers(0, len(data.LOG_LINES), rows)
    has_name = pc.is_valid(people.both("username")).to_numpy(False)
    there: Mask = (people.since()[who] <= moment) & has_name[who]
    line = np.where(there, line, data.LOG_NAMED + line % (len(data.LOG_LINES) - data.LOG_NAMED))
    personal = line < data.LOG_NAMED
    username = take(people.both("username"), np.where(personal, who, -1))
    address = take(_addresses(), rng.integers(0, ADDRESSES, rows))
    facts = {"username": username, "email": take(people.both("email"), np.where(personal, who, -1)), "ip": address}
    return {
        "log_id": text("L", digits(first + np.arange(rows), 10)), "logged_at": times(moment),
        "service": take(data.SERVICES, rng.integers(0, len(data.SERVICES), rows)),
        "level": take(data.LEVELS, rng.integers(0, len(data.LEVELS), rows)),
        "username": keep(username, chosen(rng, rows, 0.8)),
        "ip_address": keep(address, personal & chosen(rng, rows, 0.9)),
        "message": fill(data.LOG_LINES, line, facts),
    }
