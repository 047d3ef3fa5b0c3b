"""The table "In ten seconds" of CONTRIBUTING.md, followed to the letter in a scratch copy; what is refused half-way.

A scratch copy is the package and its SQL in a folder of its own; what it decides is asked in a process of its own, and
held against decisions of the product as it stands, or against dates added up here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import CHECKOUT, NOTICE
from tests.oracle.casekit import IDENTITY, MONTH, business, consumer, invoice, order, proprietor, request
from tests.oracle.evaluator import evaluate
from tests.release.release_world import World, all_but, fill, shop_rows, small_sql
from tests.scratch import TABLES, Decisions, Row, Scratch

AS_OF = date(2026, 11, 1)
FOLLOWED = {"change a period", "add a purpose", "add an attribute", "add a source column", "add a source table",
            "add a view of a published table", "add a published table", "keep the notice outside the package"}
# where the work is, not the whole of it
PLACES = {"change where keys lie", "move to another engine", "add a guarantee"}


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path / "scratch")


def shop() -> dict[str, list[Row]]:
    """People whose profiles are old, young and closed, with and without orders, an open invoice, an objection."""
    def told(kind: Callable[..., Row], number: int, created: str | None, **columns: object) -> Row:
        return kind(str(number), profile_created_at=created, preferences="lockers", **columns)

    return {
        "customers": [
            told(consumer, 1, "2015-05-05"), told(consumer, 2, "2024-11-01"), told(consumer, 3, "2024-11-02"),
            told(consumer, 4, None), told(consumer, 5, "2020-01-01", last_login_at="2026-06-01"),
            told(consumer, 6, "2025-12-24", email=None), told(proprietor, 7, "2019-02-02", industry="retail"),
            told(business, 8, "2018-08-08", industry="health"), told(business, 9, "2026-03-03"),
            told(consumer, 10, "2024-12-12", profile_closed_at="2025-01-01")],
        "orders": [order("2021-03-03", "o1", "1"), order("2025-10-10", "o5", "5"), order("2016-01-01", "o8", "8")],
        "invoices": [invoice("2016-01-01", customer_id="8", order_id="o8")],
        "rights_requests": [request("objection", "2026-02-02", customer_id="5")],
    }


@cache
def _as_it_stands(folder: Path) -> Decisions:
    return Scratch(folder / "as-it-stands").decide(shop(), folder)


@pytest.fixture
def today(tmp_path_factory: pytest.TempPathFactory) -> Decisions:
    """The decisions of the product as it stands."""
    return _as_it_stands(tmp_path_factory.getbasetemp())


def attributes(found: Decisions, name: str) -> dict[str, Row]:
    """An attribute's rows by subject, without its name."""
    return {row["subject_id"]: {key: value for key, value in row.items() if key not in ("attribute", "as_of")}
            for row in found["attribute_decisions"] if row["attribute"] == name}


def others(found: Decisions, name: str) -> list[Row]:
    """The rows of all other attributes, sorted."""
    return sorted((row for row in found["attribute_decisions"] if row["attribute"] != name), key=str)


ABSENT = {"decision": "absent", "due_on": None, "retained_by": [], "held_by": []}


def test_every_row_of_the_table_is_followed() -> None:
    text = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.split("## In ten seconds", 1)[1].split("\n\n")[1]
    rows = re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE)

    assert set(rows) - {"to", "---"} == FOLLOWED | PLACES


@pytest.mark.soak
def test_a_period(scratch: Scratch, tmp_path: Path) -> None:
    """A period of the notice is a period of the models: the evaluator, told the same number, decides the same."""
    scratch.put("purposes.toml", "log_months = { value = 13", "log_months = { value = 2")
    scratch.put("purposes.toml", "profile_tail_months = { value = 12", "profile_tail_months = { value = 13")
    scratch.check()
    found = scratch.decide(shop(), tmp_path)

    later = {row["subject_id"]: row["lapses_on"] for row in found["purpose_status"] if row["purpose"] == "profile"}
    assert later["customer:1"] == "2022-04-03"  # obligations ended 2021-03-03
    assert later["customer:10"] == "2026-02-01"  # closed 2025-01-01


def test_today_is_what_the_evaluator_says(today: Decisions) -> None:
    """What the rows below are held against is right."""
    expected = evaluate(shop(), MONTH)
    for table in TABLES:
        assert {_shown(table, row) for row in today[table]} == {_shown(table, row) for row in expected[table]}


def _shown(table: str, row: Row) -> tuple[str, ...]:
    columns = [*IDENTITY[table], *(("decision", "due_on", "retained_by", "held_by") if "decision" in row
                                   else ("lapses_on", "active"))]
    return tuple(str(row[column]) for column in columns)


PURPOSE = """
[purposes.loyalty]
legal_basis = "consent"
clauses = ["CAM-1"]
meaning = "Keep the points of a member."
periods = ["loyalty_tail_months"]
ended_by = []
"""
LAPSE = "    CASE WHEN created_on IS NOT NULL THEN plus_months(created_on, $loyalty_tail_months) END AS loyalty_on,\n"


def loyal(scratch: Scratch, *, lapse: bool = True, covers: bool = True) -> None:
    """The new purpose as CONTRIBUTING says: its block, its period, its name at the attributes, its line of SQL."""
    scratch.put("purposes.toml", "[purposes.newsletter]", f"{PURPOSE.strip()}\n[purposes.newsletter]")
    scratch.put("purposes.toml", "[choices]", '[periods.loyalty_tail_months]\nvalue = 24\nsource = "CAM-1"\n[choices]')
    if covers:
        email = '"business", "contact"]\npurposes = ["contract", "profile", "individualisation"'
        scratch.put("purposes.toml", f'[attributes.email]\ntypes = ["consumer", "sole_proprietor", {email}',
                    f'[attributes.email]\ntypes = ["consumer", "sole_proprietor", {email}, "loyalty"')
    if lapse:
        scratch.put("retention/subject_purposes.sql", "bookkeeping_years\n", "bookkeeping_years, loyalty_tail_months\n")
        last = "    bookkeeping_on\nFROM based"
        scratch.put("retention/subject_purposes.sql", last, LAPSE + last)


@pytest.mark.soak
def test_a_purpose(scratch: Scratch, today: Decisions, tmp_path: Path) -> None:
    """One block and one line of SQL: the attribute it covers stays as long as it lives, everything else as before."""
    loyal(scratch)
    scratch.check()
    found = scratch.decide(shop(), tmp_path)

    created = {f"customer:{row['customer_id']}": date.fromisoformat(row["profile_created_at"])
               for row in shop()["customers"] if row["profile_created_at"]}
    lapses = {who: {"loyalty": day.replace(year=day.year + 2)} for who, day in created.items()}
    for row in today["purpose_status"]:
        if row["purpose"] in ("contract", "profile", "individualisation"):
            ends = date.fromisoformat(row["lapses_on"]) if row["lapses_on"] else date.max
            lapses.setdefault(row["subject_id"], {})[row["purpose"]] = ends
    now, before = attributes(found, "email"), attributes(today, "email")
    assert now == {who: _kept(row, lapses.get(who, {})) for who, row in before.items()}
    assert {who for who in now if now[who] != before[who]} >= {"customer:3", "customer:10"}
    assert others(found, "email") == others(today, "email")
    assert sorted(found["record_decisions"], key=str) == sorted(today["record_decisions"], key=str)
    told = {row["subject_id"]: row for row in found["purpose_status"] if row["purpose"] == "loyalty"}
    assert {who: row["lapses_on"] for who, row in told.items()} == {
        who: str(lapses[who]["loyalty"]) for who in created}
    assert all(row["reasons"] == ["CAM-1"] for row in told.values())


# Of customers 3 and 2, whose profiles were made on 2024-11-02 and 2024-11-01, and of 5 where the purpose has no end.
KEPT = {
    "nb": "E-postadressen beholdes for formålet «loyalty» til 2. november 2026, dagen som følger av formålets egen "
          "regel (CAM-1).",
    "en": "The e-mail address is kept for the purpose \u201cloyalty\u201d until 2 November 2026, the day that follows "
          "from the purpose's own rule (CAM-1).",
}
DUE = {
    "nb": "Lagringstiden for e-postadressen utløp 1. november 2026, da det siste formålet (formålet «loyalty») falt "
          "bort: dagen som følger av formålets egen regel (CAM-1); det skal slettes, gjøres grovere eller kobles fra "
          "personen, men det er ikke utført ennå.",
    "en": "The e-mail address has been due since 1 November 2026, when its last purpose (the purpose "
          "\u201cloyalty\u201d) ended: the day that follows from the purpose's own rule (CAM-1); it is decided, and "
          "not carried out yet, that it is to be erased, made coarser or unlinked from the person.",
}
ENDLESS = {"nb": "formålet «loyalty» uten at noen slutt er i sikte",
           "en": "the purpose \u201cloyalty\u201d with no end in sight"}


def email_of(found: dict[str, Any]) -> Row:
    """What is said about the address of a subject."""
    return next(dict(item) for item in found["attributes"] if item["attribute"] == "email")


@pytest.mark.soak
def test_a_purpose_is_explained(scratch: Scratch, tmp_path: Path) -> None:
    """The new purpose has its candidate date, its promise and its sentences, in both languages, around the boundary."""
    loyal(scratch)
    found = scratch.explain(shop(), tmp_path, ["customer:2", "customer:3", "customer:4"])

    for language, kept in KEPT.items():
        facts, page = found["customer:3"][language]
        email = email_of(facts)
        assert (email["decision"], email["due_on"], email["retained_by"]) == ("retain", "2026-11-02", ["loyalty"])
        assert email["sentence"] == kept
        assert f"  {kept}" in page
        (candidate,) = facts["purposes"]["loyalty"]["candidates"]
        assert (candidate["on"], candidate["clauses"], candidate["decides"]) == ("2026-11-02", ["CAM-1"], True)
        assert "CAM-1" in facts["clauses"]
        email = email_of(found["customer:2"][language][0])
        assert (email["decision"], email["due_on"], email["sentence"]) == ("due", "2026-11-01", DUE[language])
        assert "loyalty" not in found["customer:4"][language][0]["purposes"]  # nothing says when that profile was made


@pytest.mark.soak
def test_a_purpose_without_an_end_is_explained(scratch: Scratch, tmp_path: Path) -> None:
    loyal(scratch)
    scratch.put("retention/subject_purposes.sql", LAPSE,
                LAPSE.replace("WHEN created_on", "WHEN closed_on IS NULL THEN DATE 'infinity' WHEN created_on"))
    found = scratch.explain(shop(), tmp_path, ["customer:5"])["customer:5"]

    for language, endless in ENDLESS.items():
        facts, page = found[language]
        email = email_of(facts)
        assert (email["decision"], email["due_on"]) == ("retain", None)
        assert "loyalty" in email["retained_by"]
        assert facts["purposes"]["loyalty"]["candidates"][0]["on"] is None
        assert endless in "".join(page)


@pytest.mark.soak
def test_a_rule_that_is_changed_in_one_place_alone_is_not_explained(scratch: Scratch, tmp_path: Path) -> None:
    """Decisions that the candidate dates do not lead to are refused, never told with a reason that is not theirs."""
    scratch.put("retention/subject_purposes.sql", "least(profile_base, erased_on)",
                "least(plus_months(profile_base, 1), erased_on)")
    with pytest.raises(AssertionError, match="sql/terms does not list the dates that sql/retention decides by"):
        scratch.explain(shop(), tmp_path, ["customer:3"])


def _kept(before: Row, lapses: dict[str, date]) -> Row:
    """What must come of an attribute that these purposes cover, in plain words of the specification."""
    if before["decision"] == "absent":
        return before
    latest, alive = max(lapses.values(), default=AS_OF), sorted(name for name, day in lapses.items() if day > AS_OF)
    due_on = None if latest == date.max else str(latest)
    if alive:
        return before | {"decision": "retain", "due_on": due_on, "retained_by": alive, "held_by": []}
    return before | {"due_on": due_on}


@pytest.mark.parametrize(("missing", "said"), [
    ("lapse", r"purposes\.loyalty covers attributes, and retention\.subject_purposes has no loyalty_on"),
    ("covers", r"retention\.subject_purposes says when loyalty lapses, and no attribute names that purpose"),
])
def test_half_a_purpose_is_refused(scratch: Scratch, missing: str, said: str) -> None:
    loyal(scratch, **{missing: False})
    scratch.refused(said)


def test_a_period_that_nothing_reads_and_one_that_is_lacking_are_refused(scratch: Scratch) -> None:
    loyal(scratch)
    scratch.put("purposes.toml", "[periods.loyalty_tail_months]", "[periods.loyalty_months]")
    scratch.put("purposes.toml", 'periods = ["loyalty_tail_months"]', 'periods = ["loyalty_months"]')
    scratch.refused(r"periods\.loyalty_months: no model .* reads it")
    scratch.refused(r"periods lacks loyalty_tail_months, which retention\.subject_purposes reads")


@pytest.mark.soak
def test_an_attribute(scratch: Scratch, today: Decisions, tmp_path: Path) -> None:
    """Empty ones are absent, the others go with the purpose that covers them."""
    scratch.add("purposes.toml", '\n[attributes.industry]\ntypes = ["sole_proprietor", "business"]\n'
                                 'purposes = ["individualisation"]\ncolumns = ["industry"]\n')
    scratch.refused(r"customers lacks an action for industry \(attribute industry\)")
    scratch.put("actions.toml", "[contacts]", 'industry = { action = "erase" }\n[contacts]')
    scratch.refused(r"clauses\.customers lacks industry")
    scratch.put("enforcement.toml", "[clauses.customers]\n", '[clauses.customers]\nindustry = "IND-2"\n')
    scratch.check()
    found = scratch.decide(shop(), tmp_path)

    alike = attributes(today, "preferences")  # covered by the same purpose, and everybody has some
    expected = {who: alike[who] if who in ("customer:7", "customer:8") else {**alike[who], **ABSENT}
                for who in ("customer:7", "customer:8", "customer:9")}
    assert attributes(found, "industry") == expected
    assert others(found, "industry") == sorted(today["attribute_decisions"], key=str)


@pytest.mark.soak
def test_a_source_column(scratch: Scratch, today: Decisions, tmp_path: Path) -> None:
    """A column that names people is refused until it is staged, acted upon and part of an attribute."""
    scratch.put("sources.toml", 'industry = { type = "text"',
                'nickname = { type = "text", class = "direct_identifier" }\nindustry = { type = "text"')
    scratch.refused(r"customers\.nickname identifies people and has no action")
    scratch.put("actions.toml", "[contacts]", 'nickname = { action = "erase" }\n[contacts]')
    scratch.refused(r"customers\.nickname identifies people and is in no attribute")
    scratch.add("purposes.toml", '\n[attributes.nickname]\ntypes = ["consumer"]\n'
                                 'purposes = ["individualisation"]\ncolumns = ["nickname"]\n')
    scratch.put("enforcement.toml", "[clauses.customers]\n", '[clauses.customers]\nnickname = "IND-2"\n')
    scratch.refused(r"staged\.customers has no column nickname")
    scratch.put("staged/customers.sql", "text_of(industry) AS industry,",
                "text_of(industry) AS industry, text_of(nickname) AS nickname,")
    scratch.put("staged/customers.sql", " r.industry,", " r.industry, r.nickname,")
    scratch.check()
    rows = shop()
    rows["customers"][0]["nickname"], rows["customers"][4]["nickname"] = "Kalle", " "
    found = attributes(scratch.decide(rows, tmp_path), "nickname")

    alike = attributes(today, "preferences")
    assert found["customer:1"] == alike["customer:1"]
    assert all(found[who] == {**alike[who], **ABSENT} for who in ("customer:2", "customer:5", "customer:10"))


REVIEWS = """
[tables.reviews]
description = "One row per review of a product."
key = ["review_id"]
[tables.reviews.columns]
review_id = { type = "id", required = true, class = "reference" }
customer_id = { type = "id", class = "reference" }
written_at = { type = "timestamp", required = true, class = "business_fact" }
body = { type = "text", class = "free_text" }
"""
STAGED = """-- model: staged.reviews
-- grain: one row per review
-- params: first_day, last_day
-- reads: raw.reviews
-- doc: Reviews, typed and trimmed.
SELECT text_of(review_id) AS review_id, text_of(customer_id) AS customer_id,
    local_on(written_at, $first_day, $last_day) AS written_on, text_of(body) AS body
FROM raw.reviews
"""
DECIDES = """-- model: retention.review_decisions
-- grain: one row per review
-- params: as_of, policy_version, correspondence_months
-- reads: staged.reviews, retention.subjects, retention.subject_holds, retention.evidence,
--   policy.reason_sets, policy.freeze_sets
-- decides: reviews.content
-- doc: A review stays for as long as a message without a subject.
WITH dated AS (
    SELECT r.*, k.subject_no, coalesce(plus_months(r.written_on, $correspondence_months), $as_of) AS kept_until,
        r.customer_id IS NOT NULL AND k.subject_no IS NULL AS is_orphan
    FROM staged.reviews AS r
    LEFT JOIN retention.subjects AS k ON k.customer_id = r.customer_id AND k.contact_id IS NULL
), decided AS (
    SELECT d.*, d.body IS NULL AS is_absent,
        CASE WHEN d.kept_until > $as_of THEN {{ reason.correspondence_period.bit }} ELSE 0 END AS reasons,
        record_holds(NULL, h.freezes, d.is_orphan, false, e.is_missing,
            list_contains(e.held_entities, 'reviews')) AS held
    FROM dated AS d
    CROSS JOIN retention.evidence AS e
    LEFT JOIN retention.subject_holds AS h ON h.subject_no = d.subject_no AND h.entity = 'reviews'
)
SELECT CAST($as_of AS DATE) AS as_of, 'reviews' AS entity, review_id AS record_id, 'content' AS part,
    'customer:' || customer_id AS subject_id, subject_no,
    decision_of(is_absent, d.reasons > 0, held > 0) AS decision, CASE WHEN NOT is_absent THEN kept_until END AS due_on,
    s.names AS retained_by, f.names AS held_by, $policy_version AS policy_version
FROM decided AS d
JOIN policy.reason_sets AS s ON s.reasons = CASE WHEN is_absent THEN 0 ELSE d.reasons END
JOIN policy.freeze_sets AS f ON f.freezes = CASE WHEN is_absent OR d.reasons > 0 THEN 0 ELSE held END
"""


@pytest.mark.soak
def test_a_source_table(scratch: Scratch, tmp_path: Path) -> None:
    """A table whose rows name people is refused until a model decides about them and freezes hold them."""
    scratch.add("sources.toml", REVIEWS)
    scratch.add("staged/reviews.sql", STAGED)
    scratch.refused(r"reviews\.body identifies people and has no action")
    scratch.add("actions.toml", '\n[reviews]\nbody = { action = "erase", part = "content" }\n')
    scratch.put("enforcement.toml", "[clauses.cases]\n", '[clauses.reviews]\ncontent = "IMP-2"\n[clauses.cases]\n')
    scratch.refused(r"reviews\.body identifies people, and no model of sql/retention decides reviews\.content")
    scratch.add("retention/review_decisions.sql", DECIDES)
    scratch.refused("no model of sql/retention decides")  # nobody reads that model
    scratch.put("retention/record_decisions.sql", "retention.request_decisions\n-- doc",
                "retention.request_decisions, retention.review_decisions\n-- doc")
    scratch.add("retention/record_decisions.sql", "\nUNION ALL SELECT * FROM retention.review_decisions\n")
    scratch.refused(r"scopes\.all lacks reviews")
    for scope in ("not_marketing", "all"):
        text = (scratch.notice / "purposes.toml").read_text(encoding="utf-8")
        line = next(line for line in text.splitlines() if line.startswith(f"{scope} = ["))
        scratch.put("purposes.toml", line, line.replace("]", ', "reviews"]'))
    scratch.check()
    rows = shop()
    rows["reviews"] = [{"review_id": f"r{number}", "customer_id": who, "written_at": day, "body": body}
                       for number, who, day, body in (
                           (1, "1", "2025-11-01", "fine"), (2, "1", "2025-11-02", "fine"), (3, "1", "2020-01-01", None),
                           (4, "4", "2020-01-01", "fine"), (5, "99", "2020-01-01", "fine"))]
    found = {row["record_id"]: (row["decision"], row["due_on"], row["retained_by"], row["held_by"])
             for row in scratch.decide(rows, tmp_path)["record_decisions"] if row["entity"] == "reviews"}

    assert found == {
        "r1": ("due", "2026-11-01", [], []), "r2": ("retain", "2026-11-02", ["correspondence_period"], []),
        "r3": ("absent", None, [], []), "r4": ("hold", "2021-01-01", [], ["no_evidence"]),
        "r5": ("hold", "2021-01-01", [], ["orphan"])}


@pytest.mark.soak
def test_a_view(tmp_path: Path, scratch: Scratch) -> None:
    """A view is policy alone: the release makes it, with the rows that its table shows at the total."""
    scratch.put("release.toml", "[views]\n", '[views]\nmessages_by_direction = { table = "communications_monthly", '
                'per = ["direction"], description = "Messages by month and direction." }\n')
    scratch.check()
    world = published(tmp_path, scratch, "communications_monthly")

    shown = world.query("SELECT * FROM messages_by_direction ORDER BY ALL")
    assert shown == world.query("SELECT * EXCLUDE (channel) FROM communications_monthly "
                                "WHERE channel = '(all)' AND direction <> '(all)' ORDER BY ALL") != []


@pytest.mark.soak
def test_a_published_table(tmp_path: Path, scratch: Scratch) -> None:
    """A table is refused without the facts its people are counted from; with them it is published and counted again."""
    text = (scratch.notice / "release.toml").read_text(encoding="utf-8")
    start = text.index("[tables.communications_monthly]")
    declared = text[start:text.index("\n\n", start)].replace("communications_monthly", "contact_rates_monthly")
    source = next(line for line in declared.splitlines() if line.startswith("contributors = "))
    for layer, model, made in (("anonymous", "communications", "contact_rates"),
                               ("published", "communications_monthly", "contact_rates_monthly")):
        sql = (scratch.sql / layer / f"{model}.sql").read_text(encoding="utf-8")
        scratch.add(f"{layer}/{made}.sql", sql.replace("communications_monthly", "contact_rates_monthly")
                    .replace("anonymous.communications", "anonymous.contact_rates"))
    place, columns = "[tables.data_dictionary]", "[tables.contact_rates_monthly.columns]"
    scratch.put("release.toml", place, declared.replace(source + "\n", "") + f"\n\n{place}")
    scratch.refused(r"tables\.contact_rates_monthly has no \[tables\.contact_rates_monthly\.contributors\]")
    elsewhere = source.replace("anonymous.communications", "anonymous.contacts_made")
    scratch.put("release.toml", columns, f"{elsewhere}\n{columns}")
    scratch.refused(r"no model makes anonymous\.contacts_made")
    scratch.put("release.toml", "anonymous.contacts_made", "anonymous.contact_rates")
    scratch.check()
    world = published(tmp_path, scratch, "communications_monthly")

    assert world.query("SELECT * FROM contact_rates_monthly ORDER BY ALL") == world.query(
        "SELECT * FROM communications_monthly ORDER BY ALL") != []


def published(folder: Path, scratch: Scratch, *tables: str) -> World:
    """A tiny shop, published by the scratch copy's notice and models: some of the shipped tables, and what is new."""
    policy = load_policy(scratch.notice)
    small = policy.model_copy(update={"release": policy.release.model_copy(update={"history_months": 3})})
    world = World(folder / "home", small, small_sql(folder / "small", scratch.sql), left_out=all_but(*tables))
    fill(world.con, shop_rows())
    assert all(verdict.passed is not False for verdict in world.publish().verdicts)
    return world


@pytest.mark.soak
def test_a_notice_elsewhere(tmp_path: Path) -> None:
    """`policy init` writes it, AJPRIVACY_NOTICE makes it count, and nothing is written over."""
    own = tmp_path / "notice"
    ask(tmp_path, "policy", "init", str(own))
    path = own / "purposes.toml"
    path.write_text(path.read_text().replace("log_months = { value = 13", "log_months = { value = 14"))

    assert ask(tmp_path, "policy", "show", "--json", notice=own)["version"] == load_policy(own).version
    assert ask(tmp_path, "policy", "show", "--json")["version"] == load_policy(NOTICE).version
    before = path.read_text()
    assert "is not an empty folder" in ask(tmp_path, "policy", "init", str(own), code=2)
    assert path.read_text() == before
    assert "is not a folder" in ask(tmp_path, "policy", "check", notice=tmp_path / "nowhere", code=2)


def ask(folder: Path, *arguments: str, notice: Path | None = None, code: int = 0) -> Any:
    """A command's JSON or text; what it says on stderr where it must fail."""
    env = {"AJPRIVACY_HOME": str(folder / "home"), "PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-m", "ajprivacy_pipeline", *arguments], text=True, capture_output=True,
                          check=False, cwd=folder, env=env | ({"AJPRIVACY_NOTICE": str(notice)} if notice else {}))
    assert done.returncode == code, done.stderr
    if code:
        return done.stderr
    return json.loads(done.stdout) if "--json" in arguments else done.stdout
