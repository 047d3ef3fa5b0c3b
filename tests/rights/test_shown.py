"""How values read on a page: words, days and amounts; what no list has stands as it is."""

from dataclasses import replace
from datetime import date

import pytest

from ajprivacy_pipeline.explain.words import Language
from ajprivacy_pipeline.rights.decided import Decision, Month
from ajprivacy_pipeline.rights.package import Assembler
from ajprivacy_pipeline.rights.page import _ends
from ajprivacy_pipeline.rights.requests import Request
from ajprivacy_pipeline.rights.shapes import FieldTold, HeldRow, HeldTable, Kept
from ajprivacy_pipeline.rights.shown import shown
from ajprivacy_pipeline.rights.wording import Wording
from tests.rights.shop import POLICY, TODAY

LANGUAGES: tuple[Language, ...] = ("nb", "en")
CASES = [
    ("customer_type", "enum", "sole_proprietor", "enkeltpersonforetak", "sole proprietor"),
    ("gender", "text", " Female ", "kvinne", "female"),
    ("gender", "text", "f", "kvinne", "female"),
    ("consented", "boolean", "f", "nei", "no"),
    ("consented", "boolean", "1", "ja", "yes"),
    ("consented", "boolean", "perhaps", "perhaps", "perhaps"),
    ("country", "text", "no", "Norge", "Norway"),
    ("country", "text", "Norge", "Norge", "Norge"),
    ("country", "text", "XX", "XX", "XX"),
    ("channel", "enum", "sms", "sms", "sms"),
    ("currency", "text", "NOK", "norske kroner", "Norwegian kroner"),
    ("currency", "text", "CHF", "CHF", "CHF"),
    ("name", "text", "Female", "Female", "Female"),
    ("birth_date", "date", "1980-02-29", "29. februar 1980", "29 February 1980"),
    ("birth_date", "date", "1980-02-30", "1980-02-30", "1980-02-30"),
    ("ordered_at", "timestamp", "2026-05-01 10:07:59", "1. mai 2026 kl. 10.07", "1 May 2026, 10:07"),
    ("ordered_at", "timestamp", "2026-05-01T23:30:00Z", "1. mai 2026 kl. 23.30 (UTC)", "1 May 2026, 23:30 (UTC)"),
    ("ordered_at", "timestamp", "2026-05-01 00:00:00", "1. mai 2026", "1 May 2026"),
    ("paid_at", "timestamp", "0000-00-00 00:00:00", "0000-00-00 00:00:00", "0000-00-00 00:00:00"),
    ("amount", "amount", "-1234567.5", "−1\u00a0234\u00a0567,50", "−1,234,567.50"),
    ("amount", "amount", "0.125", "0,125", "0.125"),
    ("amount", "amount", "NaN", "NaN", "NaN"),
    ("amount", "amount", "ukjent", "ukjent", "ukjent"),
]


@pytest.mark.parametrize(("name", "type_", "value", "nb", "en"), CASES)
def test_a_value_reads_as_its_language_writes_it(name: str, type_: str, value: str, nb: str, en: str) -> None:
    field = FieldTold(name=name, label=name, type=type_, purposes=(), clauses=())
    assert [shown(Wording(language), field, value) for language in LANGUAGES] == [nb, en]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_of_the_contract_and_every_country_of_the_policy_has_words(language: Language) -> None:
    words = Wording(language)
    for table in POLICY.sources.tables.values():
        for name, column in table.columns.items():
            assert [code for code in column.values or () if words.value(name, code) is None] == [], name
    countries = {*POLICY.notice.eea, *(code for one in POLICY.recipients.values() for code in one.countries)}
    assert [code for code in sorted(countries) if words.country(code) == code] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_that_is_told_and_every_promise_has_words(language: Language) -> None:
    words = Wording(language)
    fields = words.group("fields")
    told = [(name, column) for name, table in POLICY.sources.tables.items() if name != "products"
            for column in table.columns]
    assert [place for place in told if place[1] not in fields] == []
    meanings = {name: words.clause(name, clause.meaning) for name, clause in POLICY.clauses.items()}
    same = {name for name, clause in POLICY.clauses.items() if meanings[name] == clause.meaning}
    assert same == (set(POLICY.clauses) if language == "en" else set())


def told(language: Language, **earlier: object) -> tuple[str, ...]:
    """What an answer to a request for access says beside one other request of the person."""
    access = Request("A", "access", "recorded", date(2026, 11, 20), None, "ready")
    other = replace(Request("B", "restriction", "recorded", date(2026, 11, 1), None, "ready"), **earlier)  # type: ignore[arg-type]
    return Assembler(POLICY, Wording(language), None, Month()).package(access, [other], [], {}, TODAY).answer


def test_beside_data_that_is_restricted_stands_that_it_is() -> None:
    assert "Du har bedt om at behandlingen begrenses." in told("nb")[-1]
    assert "You have asked that the processing be restricted." in told("en")[-1]
    assert told("nb", state="done") == told("nb", kind="objection") == told("nb")[:-1]


def test_where_parts_of_a_row_differ_each_end_says_whose_it_is() -> None:
    fields = tuple(FieldTold(name=name, label=name.title(), purposes=(), clauses=()) for name in ("id", "name", "city"))
    ends = [Kept(fields=names, decision="retain", until=None, text=text)
            for names, text in ((("id",), "Til 2030."), (("name", "city"), "Til 2028."))]
    table = HeldTable(table="orders", title="Ordrer", kind="own", origin="", fields=fields, rows=())
    row = HeldRow(values={}, kept=tuple(ends))
    assert _ends(Wording("nb"), table, row) == "Id: Til 2030. Name og 1 til: Til 2028."
    assert _ends(Wording("nb"), table, HeldRow(values={}, kept=tuple(ends[:1]))) == "Til 2030."


@pytest.mark.parametrize(("actions", "nb", "en"), [
    (["erase", "delete_row"], "besluttet slettet,", "decided that it is to be erased,"),
    (["generalise"], "besluttet gjort grovere,", "decided that it is to be made coarser,"),
    (["unlink"], "besluttet koblet fra deg,", "decided that it is to be unlinked from you,"),
    (["erase", "generalise"], "slettet, gjort grovere eller koblet fra deg", "erased, made coarser or unlinked"),
    ([], "slettet, gjort grovere eller koblet fra deg", "erased, made coarser or unlinked")])
def test_what_is_due_is_told_by_what_the_policy_does_to_it(actions: list[str], nb: str, en: str) -> None:
    due = Decision("due", date(2026, 1, 28), (), ())
    assert nb in Wording("nb").kept(due, actions=actions)
    assert en in Wording("en").kept(due, actions=actions)
