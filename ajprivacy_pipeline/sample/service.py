"""The sample shop's dealings with its customers of one chunk: cases, communications, newsletter, requests for rights.

Belongs here: what people wrote and asked. Does not belong here: what they clicked (`traces`).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ajprivacy_pipeline.sample import data
from ajprivacy_pipeline.sample.arrays import (
    DAY,
    NONE,
    TOO_LATE,
    YEAR,
    Columns,
    Ints,
    Mask,
    by,
    chosen,
    digits,
    either,
    fill,
    keep,
    messy,
    spread,
    take,
    text,
    times,
)
from ajprivacy_pipeline.sample.people import Chunk, People
from ajprivacy_pipeline.sample.trade import Orders

CASE_KINDS = (*data.CASE_SUMMARIES, "retur")  # the last one is a fault on purpose
CHANNELS = ("phone", "email", "chat", "letter", "in_person", "digital", "sms")  # so is this
REQUEST_KINDS = ("access", "rectification", "erasure", "restriction", "portability", "objection")
OUTCOMES = ("granted", "granted", "granted", "refused", "withdrawn")
FEWEST_REQUESTS = 60  # so that even the smallest sample shows every kind, open and closed


@dataclass(frozen=True)
class Cases:
    """Cases of a chunk: `who` opened it, times in local seconds or NONE."""

    ids: pa.Array
    who: Ints
    opened: Ints
    closed: Ints


def _facts(people: People, who: Ints) -> Columns:
    """Name, e-mail and phone of persons, for sentences."""
    return {field: take(people.both(field), who) for field in ("name", "email", "phone")}


def make_cases(chunk: Chunk, people: People, orders: Orders, first_case: int) -> tuple[Cases, Columns]:
    """Complaints soon after an order, warranty cases years later, enquiries at any time; few stay open for long."""
    rng = chunk.streams.rng("cases")
    about = np.flatnonzero(chosen(rng, len(orders), 0.05))
    asked = np.flatnonzero(chosen(rng, chunk.rows, 0.03))
    kind = np.concatenate([rng.integers(0, 2, len(about)), np.full(len(asked), 2)])
    order = np.concatenate([about, np.full(len(asked), -1)])
    begin = np.where(orders.delivered[about] == NONE, orders.ordered[about], orders.delivered[about])
    wait = np.where(kind[:len(about)] == 1, 3 * YEAR, 25 * DAY) * rng.exponential(1, len(about))
    general = people.joined[asked] + ((people.left - people.joined)[asked] * rng.random(len(asked))).astype(np.int64)
    opened = np.concatenate([begin + 3_600 + wait.astype(np.int64), general])
    who = np.concatenate([orders.who[about], asked])
    happened = opened < chunk.limit
    kind, order, who, opened = kind[happened], order[happened], who[happened], opened[happened]
    rows = len(kind)
    closed = by(opened + (rng.exponential(20 * DAY, rows)).astype(np.int64) + 900, chunk.limit)
    closed = np.where(messy(rows, 17, 64), NONE, closed)
    cases = Cases(text("S", digits(first_case + np.arange(rows), 8)), who, opened, closed)
    sentences = [sentence for group in data.CASE_SUMMARIES.values() for sentence in group]
    summary = fill(sentences, kind * 3 + rng.integers(0, 3, rows), _facts(people, who))
    return cases, {
        "case_id": cases.ids, **people.ids(who), "order_id": take(orders.ids, order),
        "kind": take(CASE_KINDS, np.where(messy(rows, 61), 3, kind)), "opened_at": times(opened),
        "closed_at": times(np.where(messy(rows, 641), TOO_LATE, closed)), "summary": summary,
    }


def make_communications(chunk: Chunk, people: People, cases: Cases, first: int) -> Columns:
    """One to three messages a case, and letters, calls and mails beside; some from nobody we know."""
    rng = chunk.streams.rng("communications")
    of_case = np.repeat(np.arange(len(cases.who)), rng.integers(1, 4, len(cases.who)))
    loose = rng.integers(0, chunk.rows + len(people.owner), chunk.rows // 2)
    case = np.concatenate([of_case, np.full(len(loose), -1)])
    who = np.concatenate([cases.who[of_case], loose])
    end = np.where(cases.closed == NONE, chunk.limit, cases.closed)[of_case]
    during = cases.opened[of_case] + ((end - cases.opened[of_case]) * rng.random(len(of_case)) ** 2).astype(np.int64)
    since = people.since()[loose]
    moment = np.concatenate([during, since + ((chunk.limit - since) * rng.random(len(loose))).astype(np.int64)])
    rows = len(case)
    channel = rng.choice(6, rows, p=(0.3, 0.4, 0.15, 0.03, 0.02, 0.1))
    inbound = chosen(rng, rows, 0.6)
    facts = _facts(people, who)
    theirs = either(np.isin(channel, (0, 4)), facts["phone"], either(channel == 3, facts["name"], facts["email"]))
    # a message of a case may leave its ids to the case; among the others, one in ten is from a stranger
    known = np.where(rng.random(rows) < np.where(case < 0, 0.1, 0.05), -1, who)
    body = fill(data.MESSAGES, rng.integers(0, len(data.MESSAGES), rows), facts)
    return {
        "communication_id": text("M", digits(first + np.arange(rows), 9)), **people.ids(known),
        "case_id": take(cases.ids, case), "channel": take(CHANNELS, np.where(messy(rows, 97), 6, channel)),
        "direction": either(inbound, "in", "out"), "occurred_at": times(moment),
        "sender": either(inbound, theirs, data.SHOP_MAIL), "recipient": either(inbound, data.SHOP_MAIL, theirs),
        "body": body,
    }


def make_subscriptions(chunk: Chunk, people: People, first: int) -> Columns:
    """Returns a quarter of the people with an e-mail address, some without their ids, and strangers."""
    rng = chunk.streams.rng("newsletter")
    everybody = chunk.rows + len(people.owner)
    has_mail = pc.is_valid(people.both("email")).to_numpy(False)
    who = np.flatnonzero(has_mail & chosen(rng, everybody, 0.22))
    who = np.concatenate([who, np.full(chunk.rows // 50 + 1, -1)])
    rows = len(who)
    stranger = text("leser", digits(spread(first + np.arange(rows), 10**8), 8), "@example.org")
    mail = pc.coalesce(take(people.both("email"), who), stranger)
    since = np.where(who < 0, chunk.limit - 6 * YEAR, people.since()[np.maximum(who, 0)])
    begun = since + ((chunk.limit - since) * rng.random(rows) ** 2).astype(np.int64)
    ended = by(begun + (rng.exponential(4 * YEAR, rows)).astype(np.int64), chunk.limit)
    ended = np.where(chosen(rng, rows, 0.5), ended, NONE)
    known = np.where(chosen(rng, rows, 0.2), -1, who)
    mail = either(chosen(rng, rows, 0.02), pc.utf8_upper(mail), mail)
    agreed = times(np.where(chosen(rng, rows, 0.05), NONE, begun))
    return {
        "subscription_id": text("N", digits(first + np.arange(rows), 9)),
        "email": mail, **people.ids(known),
        "subscribed_at": agreed, "unsubscribed_at": times(ended), "consent_at": agreed,
    }


def make_requests(chunk: Chunk, people: People, first: int) -> Columns:
    """Requests of the last six years, most from this one: of every kind, open and closed, verified and not."""
    rng = chunk.streams.rng("requests")
    rows = max(FEWEST_REQUESTS, chunk.rows * 6 // 1_000)
    number = np.arange(rows)
    who = rng.integers(0, chunk.rows + len(people.owner), rows)
    since = people.since()[who]
    received = chunk.limit - (6 * YEAR * rng.random(rows) ** 2).astype(np.int64)
    received = np.where(received < since, since + ((chunk.limit - since) * rng.random(rows)).astype(np.int64), received)
    verified = by(received + (rng.exponential(5 * DAY, rows)).astype(np.int64), chunk.limit)
    verified = np.where(number % 4 == 3, NONE, verified)
    closed = by(np.maximum(received, verified) + (rng.exponential(15 * DAY, rows)).astype(np.int64) + DAY, chunk.limit)
    closed = np.where(number % 5 == 4, NONE, closed)
    facts = _facts(people, who)
    by_mail: Mask = (number % 7 == 6) & pc.is_valid(facts["email"]).to_numpy(False)
    return {
        "request_id": text("R", digits(first + number, 7)), "kind": take(REQUEST_KINDS, number % 6),
        **people.ids(np.where(by_mail, -1, who)), "email": keep(facts["email"], by_mail | chosen(rng, rows, 0.7)),
        "received_at": times(received), "identity_verified_at": times(verified), "closed_at": times(closed),
        "outcome": keep(take(OUTCOMES, number // 6 % len(OUTCOMES)), closed != NONE),
        "details": fill(data.REQUEST_DETAILS, number % 3, facts),
    }
