"""`ajprivacy explain`: what it prints, what it refuses, and that every look is on record."""

import json
import re
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from ajprivacy_pipeline import explain as explaining
from ajprivacy_pipeline.cli.main import app
from ajprivacy_pipeline.enforcement.ledger import open_ledger
from ajprivacy_pipeline.errors import ControlError, PrivacyError
from ajprivacy_pipeline.explain.report import as_json, page
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE, Settings, load_settings
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_file, read_month
from tests.enforcement.month import carry_out
from tests.explain.world import MONTH


def _accesses(settings: Settings) -> list[dict[str, object]]:
    return ControlStore.in_folder(settings.control).rows(sa.select(store.access_log).order_by(store.access_log.c.id))


def _call(settings: Settings, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["explain", *arguments], env={"AJPRIVACY_HOME": str(settings.home)},
                              catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_page_and_json_hold_the_same_sentences(settings: Settings) -> None:
    """Norwegian unless asked otherwise; the newest month unless one is named."""
    text = _call(settings, "customer:1")
    facts = json.loads(_call(settings, "customer:1", "--month", MONTH, "--lang", "nb", "--json"))

    for item in [*facts["attributes"], *facts["records"]]:
        assert item["decision"] == "absent" or item["sentence"] in text
    assert (facts["month"], facts["as_of"], facts["language"]) == (MONTH, "2026-11-01", "nb")
    assert re.fullmatch("[0-9a-f]{16}", facts["policy_version"])
    assert "The name and the e-mail address are kept" in _call(settings, "customer:1", "--lang", "en")
    assert text.splitlines()[2:8] == [
        "Kort sagt", "  Beholdes: 5 opplysninger, alle til 3. mai 2032.",
        "  Beholdes for: oppfyllelse av avtalen og kundeprofilen.",
        ("  Skal slettes, gjøres grovere eller kobles fra personen, men er ikke utført ennå: 1 opplysning, siden "
         "3. mai 2022."),
        "  Skal slettes, gjøres grovere eller kobles fra personen, men er sperret: ingenting.",
        "  Ikke registrert, ikke registrert lenger eller bare gjort grovere: 6 opplysninger."]


def test_a_text_for_the_customer_has_no_version_and_only_dates_that_decided(settings: Settings) -> None:
    """And says the same of each thing."""
    facts = json.loads(_call(settings, "customer:1", "--json"))
    text = _call(settings, "customer:1", "--for-customer")

    assert facts["policy_version"] not in text
    assert "policy" not in text
    assert "×" not in text
    assert text.startswith("Opplysningene vi har om deg, kundenummer 1 (")
    assert "customer:" not in text
    lines = [line.strip() for line in text.splitlines()]
    for item in facts["attributes"]:
        assert item["decision"] == "absent" or item["sentence"].replace("personen", "deg") in lines
    assert "personen" not in text
    assert "  Skal slettes, gjøres grovere eller kobles fra deg, men er ikke utført ennå: 1 opplysning," in text
    for item in facts["records"]:  # what is decided alike for the same reasons shares a sentence
        name, _, reason = item["sentence"].replace("personen", "deg").partition(" beholdes ")
        assert item["decision"] == "absent" or any(
            name[1:] in line and line.endswith(reason) for line in lines), item["sentence"]
    kept = [item["sentence"] for item in facts["records"] if item["decision"] != "absent"]
    assert sum(line.startswith(("Leveringsopplysningene", "Koblingen", "Innholdet")) for line in lines) < len(kept)


def test_what_was_carried_out_since_the_decisions_is_told_beside_them(settings: Settings, tmp_path: Path) -> None:
    """By day and promise, of that person alone; what the decisions call not carried out is what they knew."""
    home = shutil.copytree(settings.home, tmp_path / "home")
    carried = load_settings({"AJPRIVACY_HOME": str(home)})
    carry_out(open_ledger(carried))
    said = ("Siden er opplysninger slettet, gjort grovere eller koblet fra deg: 26. november 2026 (CON-4). Det som "
            "under ikke er utført, kan være utført da.")

    assert _call(carried, "customer:1", "--for-customer").splitlines()[1] == said
    assert json.loads(_call(carried, "customer:1", "--json"))["carried_out_since"] == [
        {"date": "2026-11-26", "clause": "CON-4"}]
    for home_settings, subject in ((carried, "customer:4"), (settings, "customer:1")):
        assert "Siden er" not in _call(home_settings, subject)
        assert json.loads(_call(home_settings, subject, "--json"))["carried_out_since"] == []


def test_json_has_every_candidate_and_marks_one(settings: Settings) -> None:
    """The order's terms: its end, each warranty, the minimum."""
    facts = json.loads(_call(settings, "customer:1", "--json"))
    delivery = next(item for item in facts["records"] if item["part"] == "delivery")

    assert {(term["kind"], term["on"], term["decides"]) for term in delivery["candidates"]} == {
        ("order_tail", "2022-05-03", False), ("warranty_tail", "2024-05-03", False),
        ("warranty_tail", "2032-05-03", True), ("contract_minimum", "2024-05-03", False)}
    assert next(term for term in delivery["candidates"] if term["decides"])["refs"]["line"] == 2
    assert delivery["due_on"] == "2032-05-03"


def test_nothing_but_ids_is_shown(settings: Settings) -> None:
    """No name, address, e-mail or text of the person."""
    policy = load_policy(NOTICE)
    with read_month(settings, MONTH) as (con, _):
        people = [row[0] for row in con.execute("SELECT subject_id FROM retention.subjects").fetchall()]
        for explanation in explaining.explain_each(con, policy, people, MONTH):
            for language in ("nb", "en"):
                shown = [*page(explanation, language), json.dumps(as_json(explanation, language))]
                assert not re.search(r"Nordmann|Kari|@x\.no|Vei 1|desks", "".join(shown))


def test_every_look_is_on_record_without_the_id(settings: Settings) -> None:
    """A token, the month, who, when; unknown people too: a look is a look."""
    before = len(_accesses(settings))
    explaining.explain(settings, "customer:4", None, "ada")
    explaining.explain(settings, "customer:4", MONTH, "ada")
    with pytest.raises(ControlError):
        explaining.explain(settings, "customer:999", MONTH, "bo")
    first, second, third = _accesses(settings)[before:]

    assert first["subject_id"] == second["subject_id"] == KeyStore(settings.keys).derive("looks", "customer:4").hex()
    assert third["subject_id"] != first["subject_id"]
    assert [row["by"] for row in (first, second, third)] == ["ada", "ada", "bo"]
    assert (first["month"], first["what"]) == (MONTH, "explain")


@pytest.mark.parametrize(("subject", "month", "words"), [
    ("customer:999", MONTH, "customer:999 is not in the month's data"),
    ("contact:1", MONTH, "contact:1 is not in the month's data"),
    ("customer:anonymised-consumer", MONTH, "tombstone"),
    ("123", MONTH, "customer:ID or contact:ID"),
    ("customer:", MONTH, "customer:ID or contact:ID"),
    ("order:1", MONTH, "customer:ID or contact:ID"),
    ("customer:1", "2026-09", "recompute from today's facts"),
    ("customer:1", "october", "write it as YYYY-MM"),
    ("customer:' OR 1=1 --", MONTH, "is not in the month's data"),
])
def test_what_cannot_be_explained_is_said(settings: Settings, subject: str, month: str, words: str) -> None:
    """A clear error of ours, and nothing made."""
    with pytest.raises(PrivacyError, match=re.escape(words)):
        explaining.explain(settings, subject, month, "ada")
    assert not month_file(settings, "2026-09").exists()


def test_unknown_language_and_empty_home(settings: Settings, tmp_path: Path) -> None:
    """The rest of what can go wrong."""
    runner = CliRunner()
    wrong = runner.invoke(app, ["explain", "customer:1", "--lang", "sv"], env={"AJPRIVACY_HOME": str(settings.home)})
    empty = runner.invoke(app, ["explain", "customer:1"], env={"AJPRIVACY_HOME": str(tmp_path / "none")})

    assert wrong.exit_code == 2
    assert "run one first" in str(empty.exception)
    assert not (tmp_path / "none").exists()
