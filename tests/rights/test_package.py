"""Packages: complete, and nobody else's; read back as they were; refused where it is not sure whose they are."""

import csv
import json
import re
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.errors import RightsError
from ajprivacy_pipeline.oversight.accesses import accesses
from ajprivacy_pipeline.rights.decided import Month
from ajprivacy_pipeline.rights.folder import PREFIX
from ajprivacy_pipeline.rights.package import Assembler
from ajprivacy_pipeline.rights.requests import Request
from ajprivacy_pipeline.rights.shapes import SCHEMA, read_package, schema
from ajprivacy_pipeline.rights.wording import Wording
from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_decisions
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.control_tables import access_log, request_events
from tests.browser import contrasts, opened, overflow
from tests.enforcement.enforcement_world import empty_database
from tests.rights.markers import COPIES, GUEST, KARI, MAPPING, OLA, SUBJECT, shop
from tests.rights.shop import POLICY, TODAY, Desk, write_shop

ROWS, OWNERS = shop()
Say = Callable[..., tuple[int, str, str]]


def prepared(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, *, decided: bool = True) -> Desk:
    """The marker shop with its copies; with a decided month, or none."""
    write_shop(url, ROWS)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in filter(str.strip, COPIES.split(";")):
            connection.exec_driver_sql(statement.replace(" text PRIMARY", " varchar(60) PRIMARY"))
    engine.dispose()
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    desk = Desk(tmp_path / "home", url, monkeypatch, AJPRIVACY_MAPPING=str(tmp_path / "mapping.toml"))
    if decided:
        with open_month(desk.settings, "2026-10", "test") as run:
            run_decisions(run)
            run.finish()
    return desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Before any month is decided, which takes longest."""
    return prepared(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", monkeypatch, decided=False)


@pytest.fixture
def say(desk: Desk, capsys: pytest.CaptureFixture[str]) -> Say:
    return lambda *arguments: desk.run(capsys, "request", *arguments)


def asked(say: Say, whose: tuple[str, str], kind: str = "access", *, verified: bool = True) -> str:
    code, out, err = say("add", "--kind", kind, *whose, "--received", "2026-11-20")
    assert code == 0, err
    if verified:
        assert say("verify-identity", out.strip())[0] == 0
    return out.strip()


def answered(say: Say, request: str, out: Path, *more: str) -> str:
    """Everything of an answer as one text."""
    code, _, err = say("answer", request, "--out", str(out), *more)
    assert code == 0, err
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(out.iterdir()))


def check_markers(say: Say, tmp_path: Path) -> None:
    found: dict[str, set[str]] = {marker: set() for marker in OWNERS}
    for person, whose in SUBJECT.items():
        request = asked(say, whose)
        text = answered(say, request, tmp_path / person)
        by_file = {kind: "\n".join(path.read_text(encoding="utf-8") for path in (tmp_path / person).glob(f"*{kind}"))
                   for kind in (".json", ".html", ".csv")}
        for marker in OWNERS:
            pattern = re.compile(rf"(?<![\w-]){re.escape(marker)}(?![\w-])")
            hits = [kind for kind, text_of in by_file.items() if pattern.search(text_of)]
            assert len(hits) in (0, 3), (person, marker, hits)
            if pattern.search(text):
                found[marker].add(person)
    assert {marker: owners for marker, owners in found.items() if owners != OWNERS[marker]} == {}


def test_every_marker_is_in_its_persons_package_and_in_nobody_elses(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    desk = prepared(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", monkeypatch)
    check_markers(lambda *arguments: desk.run(capsys, "request", *arguments), tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_the_same_on_other_databases(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                     capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> None:
    desk = prepared(tmp_path, empty_database(kind, request, tmp_path, "rights"), monkeypatch, decided=False)
    check_markers(lambda *arguments: desk.run(capsys, "request", *arguments), tmp_path)


@pytest.mark.soak
def test_a_package_is_whole_before_any_month_is_decided(desk: Desk, say: Say, tmp_path: Path) -> None:
    check_markers(say, tmp_path)


def test_portability_is_read_back_with_the_same_values(desk: Desk, say: Say, tmp_path: Path) -> None:
    request = asked(say, SUBJECT[KARI], "portability")
    answered(say, request, tmp_path / "out")
    found = read_package(tmp_path / "out" / "package.json")
    portable = POLICY.rights.portable
    for table, columns in portable.items():
        key = POLICY.sources.tables[table].key
        own = {"orders": ["O1"], "customers": ["K1"]}.get(table)
        for row in found.get(table, []):
            (original,) = [one for one in ROWS[table] if all(one.get(name) == row[name] for name in key)]
            assert row == {column: original.get(column) for column in columns if column in row}
        if own is not None:
            assert [row[key[0]] for row in found[table]] == own
    assert set(found) <= set(portable)
    assert [row["communication_id"] for row in found["communications"]] == ["M1"]  # what we wrote is not hers
    assert json.loads((tmp_path / "out" / "package.schema.json").read_text(encoding="utf-8")) == schema()
    for table, rows in found.items():
        with (tmp_path / "out" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            assert [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)] == rows


def test_the_published_schema_is_that_of_the_product() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == schema()


@pytest.mark.parametrize("text", ["{}", "no json", '{"schema_version": "2"}'])
def test_what_is_no_package_is_not_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "package.json").write_text(text, encoding="utf-8")
    with pytest.raises(RightsError, match="is no package of version 1"):
        read_package(tmp_path / "package.json")


def nothing_written(desk: Desk, out: Path) -> bool:
    control = ControlStore.in_folder(desk.settings.control)
    events = control.rows(sa.select(request_events))
    return (not out.exists() and not list(desk.settings.restricted.glob(f"{PREFIX}*"))
            and not [row for row in events if row["event"] == "answer"])


def test_nothing_is_written_before_the_person_is_identified(desk: Desk, say: Say, tmp_path: Path) -> None:
    request = asked(say, SUBJECT[KARI], verified=False)
    code, out, err = say("answer", request, "--out", str(tmp_path / "out"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "before the person is identified" in err
    assert nothing_written(desk, tmp_path / "out")


@pytest.mark.parametrize("address", [
    pytest.param("delt@d.example", marks=pytest.mark.soak), pytest.param("Delt@D.example", marks=pytest.mark.soak),
    '"N. N." <DELT@d.example>'])
def test_an_address_of_several_people_discloses_nothing(desk: Desk, say: Say, tmp_path: Path, address: str) -> None:
    engine = sa.create_engine(desk.settings.warehouse_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE customers SET email = 'delt@d.example' WHERE customer_id = 'K1'")
        connection.exec_driver_sql("UPDATE contacts SET email = 'DELT@d.example' WHERE contact_id = 'P2'")
    request = asked(say, ("--email", address))
    code, out, err = say("answer", request, "--out", str(tmp_path / "out"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "ask the person for something more that identifies" in err
    assert not re.search(r"several|two|2|other|somebody else", err)
    assert nothing_written(desk, tmp_path / "out")


@pytest.mark.parametrize("address", [
    "kari@\N{CYRILLIC SMALL LETTER A}.example", "k\N{CYRILLIC SMALL LETTER A}ri@a.example", "kari@a.example.no",
    "kari+x@a.example", "ukjent@x.example"])
def test_a_look_alike_or_unknown_address_finds_nobody(desk: Desk, say: Say, tmp_path: Path, address: str) -> None:
    request = asked(say, ("--email", address))
    text = answered(say, request, tmp_path / "out")
    assert [marker for marker in OWNERS if marker in text] == []
    assert json.loads((tmp_path / "out" / "package.json").read_text(encoding="utf-8"))["held"] == []
    assert "Vi har ikke funnet noen opplysninger" in text
    assert "Vi har ikke registrert noen mottaker for disse formålene." in text
    assert '<th scope="col">Mottaker</th>' not in text  # no empty table


def test_an_address_of_one_person_finds_that_person(desk: Desk, say: Say, tmp_path: Path) -> None:
    text = answered(say, asked(say, ("--email", "KARI@A.example ")), tmp_path / "out")
    assert "name-customers-K1" in text
    assert "name-customers-K2" not in text


def purposes_of(out: Path) -> tuple[set[str], set[str], list[str]]:
    """The purposes that a package lists, those of its orders and messages, and what it says of profiling."""
    found = json.loads((out / "package.json").read_text(encoding="utf-8"))
    records = {name for table in found["held"] if table["table"] in ("orders", "communications")
               for field in table["fields"] for name in field["purposes"]}
    return {one["name"] for one in found["purposes"]}, records, found["profiling"]


def test_a_guest_has_no_purpose_that_rests_on_a_profile(desk: Desk, say: Say, tmp_path: Path) -> None:
    """PRO-1 and IND-2: neither offers that are fitted nor a profile, until somebody with the address has an account."""
    profiled = {"profile", "individualisation"}
    assert {name for name, purpose in POLICY.retention.purposes.items() if not purpose.of_guests} == {
        *profiled, "identification"}
    text = answered(say, asked(say, SUBJECT[GUEST]), tmp_path / "guest")
    listed, records, profiling = purposes_of(tmp_path / "guest")
    assert (listed & profiled, records & profiled, profiling) == (set(), set(), [])
    assert {"contract", "improvement"} <= records
    assert "har vi ingen kundeprofil, og vi plasserer deg ikke i noen kundegruppe" in text
    desk.execute(
        "INSERT INTO customers (customer_id, customer_type, name, email, profile_created_at) "
        "VALUES ('K9', 'consumer', 'Gjest', 'gjest@g.example', '2026-11-25')")
    text = answered(say, asked(say, SUBJECT[GUEST]), tmp_path / "account")
    listed, records, profiling = purposes_of(tmp_path / "account")
    assert (listed & profiled, records & profiled) == (profiled, profiled)
    assert [said.partition(".")[0] for said in profiling] == [
        ("For å tilpasse tilbud plasserer vi kunder i grupper etter hvor nylig, hvor ofte og for hvor mye de har "
         "handlet, og etter bransje")]


@pytest.mark.parametrize(("mode", "said"), [(0o755, "can be read by others"), (0o710, "can be read by others")])
def test_a_folder_that_others_can_read_is_refused(desk: Desk, say: Say, tmp_path: Path, mode: int, said: str) -> None:
    request, out = asked(say, SUBJECT[KARI]), tmp_path / "out"
    out.mkdir()
    out.chmod(mode)
    code, _, err = say("answer", request, "--out", str(out))
    assert (code, said in err, list(out.iterdir())) == (2, True, [])
    out.chmod(0o700)
    assert say("answer", request, "--out", str(out))[0] == 0


def test_a_folder_with_other_files_is_refused_and_an_earlier_answer_replaced(desk: Desk, say: Say,
                                                                             tmp_path: Path) -> None:
    kari, ola, out = asked(say, SUBJECT[KARI]), asked(say, SUBJECT[OLA]), tmp_path / "out"
    answered(say, kari, out)
    (out / "orders.csv").write_text("left over", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    code, _, err = say("answer", ola, "--out", str(out))
    assert (code, "--out holds other files" in err) == (2, True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert "left over" not in answered(say, kari, out)


def test_nobody_else_can_read_what_is_written(desk: Desk, say: Say, tmp_path: Path) -> None:
    answered(say, asked(say, SUBJECT[KARI]), tmp_path / "deep" / "out")
    for path in [tmp_path / "deep" / "out", *(tmp_path / "deep" / "out").iterdir(),
                 *desk.settings.restricted.glob(f"{PREFIX}*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


@pytest.mark.soak
def test_killed_between_its_steps_it_ends_the_same(desk: Desk, say: Say, tmp_path: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    request = asked(say, SUBJECT[KARI])
    places = ("keep_copy", "write_folder", "record_step")
    for place in places:
        with monkeypatch.context() as patch:
            def killed(*_: Any, **__: Any) -> None:
                raise KeyboardInterrupt
            patch.setattr(f"ajprivacy_pipeline.rights.answer.{place}", killed)
            assert say("answer", request, "--out", str(tmp_path / "out"))[0] == 130
    text = answered(say, request, tmp_path / "out")
    assert text.count("name-customers-K1") > 0
    events = ControlStore.in_folder(desk.settings.control).rows(sa.select(request_events))
    assert [row["event"] for row in events] == ["added", "verify_identity", "answer"]
    assert [path.name for path in tmp_path.glob(".out*")] == []


@pytest.mark.parametrize("kind", ["access", pytest.param("erasure", marks=pytest.mark.soak)])
def test_a_refusal_names_its_clause_and_nothing_about_anybody(desk: Desk, say: Say, tmp_path: Path, kind: str) -> None:
    request = asked(say, SUBJECT[KARI], kind, verified=False)
    assert say("refuse", request, "--clause", "RGT-8")[0] == 0
    text = answered(say, request, tmp_path / "out")
    assert ("Grunnen er dette løftet i personvernerklæringen: «Ingenting utleveres før personen er identifisert» "
            "(nummer RGT-8 i vår egen nummerering).") in text
    assert "Du kan klage på avslaget til Datatilsynet, og du kan bringe saken inn for domstolene." in text
    assert "Datatilsynet" in text
    assert [marker for marker in OWNERS if marker in text] == []
    assert "it is refused already" in say("close", request)[2]


def test_who_looked_is_noted_without_naming_whom(desk: Desk, say: Say, tmp_path: Path,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    answered(say, asked(say, SUBJECT[KARI]), tmp_path / "out", "--by", "Ada")
    (row,) = ControlStore.in_folder(desk.settings.control).rows(sa.select(access_log))
    assert (row["what"], row["by"]) == ("package", "Ada")
    assert "K1" not in row["subject_id"]
    for whom, looks in ((None, ["Ada"]), ("customer:K1", ["Ada"]), ("customer:K2", [])):
        assert [one["by"] for one in accesses(desk.settings, whom)] == looks
        code, out, err = desk.run(capsys, "access-log", *(("--subject", whom) if whom else ()))
        assert (code, out.count("Ada"), "K1" in out, err) == (0, len(looks), False, ""), out


def test_whoever_takes_a_months_decisions_out_looks_at_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                               capsys: pytest.CaptureFixture[str]) -> None:
    desk = prepared(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", monkeypatch)
    assert desk.run(capsys, "decisions", "--month", "2026-10", "--out", str(tmp_path / "out"))[0] == 0
    for whom in (None, "customer:K1"):
        assert [(one["what"], one["month"], one["subject"]) for one in accesses(desk.settings, whom)] == [
            ("decisions", "2026-10", "everybody")]
    assert desk.run(capsys, "decisions", "--month", "2026-09", "--out", str(tmp_path / "none"))[0] == 2
    assert len(accesses(desk.settings)) == 1


def test_of_a_copy_only_what_it_holds_is_said_to_follow_the_rest() -> None:
    asked_for = Request("A", "access", "recorded", TODAY, None, "ready")
    (table,) = Assembler(POLICY, Wording("nb"), None, Month()).package(
        asked_for, [], [], {"grid": [{"id": "1", "name": None, "email": "kari@example.no"}]}, TODAY).held
    assert [kept.fields for kept in table.rows[0].kept] == [("id", "email")]


@pytest.mark.parametrize(("language", "asked_for"), [
    ("nb", ["Hvem vi er", "Henvendelsen din", "Hva vi har registrert", "Siden når", "Hvor lenge", "Hvorfor",
            "Hvor opplysningene kommer fra", "Hvorfor, og på hvilket grunnlag", "Hvem som mottar opplysninger",
            "Utlevert til myndigheter", "Overføring ut av EU/EØS", "Profilering", "Tidligere henvendelser fra deg",
            "Rettighetene dine", "Klage"]),
    ("en", ["Who we are", "Your request", "What we hold", "Since when", "How long", "Why", "Where the data comes from",
            "Why, and on which legal ground", "Who receives data", "Disclosed to authorities",
            "Transfers out of the EU/EEA", "Profiling", "Your earlier requests", "Your rights", "Complaint"])])
def test_a_page_has_every_heading_that_an_authority_asks_for(desk: Desk, say: Say, tmp_path: Path, language: str,
                                                             asked_for: list[str]) -> None:
    """In this order; how long, why and where from stand below each source, with something under each."""
    text = answered(say, asked(say, SUBJECT[KARI]), tmp_path / "out", "--lang", language)
    headings = re.findall(r"<h[234]>(.*?)</h[234]>", text)
    places = [headings.index(name) for name in asked_for]
    assert places == sorted(places)
    assert not re.search(r"</h[24]>\s*(<h2>|</main>|</section>)", text)
    sources = text.count("<section>")
    assert [headings.count(name) for name in asked_for[6:7]] == [sources]


@pytest.mark.parametrize("language", ["nb", pytest.param("en", marks=pytest.mark.soak)])
@pytest.mark.parametrize("width", [390, pytest.param(1200, marks=pytest.mark.soak)])
def test_the_page_in_a_browser(desk: Desk, say: Say, tmp_path: Path, language: str, width: int) -> None:
    asked(say, SUBJECT[KARI], "objection", verified=False)
    answered(say, asked(say, SUBJECT[KARI]), tmp_path / "out", "--lang", language)
    text = (tmp_path / "out" / "package.html").read_text(encoding="utf-8")
    with opened(text, width) as page:
        assert overflow(page) == 0
        assert page.locator("html").get_attribute("lang") == language
        assert page.locator("h1").count() == 1
        headings = page.locator("h2").all_inner_texts()
        assert len(headings) == 13 == len(set(headings))
        assert page.locator("th:not([scope])").count() == 0
        assert page.locator("table").evaluate_all(
            "found => found.every(one => one.querySelector('thead th[scope=col]'))")
        earlier = page.locator("h2").nth(8).locator("xpath=following-sibling::table[1]").inner_text()
        assert "R1" in earlier
        assert "aj-" in earlier
        assert page.pdf(format="A4").startswith(b"%PDF")
        assert contrasts(page) == []
    assert not re.search(r">\s*None\s*<", text)


@pytest.mark.soak
def test_an_answer_says_until_when_and_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                           capsys: pytest.CaptureFixture[str]) -> None:
    desk = prepared(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", monkeypatch)

    def say(*arguments: str) -> tuple[int, str, str]:
        return desk.run(capsys, "request", *arguments)

    answered(say, asked(say, SUBJECT[KARI]), tmp_path / "out")
    found = json.loads((tmp_path / "out" / "package.json").read_text(encoding="utf-8"))
    customers = next(table for table in found["held"] if table["table"] == "customers")
    told = {field: kept for kept in customers["rows"][0]["kept"] for field in kept["fields"]}
    assert (told["email"]["decision"], told["email"]["until"]) == ("retain", None)
    assert told["email"]["text"].startswith("Beholdes for oppfyllelse av avtalen")
    fields = {field["name"]: field for field in customers["fields"]}
    assert fields["email"]["purposes"] == ["contract", "profile", "individualisation"]
    assert fields["email"]["clauses"][0] == "CON-4"
    page = (tmp_path / "out" / "package.html").read_text(encoding="utf-8")
    assert "Bokstavene og tallene er vår egen nummerering av det personvernerklæringen lover." in page
    assert found["complaint"]["authority"] == "Datatilsynet"
    assert found["request"]["answer_by"] == "2026-12-20"
    assert date.fromisoformat(found["made_on"]) == TODAY


@pytest.mark.parametrize(("kind", "part"), [
    ("objection", "stanset markedsføring"), ("restriction", "begrenset behandlingen"), ("erasure", "sletting"),
    ("rectification", "retting")])
def test_other_kinds_are_answered_in_words(desk: Desk, say: Say, tmp_path: Path, kind: str, part: str) -> None:
    request = asked(say, SUBJECT[KARI], kind, verified=kind != "objection")
    text = answered(say, request, tmp_path / "out")
    assert part in text
    assert "Datatilsynet" in text
    assert [marker for marker in OWNERS if marker in text] == []
    assert "anonymisert" not in text
