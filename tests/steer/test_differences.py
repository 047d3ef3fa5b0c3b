"""What a simulation finds, against two homes decided apart and compared row by row, on random shops."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ajprivacy_pipeline.policy import parse_decision_policy, read_texts
from ajprivacy_pipeline.settings import NOTICE, Settings
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_file
from ajprivacy_pipeline.whatif.differences import RULINGS
from ajprivacy_pipeline.whatif.simulate import Simulation, simulate
from tests.explain.world import HOLDS, MONTH, home
from tests.oracle.batch import named_shop
from tests.oracle.model import Shop
from tests.oracle.shops import random_shop

Key = tuple[str, ...]
SHOPS = 40
CHANGES = {
    "a longer contract": (r"(contract_tail_months = \{ value = )\d+", r"\g<1>36"),
    "a shorter contract": (r"(contract_tail_months = \{ value = )\d+", r"\g<1>1"),
    "a longer individualisation": (r"(individualisation_tail_months = \{ value = )\d+", r"\g<1>60"),
    "a shorter bookkeeping": (r"(bookkeeping_years = \{ value = )\d+", r"\g<1>1"),
    "warranties of companies": (r"business_warranty_keeps_contact = false", "business_warranty_keeps_contact = true"),
    "other values without meaning": (r"plausible_years = \[\d+, \d+\]", "plausible_years = [2022, 2199]"),
    "another tombstone": (r'(?m)^business = "[^"]*"', 'business = "s1~1"'),
}


class Decided(NamedTuple):
    """One decision as its worded view has it."""

    subject_id: str | None
    decision: str
    due_on: object
    retained_by: list[str]
    held_by: list[str]


def policy_texts() -> dict[str, str]:
    """Today's policy without the guard of the first run: the shops are full of ids that do not exist."""
    texts = read_texts(NOTICE)
    texts["purposes.toml"] = re.sub(r"(?m)^first_orphan_share = .*", "first_orphan_share = 1.0", texts["purposes.toml"])
    return texts


def many_shops() -> Shop:
    """Random shops beside each other, with every kind of fault, request and boundary date."""
    merged: Shop = {}
    for seed in range(SHOPS):
        for table, rows in named_shop(random_shop(seed)[0], f"s{seed}~", set()).items():
            merged.setdefault(table, []).extend(rows)
    return merged


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home whose month was decided by that policy, which stands in its control store."""
    texts = policy_texts()
    policy = parse_decision_policy(texts)
    made = home(tmp_path_factory.mktemp("decided"), many_shops(), policy=policy, holds=HOLDS)
    ControlStore.in_folder(made.control).insert(store.policies, [
        {"version": policy.version, "stored_at": utc_now(), "content": json.dumps(texts)}])
    return made


def decisions(settings: Settings) -> dict[Key, Decided]:
    """Every decision of a home's month, by kind, what it is about, and whom or which record."""
    found: dict[Key, Decided] = {}
    with zones.open_zone(settings, KeyStore(settings.keys), month_file(settings, MONTH), read_only=True) as con:
        rows = con.execute(
            "SELECT 'attributes', attribute, subject_id, subject_id, decision, due_on, retained_by, held_by "
            "FROM retention.attribute_decisions UNION ALL "
            "SELECT 'records', entity || '.' || part, record_id, subject_id, decision, due_on, retained_by, held_by "
            "FROM retention.record_decisions").fetchall()
    for *key, subject_id, decision, due_on, retained_by, held_by in rows:
        found[tuple(key)] = Decided(subject_id, decision, due_on, retained_by, held_by)
    assert len(found) == len(rows)
    return found


def change_of(was: Decided | None, becomes: Decided | None) -> str:
    """What a decision that becomes another is called."""
    if becomes and becomes.decision in ("due", "hold"):
        return {"due": "becomes_due", "hold": "becomes_held"}[becomes.decision]
    return {"due": "no_longer_due", "hold": "no_longer_held"}.get(was.decision if was else "", "other")


def grounds_of(was: Decided | None, becomes: Decided | None) -> list[str] | None:
    """What keeps it afterwards, or kept it before it was due."""
    if becomes is None:
        return None
    if becomes.decision == "due":
        return [*was.retained_by, *was.held_by] if was else []
    return becomes.held_by if becomes.decision == "hold" else becomes.retained_by


def flips(was: dict[Key, Decided], becomes: dict[Key, Decided]) -> Iterator[tuple[object, ...]]:
    """A row for each decision that becomes another, as the file of ids has it."""
    for key in {*was, *becomes}:
        old, new = was.get(key), becomes.get(key)
        if old is None or new is None or old.decision != new.decision:
            kind, what, record = key
            whose = old.subject_id if old and old.subject_id else new and new.subject_id
            yield (change_of(old, new), kind, whose, what, record if kind == "records" else None,
                   old.decision if old else "none", new.decision if new else "none",
                   old.due_on if old else None, new.due_on if new else None, grounds_of(old, new))


def dates(was: dict[Key, Decided], becomes: dict[Key, Decided]) -> Iterator[tuple[str, str, str | None]]:
    """Change, kind and person of each decision that stays retained to another day."""
    for key in was.keys() & becomes.keys():
        old, new = was[key], becomes[key]
        if old.decision == new.decision == "retain" and old.due_on != new.due_on:
            later = str(new.due_on or "9") > str(old.due_on or "9")
            yield "later" if later else "earlier", key[0], old.subject_id or new.subject_id


def listed(result: Simulation, name: str) -> list[tuple[object, ...]]:
    """A list of a result, without the names of its columns."""
    return [tuple(row.values()) for row in result[name]]  # type: ignore[literal-required]


@pytest.mark.soak
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_simulation_finds_what_two_homes_decided_apart_differ_in(
    change: str, decided: Settings, tmp_path: Path,
) -> None:
    """Kinds, people, parts, grounds and each id; where people are numbered alike and where they are not."""
    texts = policy_texts()
    file = next(name for name, text in sorted(texts.items()) if re.search(CHANGES[change][0], text))
    texts[file] = re.sub(*CHANGES[change], texts[file], count=1)
    other = home(tmp_path, many_shops(), policy=parse_decision_policy(texts), holds=HOLDS)
    was, becomes = decisions(decided), decisions(other)
    rows, moved = list(flips(was, becomes)), list(dates(was, becomes))
    out = decided.restricted / f"{change}.parquet"

    found = simulate(decided, texts, MONTH, out)
    written = zones.memory().execute(f"SELECT * FROM read_parquet('{out}')").fetchall()

    assert rows or moved
    assert sorted(map(repr, written)) == sorted(map(repr, rows))
    assert listed(found, "flips") == sorted(
        (*key, count, len({row[2] for row in rows if (row[0], row[1], row[5], row[6]) == key} - {None}))
        for key, count in Counter((row[0], row[1], row[5], row[6]) for row in rows).items())
    assert listed(found, "dates") == sorted(
        (*key, count, len({row[2] for row in moved if row[:2] == key} - {None}))
        for key, count in Counter(row[:2] for row in moved).items())
    assert listed(found, "by_part") == sorted(
        (*key, count) for key, count in Counter((row[0], row[1], row[3]) for row in rows).items())
    assert listed(found, "by_purpose") == sorted((*key, count) for key, count in Counter(
        (row[0], row[1], ground) for row in rows for ground in row[9] or []).items())  # type: ignore[attr-defined]
    assert found["backlog"]["people"] == len({row[2] for row in rows if row[0] == "becomes_due"} - {None})


def test_the_random_shops_flip_all_kinds_of_decisions(decided: Settings) -> None:
    """Otherwise the comparison above would prove little: every decision occurs, of every model that has rulings."""
    found = {(key[1].partition(".")[0], row.decision) for key, row in decisions(decided).items() if key[0] == "records"}

    assert {(entity, decision) for entity in ("orders", "invoices")
            for decision in ("absent", "retain", "hold", "due")} <= found
    assert len(RULINGS) == 3
