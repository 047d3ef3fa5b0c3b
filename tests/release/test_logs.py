"""G13 as a gate: a key or a personal value in what the run has written down stops the release."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ajprivacy_pipeline.disclosure.guarantees import PROVING
from ajprivacy_pipeline.release import GuaranteeError, read_release
from ajprivacy_pipeline.release.logs import DERIVED, key_faults, texts_of_logs
from ajprivacy_pipeline.settings import PACKAGE
from ajprivacy_pipeline.storage.keystore import KeyStore, pads
from tests.release.release_world import World, all_but, tree

EVENT = '{"run_id": "3f1c2b6a-0d7e-4c43-9b39-2f9d2c1a8b10", "message": "STEP_START", "at": "2024-03-01 10:11:12.5"}'


@pytest.fixture(scope="module")
def left_out() -> tuple[str, ...]:
    """The log is looked at here, and whether a release comes out."""
    return all_but("communications_monthly")


def event(value: str) -> str:
    """An event with the value inside a text, as Dagster would store it: quoted once, and once more inside."""
    return json.dumps({"kind": "ENGINE_EVENT", "inner": json.dumps({"label": f"failed with {value} at step 3"})})


def refused(world: World, value: str, match: str) -> None:
    """Publishing April is refused for what stands in the log; March stays, to the byte."""
    before = tree(world.settings.published)
    world.logs = lambda: [EVENT, event(value)]
    with pytest.raises(GuaranteeError, match=match) as failure:
        world.publish("2024-04")
    assert value.lower() not in str(failure.value).lower()
    assert tree(world.settings.published) == before
    assert read_release(world.settings).month == "2024-03"


FORMS: dict[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "large hex": lambda key: key.hex().upper(),
    "base64": lambda key: base64.b64encode(key).decode(),
    "base64 for addresses": lambda key: base64.urlsafe_b64encode(key).decode().rstrip("="),
    "Python's bytes": repr,
    "DuckDB's bytes": lambda key: "".join(f"\\x{byte:02X}" for byte in key),
    "a list of numbers": lambda key: str(list(key)),
    "the inner pad": lambda key: base64.b64encode(pads(key).inner).decode(),
    "the outer pad": lambda key: pads(key).outer.hex(),
}


def key_of(keys: KeyStore, name: str) -> bytes:
    """A key of a home with a release, by the name that messages have for it."""
    return {"root": keys.root, "microdata/person": lambda: keys.derive("microdata", "person"),
            "ledger": lambda: base64.b64decode(keys.data_key("ledger")),
            "seal/ledger": lambda: keys.derive("seal", "ledger")}[name]()


@pytest.mark.parametrize("name", ["root", "microdata/person", "ledger", "seal/ledger"])
@pytest.mark.parametrize("form", FORMS)
def test_every_key_is_found_in_the_log_in_every_form(march: Path, form: str, name: str) -> None:
    keys = KeyStore(march / "keys")
    said = event(FORMS[form](key_of(keys, name)))
    assert key_faults(keys, "2024-04", lambda: [EVENT, said]) == [f"log of the run: holds the key {name}"]


@pytest.mark.parametrize(("form", "name"), [
    ("hex", "root"), ("hex", "ledger"), ("a list of numbers", "root"),
    *(pytest.param(form, "root", marks=pytest.mark.soak) for form in FORMS if form not in ("hex", "a list of numbers")),
    *(pytest.param("hex", name, marks=pytest.mark.soak) for name in ("microdata/person", "seal/ledger"))])
def test_a_key_in_the_log_stops_the_release(published: World, form: str, name: str) -> None:
    key = key_of(KeyStore(published.settings.keys), name)
    refused(published, FORMS[form](key), f"G13: log of the run: holds the key {name}")


def test_a_key_that_is_written_while_the_release_is_built_stops_it_too(published: World) -> None:
    said = [EVENT]
    published.logs = lambda: said
    key = KeyStore(published.settings.keys).root().hex()

    def progress(step: str) -> None:
        if step == "building analytics.duckdb":
            said.append(event(key))

    with pytest.raises(GuaranteeError, match="G13: log of the run: holds the key root"):
        published.publish("2024-04", progress)
    assert read_release(published.settings).month == "2024-03"


@pytest.mark.parametrize("value", [
    "Kunde Nummer007", "somebody.else@example.org",
    *(pytest.param(value, marks=pytest.mark.soak) for value in ("kunde5@EXAMPLE.no", "kundebruker4", "15057000004"))])
def test_a_personal_value_in_the_log_stops_the_release(published: World, value: str) -> None:
    """Of the warehouse, in another spelling too; or of nobody we know, but an address or a number of that kind."""
    refused(published, value, "G13: log of the run: 1 text.s. hold")


def test_the_words_times_and_numbers_of_a_log_are_no_persons(published: World) -> None:
    """A run's vocabulary is single words; a person who is called one of them cannot stop a release by it."""
    published.con.execute("UPDATE staged.customers SET username = 'engine' WHERE customer_id = 'C1'")
    published.con.execute("UPDATE staged.customers SET username = '20240301' WHERE customer_id = 'C2'")
    published.logs = lambda: [EVENT, event("engine"), "not JSON: engine 10.5 s, version 1.13.27, partition 2024-03-01"]
    assert published.publish("2024-04").proven


def test_who_hands_in_no_log_gets_no_proof(world: World) -> None:
    world.logs = None
    result = world.publish()
    assert not result.proven
    assert {v.guarantee for v in result.verdicts} == {*PROVING} - {"G13"}
    assert world.query("SELECT verdict FROM release_info WHERE guarantee = 'G13'") == [("not checked",)]


@pytest.mark.parametrize("setting", ["log_query_path = '{folder}/queries.log'", "enable_profiling = 'json'"])
def test_an_engine_that_keeps_a_log_of_statements_stops_the_release(
        world: World, tmp_path: Path, setting: str) -> None:
    world.con.execute(f"SET {setting.format(folder=tmp_path)}")
    if "profiling" in setting:
        world.con.execute(f"SET profiling_output = '{tmp_path}/profile.json'")
    with pytest.raises(GuaranteeError, match="G13: the engine writes a log of its own"):
        world.publish()
    world.con.close()


def test_every_derived_key_is_looked_for() -> None:
    """Whoever derives a key for something new says so in release/logs.py, else nobody looks for it."""
    used = set()
    for path in PACKAGE.rglob("*.py"):
        for call in re.findall(r"\.derive\(([^)]*)\)", path.read_text(encoding="utf-8")):
            used.add(tuple(re.findall(r'"([^"]*)"', call)))
    assert used - {("seal",), ("pseudonym",), ("looks",), ("disclosures",), ()} == set(DERIVED)


def test_texts_of_a_log_are_its_values_without_its_clock() -> None:
    found = {text.value.strip() for text in texts_of_logs(lambda: [EVENT, EVENT, "plain 2024-03 words", '"text"', "7"])}
    assert found == {"STEP_START", "plain   words", '"text"', "7"}


def test_a_log_without_keys_has_no_fault(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path)
    keys.data_key("2024-03")
    assert key_faults(keys, "2024-03", lambda: [EVENT, keys.root().hex()[:40]]) == []


def test_keys_derived_from_the_ledgers_own_are_looked_for(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path)
    for domain in ("cells", "contributors"):
        key = keys.derive_under("ledger", "ledger", domain, create=True)
        assert key_faults(keys, "2024-03", lambda key=key: [key.hex()]) == [
            f"log of the run: holds the key ledger/{domain}"]
