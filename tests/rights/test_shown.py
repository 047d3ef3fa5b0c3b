"""How values read on a page: words, days and amounts; what no list has stands as it is."""

from dataclasses import replace
from datetime import date

import pytest

from ajprivacy_pipeline.enforcement.ledger import Found
from ajprivacy_pipeline.explain.words import Language, templates
from ajprivacy_pipeline.rights.decided import Decision, Month
from ajprivacy_pipeline.rights.held import Held, in_counting_order
from ajprivacy_pipeline.rights.package import Assembler
from ajprivacy_pipeline.rights.page import _ends, render
from ajprivacy_pipeline.rights.person import Person
from ajprivacy_pipeline.rights.requests import Request
from ajprivacy_pipeline.rights.shapes import FieldTold, HeldRow, HeldTable, Kept
from ajprivacy_pipeline.rights.shown import shown
from ajprivacy_pipeline.rights.wording import Wording, open_while
from ajprivacy_pipeline.storage import zones
from tests.rights.shop import POLICY, TODAY

MATTERS = ("CREATE TABLE retention.subject_purposes (subject_no INTEGER, undelivered BOOLEAN, unpaid BOOLEAN, "
           "open_case BOOLEAN, warranty_unknown BOOLEAN)")
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
    assert set(templates(language)["clauses"]) == set(POLICY.clauses)
    assert "choice" not in words.clause("CON-6", POLICY.clauses["CON-6"].meaning)  # a remark of ours, not a promise


def told(language: Language, **earlier: object) -> tuple[str, ...]:
    """What an answer to a request for access says beside one other request of the person."""
    access = Request("A", "access", "recorded", date(2026, 11, 20), None, "ready")
    other = replace(Request("B", "restriction", "recorded", date(2026, 11, 1), None, "ready"), **earlier)  # type: ignore[arg-type]
    return Assembler(POLICY, Wording(language), None, Month()).package(access, [other], [], {}, TODAY).answer


def test_beside_data_that_is_restricted_stands_that_it_is() -> None:
    assert "Du har bedt om at behandlingen begrenses." in told("nb")[-1]
    assert "You have asked that the processing be restricted." in told("en")[-1]
    assert told("nb", state="done") == told("nb", kind="objection") == told("nb")[:-1]


def test_what_others_ordered_is_not_held_of_its_recipient_for_offers() -> None:
    """Individual offers rest on a profile, which is made of the customer's own orders and of nobody else's."""
    row = dict.fromkeys(POLICY.sources.tables["orders"].columns) | {"order_id": "o", "delivery_name": "Nina M."}
    access = Request("A", "access", "recorded", date(2026, 11, 20), None, "ready")
    purposes = {}
    for extent in ("own", "elsewhere"):
        assembler = Assembler(POLICY, Wording("nb"), Person("customers", "1", {}), Month())
        package = assembler.package(access, [], [Held("orders", row, extent, ("delivery_name",))], {}, TODAY)  # type: ignore[arg-type]
        purposes[extent] = set(package.held[0].fields[0].purposes)
    assert purposes["own"] - purposes["elsewhere"] == {"individualisation"}
    assert "contract" in purposes["elsewhere"]


@pytest.mark.parametrize(("ended", "keeps", "title"), [
    ("2026-10-31", False, "tilpassede tilbud, som tok slutt 31. oktober 2026"),
    ("2026-11-01", False, "tilpassede tilbud, som tok slutt 1. november 2026"),
    ("2026-11-02", False, "tilpassede tilbud"), (None, False, "tilpassede tilbud"),
    ("2026-10-31", True, "tilpassede tilbud")])
def test_a_purpose_that_has_ended_is_told_as_ended(ended: str | None, keeps: bool, title: str) -> None:
    """By the day of the decisions, unless a record is still kept for it."""
    con = zones.memory()
    con.execute("CREATE SCHEMA retention")
    con.execute("CREATE TABLE retention.subjects AS SELECT 'customer:1' AS subject_id, 1 AS subject_no")
    con.execute("CREATE TABLE retention.attribute_decisions AS SELECT 1 AS subject_no, 'name' AS attribute, "
                "'retain' AS decision, NULL::DATE AS due_on, ['profile'] AS retained_by, []::VARCHAR[] AS held_by")
    con.execute(MATTERS)
    con.execute("CREATE TABLE retention.purpose_status AS SELECT 1 AS subject_no, 'individualisation' AS purpose, "
                "$ended::DATE AS lapses_on", {"ended": ended})
    con.execute("CREATE TABLE retention.record_decisions AS SELECT 1 AS subject_no, 'orders' AS entity, 'o' AS "
                "record_id, 'link' AS part, 'retain' AS decision, NULL::DATE AS due_on, [$ground] AS retained_by, "
                "[]::VARCHAR[] AS held_by", {"ground": "individualisation" if keeps else "contract"})
    row = dict.fromkeys(POLICY.sources.tables["orders"].columns) | {"order_id": "o", "customer_id": "1"}
    access = Request("A", "access", "recorded", date(2026, 11, 20), None, "ready")
    package = Assembler(POLICY, Wording("nb"), Person("customers", "1", {}), Month(con, "2026-10")).package(
        access, [], [Held("orders", row, "own", ("order_id", "customer_id"))], {}, TODAY)
    assert {one.name: one.title for one in package.purposes}["individualisation"] == title


def test_line_ten_comes_after_line_nine() -> None:
    keys = ["o2\x1f10", "o2\x1f9", "o10\x1f1", "o2\x1f1", "å"]
    assert sorted(keys, key=in_counting_order) == ["o2\x1f1", "o2\x1f9", "o2\x1f10", "o10\x1f1", "å"]


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


@pytest.mark.parametrize(("grounds", "due_on", "nb", "en"), [
    (("contract",), date(2034, 3, 5), "Beholdes til 5. mars 2034 for oppfyllelse av avtalen.",
     "Kept until 5 March 2034 for performance of the contract."),
    (("bookkeeping", "contract"), date(2034, 3, 5),
     ("Beholdes for lovpålagt bokføring og oppfyllelse av avtalen; den av disse grunnene som varer lengst, gjelder til "
     "5. mars 2034."),
     ("Kept for statutory bookkeeping and performance of the contract; the one of these grounds that lasts longest "
      "holds until 5 March 2034.")),
    (("contract",), None,
     ("Beholdes for oppfyllelse av avtalen. Det er ikke fastsatt noen sluttdato så lenge en sak er åpen, levering "
     "gjenstår, betaling gjenstår eller en garantitid er ukjent; det vurderes på nytt hver måned."),
     ("Kept for performance of the contract. No end is fixed for as long as a case is open, something is not "
      "delivered, something is not paid or a warranty period is unknown; this is looked at again each month.")),
    (("bookkeeping", "unpaid"), None,
     ("Beholdes for lovpålagt bokføring og oppfyllelse av avtalen (betaling gjenstår). Det er ikke fastsatt noen "
     "sluttdato så lenge betaling gjenstår; det vurderes på nytt hver måned."),
     ("Kept for statutory bookkeeping and performance of the contract (payment outstanding). No end is fixed for as "
      "long as something is not paid; this is looked at again each month.")),
    (("newsletter",), None,
     ("Beholdes for utsending av nyhetsbrev. Det er ikke fastsatt noen sluttdato så lenge du ikke har meldt deg av; "
      "det vurderes på nytt hver måned."),
     ("Kept for sending the newsletter. No end is fixed for as long as you have not unsubscribed; this is looked at "
     "again each month.")),
    (("until_further_notice",), None,
     "Beholdes for oppbevaring inntil videre. Det er ikke fastsatt noen sluttdato; det vurderes på nytt hver måned.",
     "Kept for keeping until further notice. No end is fixed; this is looked at again each month.")])
def test_what_is_kept_is_told_with_its_day_or_why_it_has_none(grounds: tuple[str, ...], due_on: date | None, nb: str,
                                                              en: str) -> None:
    """No ground is said to last until another one's day, and what has no day has a reason, where one is known."""
    kept = Decision("retain", due_on, grounds, ())
    for language, text in zip(LANGUAGES, (nb, en), strict=True):
        words = Wording(language)
        assert words.kept(kept, open_while=open_while(POLICY.retention, grounds, words.group("pending"))) == text


CARD = dict.fromkeys(POLICY.sources.tables["customers"].columns) | {"customer_id": "1", "name": "Kari"}
KARI = Person("customers", "1", CARD)
KEPT = Held("customers", CARD, "own", ("customer_id", "name"))


def month(decision: str = "due") -> Month:
    """A month in which customer 1 has one attribute."""
    con = zones.memory()
    con.execute("CREATE SCHEMA retention")
    con.execute("CREATE TABLE retention.subjects AS SELECT 7 AS subject_no, 'customer:1' AS subject_id")
    con.execute("CREATE TABLE retention.attribute_decisions AS SELECT 7 AS subject_no, 'name' AS attribute, "
                "$decision AS decision, DATE '2020-01-02' AS due_on, []::VARCHAR[] AS retained_by, "
                "[]::VARCHAR[] AS held_by",
                {"decision": decision})
    con.execute(MATTERS)
    con.execute("CREATE TABLE retention.purpose_status (subject_no INTEGER, purpose VARCHAR, lapses_on DATE)")
    con.execute("CREATE TABLE retention.record_decisions (entity VARCHAR, record_id VARCHAR, part VARCHAR, decision "
                "VARCHAR, due_on DATE, retained_by VARCHAR[], held_by VARCHAR[], subject_no INTEGER)")
    return Month(con, "2026-10")


def test_what_was_carried_out_since_is_not_told_as_waiting() -> None:
    """A month that is carried out still calls it due; the day of the decisions itself counts as since."""
    access = Request("A", "access", "recorded", date(2026, 11, 20), None, "ready")
    before, since = (Found(day, "2026-10", "PRO-2") for day in (date(2026, 10, 31), date(2026, 11, 1)))
    texts = {}
    for name, went in (("nothing", []), ("before", [before]), ("since", [before, since])):
        found = Assembler(POLICY, Wording("nb"), KARI, month(), went).package(access, [], [KEPT], {}, TODAY)
        texts[name] = " ".join((*found.answer, *(kept.text for kept in found.held[0].rows[0].kept)))
    assert texts["nothing"] == texts["before"]
    assert "besluttet slettet, men ikke utført ennå" in texts["before"]
    assert ("Siden er opplysninger om deg slettet, gjort grovere eller koblet fra deg: 1. november 2026 (løfte PRO-2 i "
            "personvernerklæringen). Her står det som er igjen.") in texts["since"]
    assert "ikke utført" not in texts["since"]


def test_dates_that_take_no_account_of_a_later_request_say_so() -> None:
    """One that arrived before the decisions is in them; one that was refused ends nothing."""
    def says(kind: str, received: date, outcome: str | None = None) -> bool:
        access = Request("A", "access", "recorded", date(2026, 11, 20), None, "ready")
        other = Request("B", kind, "recorded", received, None, "ready", outcome=outcome)
        found = Assembler(POLICY, Wording("nb"), KARI, month()).package(access, [other], [KEPT], {}, TODAY)
        return any("Datoene tar ikke hensyn til det ennå" in text for text in found.answer)

    assert (says("erasure", date(2026, 11, 1)), says("objection", date(2026, 11, 2))) == (True, True)
    assert (says("erasure", date(2026, 10, 31)), says("access", date(2026, 11, 2)),
            says("erasure", date(2026, 11, 2), "refused")) == (False, False, False)


@pytest.mark.parametrize(("decision", "table", "applied", "told"), [
    ("retain", "customers", True, "in some"),
    ("retain", "customers", False, "in some"),  # groups are made of all accounts
    ("due", "customers", True, "in none"), ("absent", "customers", True, "in none"),
    ("retain", "contacts", True, "in none"), ("due", "customers", False, "no groups")])
def test_who_is_in_no_group_of_customers_is_told_so(decision: str, table: str, applied: bool, told: str) -> None:
    """Of groups nothing is said to somebody who is in none and to whom offers never applied."""
    access = Request("A", "access", "recorded", date(2026, 11, 20), None, "ready")
    opened = month(decision)
    assert opened.con is not None
    opened.con.execute("UPDATE retention.subjects SET subject_id = $id", {"id": f"{table[:-1]}:1"})
    if applied:
        opened.con.execute("INSERT INTO retention.purpose_status BY NAME "
                           "SELECT 7 AS subject_no, 'individualisation' AS purpose")
    found = Assembler(POLICY, Wording("nb"), Person(table, "1", CARD), opened).package(access, [], [], {}, TODAY)
    out = "Ved vurderingen 1. november 2026 er du ikke plassert i noen slik gruppe."
    assert {(): "no groups"}.get(found.profiling, "in none" if out in found.profiling else "in some") == told


@pytest.mark.parametrize("customer_type", ["business", "consumer"])
def test_what_is_a_companys_own_is_not_said_to_wait_for_a_decision(customer_type: str) -> None:
    """Nothing is ever decided about it: its name and number, its town, and that an order is the company's."""
    access = Request("A", "access", "recorded", date(2026, 11, 20), None, "ready")
    card = {**CARD, "customer_type": customer_type, "organisation_number": "9", "city": "Ski", "email": "post@x.no"}
    order = dict.fromkeys(POLICY.sources.tables["orders"].columns) | {
        "order_id": "o", "customer_id": "1", "delivery_name": "X"}
    held = [Held("customers", card, "own", ("name", "organisation_number", "email", "city")),
            Held("orders", order, "own", ("customer_id", "delivery_name"))]
    opened = month("absent")
    person = Person("customers", "1", card)
    told = Assembler(POLICY, Wording("nb"), person, opened).package(access, [], held, {}, TODAY).held
    company = {name for table in told for row in table.rows for kept in row.kept for name in kept.fields
               if kept.text.startswith("Gjelder bedriften")}
    waits = {name for table in told for row in table.rows for kept in row.kept for name in kept.fields
             if kept.text.startswith(("Er ikke vurdert ennå", "Ved vurderingen var det ikke registrert mer her"))}
    everything = {"name", "organisation_number", "email", "city", "customer_id", "delivery_name"}
    assert company == ({"name", "organisation_number", "city", "customer_id"} if customer_type == "business" else set())
    assert waits == everything - company


@pytest.mark.parametrize(("is_open", "text"), [
    ("unpaid", "så lenge betaling gjenstår; det vurderes"),
    ("unpaid, open_case", "så lenge en sak er åpen eller betaling gjenstår; det vurderes"),
    ("", "så lenge en sak er åpen, levering gjenstår, betaling gjenstår eller en garantitid er ukjent; det vurderes")])
def test_what_keeps_a_purpose_open_is_what_is_open_for_this_person(is_open: str, text: str) -> None:
    """Where the month knows nothing that is open, everything that may be is named."""
    access = Request("A", "access", "recorded", date(2026, 11, 20), None, "ready")
    opened = month("retain")
    assert opened.con is not None
    opened.con.execute("UPDATE retention.attribute_decisions SET due_on = NULL, retained_by = ['contract']")
    opened.con.execute("INSERT INTO retention.subject_purposes VALUES (8, true, true, true, true)")  # somebody else's
    if is_open:
        values = ", ".join(["7", *["true"] * len(is_open.split(","))])
        opened.con.execute(f"INSERT INTO retention.subject_purposes (subject_no, {is_open}) VALUES ({values})")
    (table,) = Assembler(POLICY, Wording("nb"), KARI, opened).package(access, [], [KEPT], {}, TODAY).held
    assert text in " ".join(kept.text for kept in table.rows[0].kept)


@pytest.mark.parametrize(("language", "group", "industry"), [
    ("nb", "1 for hvor nylig, 3 for hvor ofte og 5 for hvor mye.", "Bransjen du var plassert i, er Bygg."),
    ("en", "1 for how recently, 3 for how often and 5 for how much.", "The industry you were placed in is Bygg.")])
def test_whoever_is_in_a_group_of_customers_is_told_which(language: Language, group: str, industry: str) -> None:
    access = Request("A", "access", "recorded", date(2026, 11, 20), None, "ready")
    opened = month("retain")
    assert opened.con is not None
    for statement in (
            "CREATE SCHEMA pseudonyms", "CREATE SCHEMA pseudonymised",
            "CREATE TABLE pseudonyms.people AS SELECT 7 AS subject_no, 'a' AS segment_token UNION ALL SELECT 8, 'b'",
            ("CREATE TABLE pseudonymised.customer_segments AS SELECT 'a' AS customer_token, 1 AS recency_fifth, "
             "3 AS frequency_fifth, 5 AS monetary_fifth, 'Bygg' AS industry UNION ALL SELECT 'b', 2, 2, 2, NULL")):
        opened.con.execute(statement)
    told = Assembler(POLICY, Wording(language), KARI, opened).package(access, [], [KEPT], {}, TODAY).profiling
    assert told[1].endswith(group)
    assert told[2] == industry


def test_a_group_that_cannot_be_read_is_no_group_that_is_not_there() -> None:
    """Without its table nobody was sorted; what the engine refuses for another reason leaves nothing out unsaid."""
    opened = month("retain")
    assert opened.con is not None
    assert opened.segment(7) is None
    for statement in ("CREATE SCHEMA pseudonymised", "CREATE TABLE pseudonymised.customer_segments (industry VARCHAR)"):
        opened.con.execute(statement)
    with pytest.raises(zones.EngineError):
        opened.segment(7)


def test_a_page_of_what_a_person_has_given_does_not_claim_to_be_everything() -> None:
    """And where nothing is found, the answer does not announce what it has not."""
    for kind, claim in (("access", "alt vi har registrert som vi sikkert kan knytte til deg"),
                        ("portability", "det du selv har gitt oss, slik vi har det nå")):
        asked = Request("A", kind, "recorded", date(2026, 11, 20), None, "ready")
        assembler = Assembler(POLICY, Wording("nb"), KARI, month("retain"))
        page = render(assembler.package(asked, [], [KEPT], {}, TODAY))
        assert (claim in page, page.count("alt vi har registrert")) == (True, 1 if kind == "access" else 0)
        nothing = assembler.package(asked, [], [], {}, TODAY)
        assert [text.startswith("Vi har ikke funnet noe") for text in nothing.answer] == [True]
