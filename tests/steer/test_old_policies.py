"""A month that was decided by an older policy stays explainable: what only releases read may be missing from it."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

import pytest

from ajprivacy_pipeline import explain as explaining
from ajprivacy_pipeline.errors import PolicyError
from ajprivacy_pipeline.policy import parse_decision_policy, parse_policy, read_texts
from ajprivacy_pipeline.policy.diff import diff
from ajprivacy_pipeline.settings import NOTICE, Settings, load_settings, prepare_home
from ajprivacy_pipeline.storage import control_tables as store
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.policy_versions import find_texts, policy_of
from ajprivacy_pipeline.whatif.simulate import simulate
from tests.explain.world import MONTH, home, shop

Texts = dict[str, str]


def earlier() -> Texts:
    """Today's notice as an earlier version of the product would have it: fewer files and keys, a longer tail."""
    texts = read_texts(NOTICE)
    release = re.sub(r"^months_computed_again = .*\n", "", texts["release.toml"], flags=re.MULTILINE)
    for section in ("utility", "microdata", "rules"):
        release = re.sub(rf"^\[+{section}[\].][^\n]*\n(?:(?!\[).*\n)*", "", release, flags=re.MULTILINE)
    texts["release.toml"] = release
    texts["purposes.toml"] = texts["purposes.toml"].replace(
        "contract_tail_months = { value = 12", "contract_tail_months = { value = 24")
    del texts["review.toml"]
    return texts


def stored(settings: Settings, version: str, content: str) -> ControlStore:
    """The control store with these texts under a version, as a run of that day wrote them."""
    control = ControlStore.in_folder(settings.control)
    control.insert(store.policies, [{"version": version, "stored_at": utc_now(), "content": content}])
    return control


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home whose month was decided by the earlier policy, which stands in the control store."""
    policy = parse_decision_policy(earlier())
    made = home(tmp_path_factory.mktemp("home"), shop(), policy=policy)
    stored(made, policy.version, json.dumps(earlier()))
    return made


def test_the_earlier_policy_is_one_that_releases_cannot_use() -> None:
    """Otherwise the tests below would prove nothing."""
    with pytest.raises(PolicyError) as error:
        parse_policy(earlier())
    assert {"review.toml: missing", "release.toml: utility: Field required", "release.toml: microdata: Field required",
            "release.toml: rules: Field required", "release.toml: thresholds.months_computed_again: Field required",
            } == set(error.value.faults)


def test_a_stored_policy_of_before_holds_had_a_longest_term_is_read(tmp_path: Path) -> None:
    """What people may record today is no part of what decided then."""
    texts = read_texts(NOTICE)
    texts["review.toml"] = re.sub(r"^\[holds\]\n.*\n", "", texts["review.toml"], flags=re.MULTILINE)
    with pytest.raises(PolicyError, match=re.escape("review.toml: holds: Field required")):
        parse_policy(texts)
    policy = parse_decision_policy(texts)
    made = load_settings({"AJPRIVACY_HOME": str(tmp_path)})
    prepare_home(made)

    assert policy_of(stored(made, policy.version, json.dumps(texts)), policy.version) == policy
    assert find_texts(made, policy.version) == texts


def test_its_month_is_explained_by_the_periods_of_its_day(settings: Settings) -> None:
    """A warranty of ten years and two more, where today's policy adds one."""
    found = explaining.explain(settings, "customer:1", MONTH, "ada")
    name = next(item for item in explaining.as_json(found, "en")["attributes"] if item["attribute"] == "name")

    assert found.policy_version == parse_decision_policy(earlier()).version
    assert name["due_on"] == "2033-05-03"
    assert {term["on"] for term in name["candidates"] if term["decides"]} == {"2033-05-03"}


def test_it_is_compared_with_todays_and_tried_out_again(settings: Settings) -> None:
    """`policy diff OLD current` names every key; `policy simulate OLD` flips nothing in the month it decided."""
    version = parse_decision_policy(earlier()).version
    texts = find_texts(settings, version)
    changes = diff(texts, find_texts(settings, "current"))["changes"]

    assert ("purposes.toml", "periods.contract_tail_months.value", "24", "12") in [
        (row["file"], row["key"], row["was"], row["now"]) for row in changes]
    assert ("release.toml", "thresholds.months_computed_again", "added") in [
        (row["file"], row["key"], row["kind"]) for row in changes]
    assert {row["key"] for row in changes if row["file"] == "review.toml"} > {"grounds.litigation"}
    assert simulate(settings, texts, MONTH)["flips"] == []
    assert simulate(settings, find_texts(settings, "current"), MONTH)["old_version"] == version


@pytest.mark.parametrize(("file", "was", "becomes", "fault"), [
    ("purposes.toml", "[periods]", "valid_form = 2020-01-01\n[periods]", "purposes.toml: valid_form: Extra inputs"),
    ("sources.toml", "", None, "sources.toml: missing"),
    ("release.toml", "[", "[[", "release.toml: "),
    ("purposes.toml", "log_months = { value = 13", "log_months = { value = 14", "its texts make another version"),
], ids=["unknown key", "missing file", "no TOML", "changed by hand"])
def test_a_broken_stored_policy_is_told(
    file: str, was: str, becomes: str | None, fault: str, settings: Settings,
) -> None:
    """By version, file and key; never taken for the policy of the day."""
    texts = {name: text if name != file else text.replace(was, becomes or "", 1)
             for name, text in earlier().items() if name != file or becomes}
    version = secrets.token_hex(8)
    control = stored(settings, version, json.dumps(texts))
    for read in (lambda: policy_of(control, version), lambda: find_texts(settings, version)):
        with pytest.raises(PolicyError, match=re.escape(f"stored policy {version}: {fault}")):
            read()


@pytest.mark.parametrize("content", ["no json", "[1, 2]"])
def test_what_is_no_policy_at_all_is_told(content: str, settings: Settings) -> None:
    """The store holds something else."""
    version = secrets.token_hex(8)
    with pytest.raises(PolicyError, match="cannot be read"):
        policy_of(stored(settings, version, content), version)
