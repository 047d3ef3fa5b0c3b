"""A certificate says what the ledger says, in the words of the specification, and no more."""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from datetime import datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from ajprivacy_pipeline.enforcement.certificate import Certificate, certificate_of
from ajprivacy_pipeline.enforcement.certificate_page import Words, _wording, render, write_certificate
from ajprivacy_pipeline.enforcement.entries import Entry
from ajprivacy_pipeline.enforcement.head import Head
from ajprivacy_pipeline.enforcement.ledger import Ledger
from ajprivacy_pipeline.enforcement.residue import _backups
from ajprivacy_pipeline.errors import ControlError, PrivacyError
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from tests.enforcement.month import APPROVED, AT, BATCHES, MADE, VERIFIED, carry_out

POLICY = load_policy(NOTICE)
CLAUSES = POLICY.clauses
MONTH = "2026-10"
HEAD = Head(99, "f" * 64)
Said = list[tuple[str, dict[str, Any]]]
WHOLE: Said = [("plan_made", dict(MADE)), ("approved", dict(APPROVED)), *(("batch", dict(body)) for body in BATCHES),
               ("verified", dict(VERIFIED))]


def entries(said: Said, at: datetime = AT) -> list[Entry]:
    """Entries without a store."""
    return [Entry(seq, kind, body, at, "", f"hash {seq}") for seq, (kind, body) in enumerate(said, 1)]


def made_of(said: Said) -> Certificate:
    return certificate_of(entries(said), MONTH, HEAD)


def verdict(**changed: Any) -> tuple[str, dict[str, Any]]:
    return "verified", {**VERIFIED, **changed}


def test_it_says_what_the_entries_say() -> None:
    found = made_of(WHOLE)
    assert found["carried_out"] == [
        {"clause": "CON-4", "rows": 6, "cells": 12, "parts": [
            {"entity": "customers", "part": "email", "actions": ["erase"], "rows": 2, "cells": 2,
             "cells_by_action": None},
            {"entity": "orders", "part": "delivery", "actions": ["erase", "generalise"], "rows": 2, "cells": 8,
             "cells_by_action": {"erase": 7, "generalise": 1}},
            {"entity": "orders", "part": "link", "actions": ["unlink"], "rows": 2, "cells": 2,
             "cells_by_action": None}]},
        {"clause": "LOG-1", "rows": 2, "cells": 6, "parts": [
            {"entity": "app_logs", "part": "identity", "actions": ["delete_row"], "rows": 2, "cells": 6,
             "cells_by_action": {"delete_row": 6}}]}]
    assert (found["rows"], found["cells"]) == (8, 18)
    assert (found["state"], found["kept"]) == ("verified", MADE["kept"])
    assert found["overdue"] == {"since": "2025-03-12", "days": 625, "seen_on": "2026-11-27", "left": 2}
    assert found["approvals"] == [
        {"plan": "p1", "by": "ada", "approved_at": "2026-11-27T12:05:00", "released_brake": True}]
    assert found["plans"] == [{
        "plan": "p1", "policy_version": "a1", "state": "verified", "planned": 11, "carried_out": 8, "dropped": 1,
        "already": 1, "not_carried_out": 1}]
    assert [(one["seq"], one["batch"], one["carried_out_on"], one["undone"]) for one in found["batches"]] == [
        (3, 1, "2026-11-26", False), (4, 2, "2026-11-27", False)]
    assert found["chain"] == {"first": 1, "last": 5, "hash": "hash 5", "head": 99, "head_hash": "f" * 64}
    for name in ("not_carried_out", "waiting"):
        assert found[name] == MADE[name]  # type: ignore[literal-required]
    for name in ("residue", "sweep", "dropped", "arrived_meanwhile", "written_back"):
        assert found[name] == VERIFIED[name]  # type: ignore[literal-required]


def test_a_verdict_of_the_night_is_one_of_its_local_day() -> None:
    found = made_of([*WHOLE[:-1], verdict(seen_on="2026-11-28")])
    assert (found["overdue"]["seen_on"], found["overdue"]["days"]) == ("2026-11-28", 626)


def test_what_was_written_back_and_went_again_is_one_decision() -> None:
    again = {"plan": "p1", "batch": 3, "month": MONTH, "subjects": 1, "marker": True, "counts": [
        {"entity": "customers", "part": "email", "clause": "CON-4", "rows": 2, "cells": 2, "again": 1}]}
    found = made_of([*WHOLE, ("unverified", {**VERIFIED, "written_back": 1}), ("batch", again),
                     verdict(written_back=1, applied=9, already=0)])
    assert (found["rows"], found["cells"]) == (9, 20)
    plan = found["plans"][0]
    assert (plan["planned"], plan["carried_out"], plan["dropped"], plan["already"], plan["not_carried_out"]) == (
        11, 9, 1, 0, 1)


def test_copies_that_went_are_told_by_table() -> None:
    copied = [[{"table": "search", "rows": 2, "cells": 6}, {"table": "audit", "rows": 1, "cells": 2}],
              [{"table": "search", "rows": 1, "cells": 3}]]
    batches = [("batch", {**body, "copies": rows}) for body, rows in zip(BATCHES, copied, strict=True)]
    found = made_of([*WHOLE[:2], *batches, WHOLE[-1]])
    assert found["copies"] == [{"table": "audit", "rows": 1, "cells": 2}, {"table": "search", "rows": 3, "cells": 9}]
    assert (found["rows"], found["cells"]) == (8, 18)
    restored = ("undone_by_restore", {"plan": "p1", "month": MONTH, "batches": [1], "by": "ada"})
    left = made_of([*WHOLE[:2], *batches, WHOLE[-1], restored])["copies"]
    assert left == [{"table": "search", "rows": 1, "cells": 3}]
    assert "search" in render(found, "nb", CLAUSES)
    assert made_of(WHOLE)["copies"] == []


@pytest.mark.parametrize("said", [
    [], WHOLE[:1], WHOLE[:2], [(kind, {**body, "month": "2026-09"}) for kind, body in WHOLE],
    [*WHOLE[:2], ("withdrawn", {"plan": "p1", "month": MONTH, "by": "ada", "why": None})],
    [("keys_destroyed", {"years": [2020]})]], ids=["empty", "made", "approved", "another", "withdrawn", "no plan"])
def test_a_month_of_which_nothing_was_carried_out_has_none(said: Said) -> None:
    with pytest.raises(ControlError, match="no plan of 2026-10 was carried out, so there is nothing to certify"):
        made_of(said)


def test_a_month_is_a_month() -> None:
    with pytest.raises(PrivacyError, match="write it as YYYY-MM"):
        certificate_of(entries(WHOLE), "october", HEAD)


@pytest.mark.parametrize(("more", "state"), [
    ([], "verified"),
    ([("unverified", {**VERIFIED, "written_back": 1})], "unverified"),
    ([("unverified", dict(VERIFIED)), verdict()], "verified"),
    ([("batch", {**BATCHES[0], "batch": 3})], "unfinished"),
    ([("undone_by_restore", {"plan": "p1", "month": MONTH, "batches": [1], "by": "ada"})], "undone"),
    ([("undone_by_restore", {"plan": "p1", "month": MONTH, "batches": [1], "by": "ada"}),
      ("withdrawn", {"plan": "p1", "month": MONTH, "by": "ada", "why": None})], "undone"),
    ([("withdrawn", {"plan": "p1", "month": MONTH, "by": "ada", "why": None})], "ended"),
    ([("stopped", {"plan": "p1", "month": MONTH, "by": None, "why": "policy"})], "ended")])
def test_a_plan_is_what_its_newest_entry_says(more: Said, state: str) -> None:
    assert made_of([*WHOLE, *more])["state"] == state


@pytest.mark.parametrize(("first", "second", "state"), [
    ("verified", "verified", "verified"), ("stopped", "verified", "verified"), ("unverified", "verified", "unverified"),
    ("batch", "verified", "unfinished"), ("verified", "batch", "unfinished"), ("verified", "stopped", "ended"),
    ("batch", "unverified", "unverified"), ("undone_by_restore", "verified", "verified")])
def test_a_month_is_verified_when_nothing_of_it_is_open(first: str, second: str, state: str) -> None:
    bodies: dict[str, Any] = {
        "verified": VERIFIED, "unverified": VERIFIED, "stopped": {"month": MONTH}, "batch": BATCHES[1],
        "undone_by_restore": {"month": MONTH, "batches": [1, 2], "by": "ada"}}
    said = [*WHOLE[:4], (first, {**bodies[first], "plan": "p1"})]
    again = [(kind, {**body, "plan": "p2"}) for kind, body in [*WHOLE[:4], (second, bodies[second])]]
    assert made_of([*said, *again])["state"] == state


@pytest.mark.parametrize(("language", "meaning"), [
    ("nb", "Når garantien er ute: 12"), ("en", "When the warranty has ended: 12")])
def test_a_promise_is_told_in_words(language: Any, meaning: str) -> None:
    """One that the policy has no more stands by its number alone."""
    found = made_of(WHOLE)
    assert meaning in render(found, language, CLAUSES)
    found["carried_out"][0]["clause"] = "OLD-1"
    text = render(found, language, CLAUSES)
    assert "OLD-1" in text
    assert meaning not in text


def test_what_a_restore_undid_is_not_certified() -> None:
    found = made_of([*WHOLE, ("undone_by_restore", {"plan": "p1", "month": MONTH, "batches": [1], "by": "ada"})])
    assert [(one["clause"], one["rows"]) for one in found["carried_out"]] == [("CON-4", 1), ("LOG-1", 2)]
    assert [one["undone"] for one in found["batches"]] == [True, False]
    assert found["plans"][0]["carried_out"] == 3
    text = render(found, "nb", CLAUSES)
    assert "(omgjort)" in text
    assert "gjenopprettet fra en eldre kopi" in text


def test_batches_undone_in_another_month_are_not_certified_either() -> None:
    """The write-off may stand under the month in which it was seen."""
    found = made_of([*WHOLE, ("undone_by_restore", {"plan": "p1", "month": "2026-12", "batches": [1, 2], "by": "a"})])
    assert (found["rows"], found["carried_out"]) == (0, [])
    assert found["state"] == "undone"


@pytest.mark.parametrize("already", [0, 8])
def test_figures_of_a_second_apply_do_not_count_twice(already: int) -> None:
    """Whether its verdict tells the plan's figures or its own: what was carried out is what the batches say."""
    found = made_of([*WHOLE, verdict(applied=8 - already, already=1 + already)])
    assert found["plans"][0]["carried_out"] == 8
    assert found["plans"][0]["already"] == 1
    assert found["dropped"] == VERIFIED["dropped"]
    assert found["residue"] == VERIFIED["residue"]


def test_what_is_kept_begins_with_the_most_frequent_reason() -> None:
    kept = {"hold": {"a": 1, "b": 2}, "retain": {"d": 3, "c": 3, "e": 9}}
    found = made_of([("plan_made", {**MADE, "kept": kept}), *WHOLE[1:]])["kept"]
    assert [(decision, list(reasons)) for decision, reasons in found.items()] == [
        ("retain", ["e", "c", "d"]), ("hold", ["b", "a"])]


def test_a_plan_of_nothing_can_be_certified() -> None:
    nothing = verdict(planned=0, applied=0, dropped=[], already=0, not_carried_out=0, arrived_meanwhile=0,
                      oldest_overdue_on=None, residue=[], sweep=[])
    found = made_of([("plan_made", {**MADE, "summary": [], "not_carried_out": [], "waiting": [], "kept": {}}), nothing])
    assert (found["rows"], found["carried_out"], found["state"]) == (0, [], "verified")
    for language, words in (("nb", "Ingenting er utført som fortsatt står ved lag."),
                            ("en", "Nothing was carried out that still stands.")):
        assert words in render(found, language, CLAUSES)  # type: ignore[arg-type]


# The oldest overdue person.

@pytest.mark.parametrize(("since", "left", "nb", "en"), [
    ("2025-03-12", 1,
     ("siden 12. mars 2025", "Ventetiden var 625 dager da den sist ble kontrollert, 27. november 2026."),
     ("since 12 March 2025", "That was 625 days when it was last checked, on 27 November 2026.")),
    ("2026-11-26", 0, ("siden 26. november 2026", "Ventetiden var 1 dag da"), ("since 26 November 2026", "1 day when")),
    (None, 0, ("ingen", "Da det sist ble kontrollert, 27. november 2026, ventet ingen på sletting"),
     ("nobody", "When it was last checked, on 27 November 2026, nobody waited")),
    (None, 1, ("ikke kjent", "Én beslutning gjenstår; hvor lenge den har ventet, er ikke registrert."),
     ("not known", "One decision is left; how long it has waited is not recorded.")),
    (None, 1200, ("ikke kjent", "1\N{NO-BREAK SPACE}200 beslutninger gjenstår"),
     ("not known", "1,200 decisions are left"))])
def test_the_oldest_overdue_person_is_the_top_figure(
    since: str | None, left: int, nb: tuple[str, str], en: tuple[str, str],
) -> None:
    """Nobody is said to wait only where nothing is left, either."""
    found = made_of([*WHOLE[:-1], verdict(oldest_overdue_on=since, not_carried_out=left, dropped=[])])
    for language, (figure, line) in (("nb", nb), ("en", en)):
        text = render(found, language, CLAUSES)  # type: ignore[arg-type]
        assert f'<p class="big">{figure}</p>' in text
        assert line in text
        assert text.index('class="big"') < text.index("<h2>")


@pytest.mark.parametrize(("reason", "figure"), [("not_due", "ingen"), ("waits", "ikke kjent"),
                                                ("value_changed", "ikke kjent")])
def test_who_is_not_due_any_more_does_not_wait(reason: str, figure: str) -> None:
    dropped = [{"reason": reason, "rows": 1}]
    found = made_of([*WHOLE[:-1], verdict(oldest_overdue_on=None, not_carried_out=0, dropped=dropped)])
    assert f'<p class="big">{figure}</p>' in render(found, "nb", CLAUSES)


def test_before_a_verdict_the_plans_own_date_stands() -> None:
    found = made_of(WHOLE[:-1])
    assert found["overdue"] == {"since": "2025-03-12", "days": None, "seen_on": None, "left": None}
    assert "Utføringen er ikke avsluttet; dette er den eldste fristen i planen." in render(found, "nb", CLAUSES)


# The words.

def test_erased_unlinked_and_anonymised_are_three_things() -> None:
    text = render(made_of(WHOLE), "nb", CLAUSES)
    assert "slettet 7, generalisert 1" in text
    assert ">frakoblet</td>" in text
    assert ">hele raden slettet</td>" in text
    assert "anonymisert" in text
    assert "Hvor mange det gjelder i denne måneden, er ikke talt opp." in text
    assert "Det gjelder 3 personer i denne måneden." in render(made_of([*WHOLE, verdict(anonymised=3)]), "nb", CLAUSES)
    assert "This is so for 1 person of this month." in render(made_of([*WHOLE, verdict(anonymised=1)]), "en", CLAUSES)
    assert made_of([*WHOLE, verdict(anonymised=0)])["anonymised"] == 0
    assert "This is so for 5 people of this month." in render(made_of([*WHOLE, verdict(unlinked=5)]), "en", CLAUSES)
    assert made_of([*WHOLE, verdict(unlinked=5)])["anonymised"] is None


def test_an_action_that_nobody_names_is_not_called_erased() -> None:
    found = made_of(WHOLE[2:])  # no plan_made
    (email, *_), *_ = (clause["parts"] for clause in found["carried_out"])
    assert email["actions"] == []
    text = render(found, "nb", CLAUSES)
    assert ">endret</td>" in text
    assert "Protokollen sier ikke hva som ble gjort." in text


def test_a_batch_that_tells_a_part_of_its_values_tells_none() -> None:
    """Some batches of a part by action, others not: the sum would not be that of the actions."""
    other = {**BATCHES[0], "batch": 3,
             "counts": [{"entity": "orders", "part": "delivery", "clause": "CON-4", "rows": 1, "cells": 4}]}
    found = made_of([*WHOLE[:4], ("batch", other), WHOLE[4]])
    delivery = found["carried_out"][0]["parts"][1]
    assert (delivery["cells"], delivery["cells_by_action"]) == (12, None)
    assert delivery["actions"] == ["erase", "generalise"]


def test_every_sentence_is_there_in_both_languages() -> None:
    nb, en = _wording()["nb"], _wording()["en"]
    assert nb.keys() == en.keys()
    for name in nb:
        assert type(nb[name]) is type(en[name])
        if isinstance(nb[name], dict):
            assert nb[name].keys() == en[name].keys()
        for one, other in zip(leaves(nb[name]), leaves(en[name]), strict=True):
            assert one.strip() == one != ""
            assert fields(one) == fields(other) or "one" in nb[name], name


def leaves(value: Any) -> list[str]:
    return [text for inner in value.values() for text in leaves(inner)] if isinstance(value, dict) else [value]


def fields(text: str) -> set[str | None]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}


@pytest.mark.parametrize("language", ["nb", "en"])
def test_everything_of_the_policy_has_a_word(language: Any) -> None:
    words = Words(language)
    reasons = {*POLICY.retention.purposes, *POLICY.retention.freezes, *POLICY.retention.reasons}
    assert [name for name in sorted(reasons) if not words.of("reasons", name)] == []
    decided = {(table, part) for table, parts in POLICY.enforcement.clauses.items() for part in parts}
    assert [table for table, _ in decided if not words.of("entities", table)] == []
    assert [part for _, part in decided if not words.of("parts", part)] == []
    kinds = {action.action for actions in POLICY.actions.values() for action in actions.values()}
    assert kinds - {"keep"} <= words.group("actions").keys()
    assert words.group("actions").keys() == words.group("meanings").keys()


@pytest.mark.parametrize(("name", "nb", "en"), [
    ("orders.delivery", "Ordrer: leveringsopplysninger", "Orders: delivery details"),
    ("customers.contract", "Kunder: oppfyllelse av avtalen", "Customers: performance of the contract"),
    ("grid.copy", None, None), ("customers", None, None)])
def test_what_is_waited_for_is_called_by_words(name: str, nb: str | None, en: str | None) -> None:
    assert [Words(language).waited(name) for language in _wording()] == [nb, en]


# The page.

class Page(HTMLParser):
    """Checks nesting as it reads; keeps what is asked for below."""

    VOID = ("meta", "link")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: D102 - as its base
        assert "p" not in self.open or tag in ("span", "code"), f"{tag} in p"
        if tag not in self.VOID:
            self.open.append(tag)
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:  # noqa: D102 - as its base
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("said", [WHOLE, WHOLE[:4], WHOLE[2:], [*WHOLE, verdict(
    residue=[], sweep=[], dropped=[], arrived_meanwhile=0, written_back=5)]])
def test_the_page_is_well_formed_and_readable_by_everybody(said: Said, language: Any) -> None:
    text = render(made_of(said), language, CLAUSES)
    page = Page(text)
    assert text.startswith(f'<!doctype html>\n<html lang="{language}">')
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    cells = [attrs for tag, attrs in page.tags if tag == "th"]
    assert cells
    assert all(attrs.get("scope") in ("row", "col") for attrs in cells)
    assert not {"script", "img", "iframe", "form"} & {tag for tag, _ in page.tags}
    assert not [value for _, attrs in page.tags for name, value in attrs.items()
                if name.startswith("on") or name == "src" or (name == "href" and value != "data:,")]
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.tags
    tables = text.count("<table>")
    assert text.count('<div class="scroll"><table>') == tables > 0


def test_words_of_the_database_are_marked_as_english_in_norwegian() -> None:
    assert '<span lang="en">the column is an expression</span>' in render(made_of(WHOLE), "nb", CLAUSES)
    assert "<span" not in render(made_of(WHOLE), "en", CLAUSES).partition("<h2>")[2]


def test_values_are_escaped() -> None:
    evil = {**MADE, "not_carried_out": [{"entity": "<script>", "column": "<b>", "rows": 1, "reason": "<i>&"}]}
    for language in ("nb", "en"):
        text = render(made_of([("plan_made", evil), *WHOLE[1:]]), language, CLAUSES)  # type: ignore[arg-type]
        assert "<script>" not in text
        assert "&lt;i&gt;&amp;" in text


def test_days_residue_and_numbers_read_as_the_language_does() -> None:
    nb, en = (render(made_of(WHOLE), language, CLAUSES) for language in ("nb", "en"))  # type: ignore[arg-type]
    assert "Hva som er utført for oktober 2026" in nb
    assert "What was carried out for October 2026" in en
    assert "31. desember 2026" in nb
    assert "31 December 2026" in en
    assert "ikke kjent" in nb
    assert "1\N{NO-BREAK SPACE}234" in nb
    assert "1,234" in en
    assert "27. november 2026 kl. 12.05 UTC" in nb
    assert "27 November 2026, 12:05 UTC" in en
    assert "lovpålagt bokføring" in nb
    assert "en juridisk sperre" in nb


def test_what_a_sweep_found_and_what_lies_in_backups_is_said_in_bokmal() -> None:
    """Places keep their names; what the ledger says of them has words."""
    (backups,) = _backups(POLICY, AT.date())
    told = render(made_of([*WHOLE[:-1], verdict(
        sweep=[{"table": "orders", "column": "delivery_email", "rows": 2, "how": "email"}],
        residue=[backups])]), "nb", CLAUSES)
    assert "<td>e-postadresse</td>" in told
    assert "delivery_email" in told
    assert "sikkerhetskopier" in told
    assert "nobody here knows" not in told


def test_three_files_are_written_whole(tmp_path: Path) -> None:
    ledger = Ledger(ControlStore(f"sqlite:///{tmp_path / 'control.db'}", tmp_path), KeyStore(tmp_path / "keys"),
                    tmp_path / "keys")
    carry_out(ledger)
    certificate = certificate_of(ledger.entries(), MONTH, ledger.check())
    files = write_certificate(certificate, tmp_path / "out", CLAUSES)
    assert [path.name for path in files] == [
        "certificate-2026-10.html", "certificate-2026-10.en.html", "certificate-2026-10.json"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in files)
    assert json.loads(files[2].read_text(encoding="utf-8")) == certificate
    assert files[0].read_text(encoding="utf-8") == render(certificate, "nb", CLAUSES)
    before = [path.read_bytes() for path in files]
    write_certificate(certificate, tmp_path / "out", CLAUSES)
    assert [path.read_bytes() for path in files] == before
    with pytest.raises(PrivacyError, match="cannot be written"):
        write_certificate(certificate, files[0], CLAUSES)


# Against slow obvious code.

PARTS = [("customers", "email", "CON-4"), ("orders", "link", "CON-4"), ("app_logs", "identity", "LOG-1")]


@st.composite
def ledgers(draw: st.DrawFn) -> Said:
    said: Said = []
    for _ in range(draw(st.integers(1, 12))):
        plan, month = draw(st.sampled_from([("p1", MONTH), ("p2", MONTH), ("q", "2026-09")]))
        kind = draw(st.sampled_from(["batch", "batch", "batch", "undone_by_restore", "verified", "approved"]))
        body: dict[str, Any] = {"plan": plan, "month": month}
        if kind == "batch":
            counts = [{"entity": entity, "part": part, "clause": clause, "rows": draw(st.integers(0, 5)), "cells": 2}
                      for entity, part, clause in draw(st.sets(st.sampled_from(PARTS)))]
            body |= {"batch": draw(st.integers(1, 3)), "subjects": 1, "counts": counts}
        elif kind == "undone_by_restore":
            body |= {"batches": draw(st.lists(st.integers(1, 3))), "by": "ada"}
        else:
            body = {**(VERIFIED if kind == "verified" else APPROVED), **body}
        said.append((kind, body))
    return said


@effort(deadline=None, max_examples=60)
@given(ledgers())
def test_any_ledgers_figures_are_those_of_the_batches_that_stand(said: Said) -> None:
    rows: Counter[tuple[str, str, str]] = Counter()
    cells: Counter[tuple[str, str, str]] = Counter()
    touched = False
    for number, (kind, body) in enumerate(said):
        touched |= kind in ("batch", "verified") and body["month"] == MONTH
        if kind != "batch" or body["month"] != MONTH:
            continue
        if any(later == "undone_by_restore" and other["plan"] == body["plan"] and body["batch"] in other["batches"]
               for later, other in said[number + 1:]):
            continue
        for count in body["counts"]:
            rows[count["clause"], count["entity"], count["part"]] += count["rows"]
            cells[count["clause"], count["entity"], count["part"]] += count["cells"]
    if not touched:
        with pytest.raises(ControlError):
            made_of(said)
        return
    found = made_of(said)
    told = {(clause["clause"], part["entity"], part["part"]): (part["rows"], part["cells"])
            for clause in found["carried_out"] for part in clause["parts"]}
    assert told == {key: (rows[key], cells[key]) for key in rows}
    assert found["rows"] == rows.total() == sum(plan["carried_out"] for plan in found["plans"])
    assert found["cells"] == cells.total() == sum(clause["cells"] for clause in found["carried_out"])
    Page(render(found, "nb", CLAUSES))
