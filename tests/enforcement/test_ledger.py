"""The ledger: appended to alone, verified from its beginning to its end; and somebody can be found in it for years."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from ajprivacy_pipeline.enforcement.chain import GENESIS, Row, canonical, faults_of, hash_of, merkle_root
from ajprivacy_pipeline.enforcement.entries import Entry
from ajprivacy_pipeline.enforcement.head import NAME, REMEDY
from ajprivacy_pipeline.enforcement.ledger import Found, Ledger, Token
from ajprivacy_pipeline.errors import ControlError, KeyStoreError
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_tables import access_log, ledger, ledger_tokens
from ajprivacy_pipeline.storage.keystore import KeyStore
from tests.warehouse.shopkit import fresh_database

PLAN = {"plan": "p1", "month": "2026-10"}
AT = datetime(2026, 11, 27, 12, 0, 0, 5)  # noqa: DTZ001 - as the store records it
ROOT = "ab" * 32


class World(SimpleNamespace):
    """A ledger, its folder of keys, and a way to change its store behind its back."""

    ledger: Ledger
    control: ControlStore
    keys: Path
    run: Callable[[str], Any]


def world(keys: Path, url: str) -> World:
    engine = sa.create_engine(url)

    def run(statement: str) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)

    control = ControlStore(url, keys)
    return World(ledger=Ledger(control, KeyStore(keys, ROOT), keys), control=control, keys=keys, run=run)


@pytest.fixture
def one(tmp_path: Path) -> World:
    """On SQLite, empty."""
    return world(tmp_path / "keys", f"sqlite:///{tmp_path / 'control.db'}")


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of six entries and its keys."""
    folder = tmp_path_factory.mktemp("filled")
    fill(world(folder / "keys", f"sqlite:///{folder / 'control.db'}"))
    return folder


@pytest.fixture
def filled(filled_once: Path, tmp_path: Path) -> World:
    """Six entries, on SQLite."""
    shutil.copytree(filled_once, tmp_path, dirs_exist_ok=True)
    return world(tmp_path / "keys", f"sqlite:///{tmp_path / 'control.db'}")


@pytest.fixture(scope="module")
def database(postgres_url: str) -> str:
    """An empty PostgreSQL database."""
    return fresh_database(postgres_url, "ledger")


@pytest.fixture(params=["sqlite", "postgres"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Six entries, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return request.getfixturevalue("filled")
    made = world(tmp_path / "keys", request.getfixturevalue("database"))
    made.run("TRUNCATE ledger, ledger_tokens, store_state, looks RESTART IDENTITY")
    return fill(made)


def fill(made: World) -> World:
    made.ledger.append("plan_made", {**PLAN, "rows": 3, "note": "øæå “quoted”"}, at=AT)
    made.ledger.append("approved", {**PLAN, "by": "ada"}, at=AT)
    batch(made, 1, "customer:1", "customer:2", "contact:1")
    batch(made, 2, "customer:3")
    made.ledger.append("verified", {**PLAN, "applied": 4}, at=AT)
    made.ledger.append("plan_made", {"plan": "p2", "month": "2026-11"}, at=AT)
    assert made.ledger.verify().faults == ()
    return made


def batch(made: World, number: int, *people: str, at: datetime = AT, **more: object) -> Entry:
    tokens = [Token(person, "2026-10", "CON-4") for person in people]
    return made.ledger.append("batch", {**PLAN, "batch": number, "subjects": len(people), **more}, tokens, at=at)


def faults(made: World) -> list[str]:
    """What verify finds; it finds the same a second time, and never mends anything."""
    found = made.ledger.verify().faults
    assert made.ledger.verify().faults == found
    if found:
        with pytest.raises(ControlError) as caught:
            made.ledger.check()
        assert all(fault in str(caught.value) for fault in found)
        assert REMEDY in str(caught.value)
    return list(found)


def rows_of(made: World) -> list[Row]:
    return [Row(**row) for row in made.control.rows(sa.select(ledger).order_by(ledger.c.seq))]


CHANGED = "was changed: what stands there is not what the hash was made of"
ADDED = ("the ledger ends with entry 7, the copy of its head beside the keys with entry 6: something was added to it")
ELSEWHERE = "an entry was inserted or removed before, or the order was changed"


def test_an_empty_ledger_is_whole(one: World) -> None:
    assert one.ledger.verify().faults == ()
    assert one.ledger.check() == (0, GENESIS)
    assert one.ledger.entries() == []
    assert one.ledger.find("customer:1").found == ()
    assert not (one.keys / NAME).exists()


def test_entries_are_what_was_appended(either: World) -> None:
    entries = either.ledger.entries()
    assert [(entry.seq, entry.kind) for entry in entries] == [
        (1, "plan_made"), (2, "approved"), (3, "batch"), (4, "batch"), (5, "verified"), (6, "plan_made")]
    assert entries[0].body == {**PLAN, "rows": 3, "note": "øæå “quoted”"}
    assert entries[0].recorded_at == AT
    assert entries[0].previous == GENESIS
    assert [entry.previous for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]
    assert either.ledger.check() == (6, entries[-1].hash)
    assert (either.keys / NAME).read_text() == f"6 {entries[-1].hash}\n"
    assert (either.keys / NAME).stat().st_mode & 0o777 == 0o600


def test_a_hash_is_what_the_charter_says(either: World) -> None:
    """Computed anew from the words alone."""
    for row in rows_of(either):
        text = json.dumps([row.seq, row.previous, row.kind, row.recorded_at, row.body], ensure_ascii=False,
                          separators=(",", ":"))
        assert row.hash == hashlib.sha256(text.encode("utf-8")).hexdigest()
        assert row.body == json.dumps(json.loads(row.body), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("change", ["kind = 'approveD'", "body = replace(body, '\"rows\":3', '\"rows\":4')",
                                    "body = replace(body, ':3', ': 3')", "body = 'none'",
                                    "recorded_at = '2026-11-27T12:00:00.000006'"])
def test_a_changed_entry_is_found(either: World, change: str) -> None:
    either.run(f"UPDATE ledger SET {change} WHERE seq = 1")
    assert faults(either) == [f"entry 1 {CHANGED}"]


def test_an_entry_whose_hash_was_made_to_fit_is_found_by_the_next(filled: World) -> None:
    first = rows_of(filled)[0]
    made = hash_of(1, GENESIS, first.kind, first.recorded_at, "{}")
    filled.run(f"UPDATE ledger SET body = '{{}}', hash = '{made}' WHERE seq = 1")
    assert faults(filled) == ["entry 2 does not follow what stands before: an entry was exchanged or inserted"]


def test_the_last_entry_made_to_fit_is_found_by_the_heads_copy(either: World) -> None:
    last = rows_of(either)[-1]
    made = hash_of(6, last.previous, last.kind, last.recorded_at, "{}")
    either.run(f"UPDATE ledger SET body = '{{}}', hash = '{made}' WHERE seq = 6")
    assert faults(either) == ["entry 6 is not the one whose hash stands beside the keys"]


def test_an_entry_removed_in_the_middle_is_found(either: World) -> None:
    either.run("DELETE FROM ledger WHERE seq = 2")
    assert faults(either) == ["entry 2 is missing"]
    either.run("DELETE FROM ledger WHERE seq IN (1, 5)")
    assert faults(either) == ["entries 1 to 2 are missing", "entry 5 is missing"]


def test_a_removed_entry_is_found_where_the_others_close_up(filled: World) -> None:
    filled.run("DELETE FROM ledger WHERE seq = 2")
    for seq in range(3, 7):
        filled.run(f"UPDATE ledger SET seq = {seq - 1} WHERE seq = {seq}")
    filled.run("DELETE FROM ledger_tokens")
    found = faults(filled)
    assert found[0] == f"entries 2 to 5 were written as entries 3 to 6: {ELSEWHERE}"
    assert "it was cut at its end" in found[-1]


def test_an_inserted_entry_is_found(either: World) -> None:
    """The others make room; it is as well made as anybody can make it who has the store alone."""
    for seq in range(6, 2, -1):
        either.run(f"UPDATE ledger SET seq = {seq + 1} WHERE seq = {seq}")
        either.run(f"UPDATE ledger_tokens SET seq = {seq + 1} WHERE seq = {seq}")
    second = rows_of(either)[1]
    insert(either, Row(3, "approved", "{}", second.recorded_at, second.hash, ""))
    assert faults(either) == [f"entries 4 to 7 were written as entries 3 to 6: {ELSEWHERE}",
                              ADDED]


def insert(made: World, row: Row) -> None:
    made_hash = hash_of(row.seq, row.previous, row.kind, row.recorded_at, row.body)
    values = ", ".join(f"'{value}'" for value in (*row[:-1], made_hash))
    made.run(f"INSERT INTO ledger ({', '.join(Row._fields)}) VALUES ({values})")


def test_an_entry_added_at_the_end_is_found(either: World) -> None:
    """A killed process leaves an entry that it has announced; nobody has announced this one."""
    insert(either, Row(7, "verified", "{}", "2026-11-27T12:00:00.000005", rows_of(either)[-1].hash, ""))
    assert faults(either) == [ADDED]


def test_a_changed_order_is_found(either: World) -> None:
    for old, new in ((1, 99), (2, 1), (99, 2)):
        either.run(f"UPDATE ledger SET seq = {new} WHERE seq = {old}")
    assert faults(either) == [f"entry 1 was written as entry 2: {ELSEWHERE}",
                              f"entry 2 was written as entry 1: {ELSEWHERE}"]


def test_entries_moved_far_apart_are_found(filled: World) -> None:
    """Where each was written is told by the links."""
    for old, new in ((1, 99), (5, 1), (99, 5)):
        filled.run(f"UPDATE ledger SET seq = {new} WHERE seq = {old}")
    assert faults(filled) == [f"entry 1 was written as entry 5: {ELSEWHERE}",
                              f"entry 5 was written as entry 1: {ELSEWHERE}"]


@pytest.mark.parametrize("left", [5, 1, 0])
def test_a_ledger_cut_at_its_end_is_found(either: World, left: int) -> None:
    either.run(f"DELETE FROM ledger WHERE seq > {left}")
    either.run(f"DELETE FROM ledger_tokens WHERE seq > {left}")
    cut = (f"the ledger ends with entry {left}, the copy of its head beside the keys with entry 6: it was cut at its "
           "end")
    assert faults(either) == [cut]
    before = rows_of(either)
    with pytest.raises(ControlError, match="it was cut at its end"):
        either.ledger.append("stopped", PLAN)
    assert rows_of(either) == before


def test_entries_before_the_first_are_found(filled: World) -> None:
    insert(filled, Row(0, "approved", "{}", "", GENESIS, ""))
    assert faults(filled) == ["entry 0 does not follow what stands before: an entry was exchanged or inserted"]


def test_a_gap_of_any_size_is_one_sentence(one: World) -> None:
    fill(one)
    one.run("UPDATE ledger SET seq = 2000000000 WHERE seq = 6")
    assert faults(one)[:2] == ["entries 6 to 1999999999 are missing",
                               f"entry 2000000000 was written as entry 6: {ELSEWHERE}"]


@pytest.mark.parametrize(("change", "entry"), [
    ("UPDATE ledger_tokens SET token = 'x' || substr(token, 2) WHERE id = 1", 3),
    ("UPDATE ledger_tokens SET month = '2026-11' WHERE id = 1", 3),
    ("UPDATE ledger_tokens SET clauses = 'CON-5' WHERE seq = 4", 4),
    ("DELETE FROM ledger_tokens WHERE seq = 4", 4),
    ("UPDATE ledger_tokens SET seq = 4 WHERE seq = 3", 3)])
def test_changed_tokens_are_found(filled: World, change: str, entry: int) -> None:
    filled.run(change)
    assert f"the tokens of entry {entry} are not those that its root was made of" in faults(filled)


def test_tokens_of_no_batch_are_found(either: World) -> None:
    either.run("INSERT INTO ledger_tokens (id, seq, year, key, token, month, clauses) "
               "SELECT 100 + id, 5, year, key, token, month, clauses FROM ledger_tokens WHERE seq = 4")
    assert faults(either) == ["tokens stand beside entry 5, which has none"]


def test_a_changed_end_takes_no_further_entry(filled: World) -> None:
    filled.run("UPDATE ledger SET kind = 'approved' WHERE seq = 6")
    with pytest.raises(ControlError, match="entry 6 of the ledger was changed"):
        filled.ledger.append("stopped", PLAN)
    assert len(rows_of(filled)) == 6


# The head's second copy.

def killed_at(made: World, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Append, and be killed at a step of it."""
    with monkeypatch.context() as patched:
        def die(*_: object) -> None:
            raise KeyboardInterrupt
        patched.setattr(made.ledger._copy, step, die)
        with pytest.raises(KeyboardInterrupt):
            batch(made, 9, "customer:9")


def test_killed_between_store_and_copy_it_is_brought_up(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at(filled, monkeypatch, "advance")
    rows = rows_of(filled)
    assert len(rows) == 7
    assert (filled.keys / NAME).read_text() == f"6 {rows[5].hash}\n7 {rows[6].hash}\n"
    assert filled.ledger.verify().faults == ()
    assert (filled.keys / NAME).read_text() == f"7 {rows[6].hash}\n"


def test_killed_twice_without_a_look_in_between_it_goes_on(either: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        killed_at(either, monkeypatch, "advance")
    batch(either, 10, "customer:10")
    assert len(rows_of(either)) == 10
    assert faults(either) == []


def test_killed_before_the_commit_nothing_was_written(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    announced = filled.ledger._copy.announce
    with monkeypatch.context() as patched:
        def die(*heads: Any) -> None:
            announced(*heads)
            raise KeyboardInterrupt
        patched.setattr(filled.ledger._copy, "announce", die)
        with pytest.raises(KeyboardInterrupt):
            batch(filled, 9, "customer:9")
    assert len(rows_of(filled)) == 6
    assert filled.ledger.find("customer:9").found == ()
    assert faults(filled) == []
    batch(filled, 9, "customer:9")
    assert faults(filled) == []


def test_killed_at_the_very_first_entry(one: World, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at(one, monkeypatch, "advance")
    assert faults(one) == []
    assert (one.keys / NAME).read_text().startswith("1 ")


def test_a_copy_that_is_gone_is_found(filled: World) -> None:
    (filled.keys / NAME).unlink()
    gone = f"the copy of the head, keys/{NAME}, is gone, while the ledger has entries up to 6"
    assert faults(filled) == [gone]
    assert not (filled.keys / NAME).exists()
    with pytest.raises(ControlError, match="is gone"):
        filled.ledger.append("stopped", PLAN)


@pytest.mark.parametrize("text", ["", "six abc\n", "6\n", "øøø"])
def test_a_copy_that_is_none_is_found(filled: World, text: str) -> None:
    (filled.keys / NAME).write_text(text)
    assert len(faults(filled)) == 1
    assert (filled.keys / NAME).read_text() == text
    with pytest.raises(ControlError):
        filled.ledger.append("stopped", PLAN)
    assert len(rows_of(filled)) == 6


def test_a_store_from_before_is_found(one: World, tmp_path: Path) -> None:
    fill(one)
    shutil.copy(tmp_path / "control.db", tmp_path / "before.db")
    batch(one, 3, "customer:4")
    shutil.copy(tmp_path / "before.db", tmp_path / "control.db")
    assert "it was cut at its end" in "".join(faults(one))


def test_two_who_append_wait_for_each_other(either: World) -> None:
    """Each with a ledger of its own on the same store and keys, and somebody verifies meanwhile."""
    def append(number: int) -> None:
        own = Ledger(either.control, KeyStore(either.keys, ROOT), either.keys)
        for batch_number in range(6):
            own.append("batch", {**PLAN, "batch": batch_number}, [Token(f"customer:{number}", "2026-10", "CON-4")],
                       at=AT)

    with ThreadPoolExecutor(2) as pool:
        working = [pool.submit(append, number) for number in (1, 2)]
        while not all(one.done() for one in working):
            assert either.ledger.verify().faults == ()
    assert [one.exception() for one in working] == [None, None]
    assert [row.seq for row in rows_of(either)] == list(range(1, 19))
    assert faults(either) == []


def test_somebody_may_go_on_by_name(either: World) -> None:
    either.run("DELETE FROM ledger WHERE seq > 5")
    before = (either.keys / NAME).read_text().strip()
    made = either.ledger.start_anew("Ada", "recorded_again")
    assert made
    assert (made.seq, made.kind, made.body) == (
        6, "started_anew", {"by": "Ada", "reason": "recorded_again", "head_before": before})
    assert faults(either) == []
    assert either.ledger.start_anew("Ada", "recorded_again") is None
    either.run("UPDATE ledger SET kind = 'x' WHERE seq = 2")
    with pytest.raises(ControlError, match=f"entry 2 {CHANGED}"):
        either.ledger.start_anew("Ada", "recorded_again")


# What an append takes.

def test_other_tables_are_written_in_the_same_transaction(one: World) -> None:
    row = {"subject_id": "t", "month": "2026-10", "what": "x", "by": "Ada", "looked_at": AT}
    one.ledger.append("approved", PLAN, also={"looks": [row]})
    assert len(one.control.rows(sa.select(access_log))) == 1
    with pytest.raises(ControlError, match="the control store refused"):
        one.ledger.append("approved", PLAN, [Token("customer:1", "2026-10", "CON-4")], also={"looks": [{"by": "x"}]})
    assert (len(rows_of(one)), len(one.control.rows(sa.select(ledger_tokens)))) == (1, 0)
    assert faults(one) == []


@pytest.mark.parametrize("body", [{"share": 0.5}, {"rows": [1, {"x": 1.0}]}, {"day": date(2026, 1, 1)}, {1: "x"},
                                  {"x": {"y": {2: 3}}}, {"raw": b"x"}])
def test_what_has_no_exact_form_is_refused(one: World, body: dict[Any, Any]) -> None:
    with pytest.raises(TypeError, match="canonical JSON"):
        one.ledger.append("approved", body)
    assert rows_of(one) == []


# Who was carried out.

def test_a_token_is_an_hmac_under_the_years_key(one: World) -> None:
    batch(one, 1, "customer:1", "customer:1", "contact:1")
    key = b64decode(KeyStore(one.keys, ROOT).data_key("ledger-2026", create=False))
    stored = one.control.rows(sa.select(ledger_tokens).order_by(ledger_tokens.c.id))
    assert [row["token"] for row in stored] == sorted(
        hmac.new(key, person, hashlib.sha256).hexdigest() for person in (b"customer:1", b"contact:1"))
    assert {(row["year"], row["seq"], row["month"], row["clauses"]) for row in stored} == {
        (2026, 1, "2026-10", "CON-4")}
    assert "customer:1" not in canonical([list(row.values()) for row in stored])


def test_somebody_is_found_with_day_and_clause(filled: World) -> None:
    assert filled.ledger.find("customer:3").found == (Found(AT.date(), "2026-10", "CON-4"),)
    assert filled.ledger.find("customer:30").found == ()
    assert filled.ledger.find("contact:3").found == ()
    batch(filled, 3, "customer:3", carried_out_on="2026-12-31", at=datetime(2027, 1, 1))  # noqa: DTZ001
    assert [found.carried_out_on for found in filled.ledger.find("customer:3").found] == [AT.date(), date(2026, 12, 31)]
    years = filled.control.rows(sa.select(ledger_tokens.c.year).distinct())
    assert [row["year"] for row in years] == [2026], "the year of the day it was carried out"


def test_somebodys_clauses_are_one_row_and_found_singly(one: World) -> None:
    one.ledger.append("batch", {**PLAN, "batch": 1}, [Token("customer:1", "2026-10", clause)
                                                      for clause in ("IND-2", "CON-4", "CON-4")], at=AT)
    (row,) = one.control.rows(sa.select(ledger_tokens))
    assert row["clauses"] == "CON-4,IND-2"
    assert [found.clause for found in one.ledger.find("customer:1").found] == ["CON-4", "IND-2"]


def test_what_a_restore_undid_is_not_found(filled: World) -> None:
    filled.ledger.append("undone_by_restore", {**PLAN, "batches": [2], "by": "ada"})
    assert filled.ledger.find("customer:3").found == ()
    assert filled.ledger.find("customer:1").found != ()
    batch(filled, 2, "customer:3")  # the same plan's batch, carried out again
    assert len(filled.ledger.find("customer:3").found) == 1


def test_each_year_has_its_own_key_and_tokens_differ(one: World) -> None:
    for year in (2024, 2025):
        batch(one, 1, "customer:1", at=datetime(year, 5, 1))  # noqa: DTZ001
    tokens = {row["token"] for row in one.control.rows(sa.select(ledger_tokens))}
    assert len(tokens) == 2
    assert [found.carried_out_on.year for found in one.ledger.find("customer:1").found] == [2024, 2025]


@pytest.mark.parametrize(("today", "gone"), [
    (date(2025, 12, 31), ()), (date(2026, 1, 1), (2020,)), (date(2026, 12, 31), (2020,)),
    (date(2027, 1, 1), (2020, 2021))])
def test_a_years_key_goes_when_its_last_day_is_old_enough(one: World, today: date, gone: tuple[int, ...]) -> None:
    for year in (2020, 2021, 2022):
        batch(one, 1, "customer:1", at=datetime(year, 12, 31, 23))  # noqa: DTZ001
    assert one.ledger.forget_years(today, 5) == gone
    assert one.ledger.forget_years(today, 5) == ()
    keys = KeyStore(one.keys, ROOT)
    assert [year for year in (2020, 2021, 2022) if not keys.has(f"ledger-{year}")] == list(gone)
    answer = one.ledger.find("customer:1")
    assert answer.years_without_key == gone
    assert [found.carried_out_on.year for found in answer.found] == [y for y in (2020, 2021, 2022) if y not in gone]
    assert [entry.body for entry in one.ledger.entries()[3:]] == [{"years": list(gone)}] * bool(gone)
    assert len(one.control.rows(sa.select(ledger_tokens))) == 3
    assert faults(one) == []


def test_killed_before_a_key_is_destroyed_it_goes_the_next_time(one: World, monkeypatch: pytest.MonkeyPatch) -> None:
    batch(one, 1, "customer:1", at=datetime(2020, 1, 1))  # noqa: DTZ001
    with monkeypatch.context() as patched:
        def die(*_: object) -> None:
            raise KeyboardInterrupt
        patched.setattr(KeyStore, "destroy", die)
        with pytest.raises(KeyboardInterrupt):
            one.ledger.forget_years(date(2026, 1, 1), 5)
    assert one.ledger.forget_years(date(2026, 1, 1), 5) == (2020,)
    assert [entry.kind for entry in one.ledger.entries()] == ["batch", "keys_destroyed"]


def test_a_lost_key_is_not_made_anew(one: World) -> None:
    batch(one, 1, "customer:1")
    (one.keys / "ledger-2026.sealed").unlink()
    with pytest.raises(KeyStoreError, match="the key ledger-2026 is gone"):
        batch(one, 2, "customer:2")
    assert len(rows_of(one)) == 1
    assert one.ledger.find("customer:1").years_without_key == (2026,)
    KeyStore(one.keys, ROOT).data_key("ledger-2026")
    for attempt in (lambda: batch(one, 2, "customer:2"), lambda: one.ledger.find("customer:1")):
        with pytest.raises(KeyStoreError, match="is not the one"):
            attempt()
    assert len(rows_of(one)) == 1


# Against slow obvious code.

def slow_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, as its text has it."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + slow_root(leaves[:k]) + slow_root(leaves[k:])).digest()


TEXTS = st.text('ab"é', max_size=3)
LEAVES = st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=20)


@effort(deadline=None, max_examples=40)
@given(LEAVES, st.randoms())
def test_a_root_is_rfc_6962s_whatever_the_order(leaves: list[tuple[str, str, str]], chance: Any) -> None:
    as_bytes = sorted(f"{leaf[0]}\n{leaf[1]}\n{leaf[2]}".encode() for leaf in leaves)
    mixed = list(leaves)
    chance.shuffle(mixed)
    assert merkle_root(mixed) == slow_root(as_bytes).hex()


def test_a_known_root() -> None:
    """The empty tree's root as RFC 6962 gives it, and a node that no leaf can be taken for."""
    assert merkle_root([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle_root([("a", "b", "c")]) == hashlib.sha256(b"\x00a\nb\nc").hexdigest()


def chain(bodies: list[str]) -> list[Row]:
    rows: list[Row] = []
    for seq, body in enumerate(bodies, 1):
        previous = rows[-1].hash if rows else GENESIS
        rows.append(Row(seq, "batch", body, "t", previous, hash_of(seq, previous, "batch", "t", body)))
    return rows


@effort(deadline=None, max_examples=200)
@given(st.data())
def test_any_change_to_a_chain_is_found(data: st.DataObject) -> None:
    """However the stored rows are spoilt: a chain has no fault if and only if it is a beginning of what was written."""
    rows = chain(data.draw(st.lists(st.sampled_from("abc"), max_size=7)))
    spoilt = list(rows)
    for _ in range(data.draw(st.integers(0, 3))):
        if not spoilt:
            break
        place = data.draw(st.integers(0, len(spoilt) - 1))
        row = spoilt[place]
        how = data.draw(st.sampled_from(["remove", "body", "hash", "previous", "seq", "twice", "swap"]))
        if how == "remove":
            del spoilt[place]
        elif how == "seq":
            spoilt[place] = row._replace(seq=data.draw(st.integers(0, 9)))
        elif how == "twice":
            spoilt.append(row)
        elif how == "swap":
            other = data.draw(st.integers(0, len(spoilt) - 1))
            spoilt[place], spoilt[other] = (spoilt[other]._replace(seq=row.seq),
                                            row._replace(seq=spoilt[other].seq))
        else:
            spoilt[place] = row._replace(**{how: data.draw(st.sampled_from("abc"))})
    spoilt.sort(key=lambda row: row.seq)
    assert (faults_of(spoilt) == []) == (spoilt == rows[:len(spoilt)])
