"""The notice as data: strict, and every fault told at once."""

import shutil
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import PolicyError
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE


@pytest.fixture
def notice(tmp_path: Path) -> Path:
    return Path(shutil.copytree(NOTICE, tmp_path / "notice"))


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_policy_holds_together_and_has_a_stable_version() -> None:
    assert load_policy(NOTICE).version == load_policy(NOTICE).version


def test_a_changed_number_changes_the_version(notice: Path) -> None:
    edit(notice, "purposes.toml", "contract_tail_months = { value = 12", "contract_tail_months = { value = 13")
    assert load_policy(notice).version != load_policy(NOTICE).version


def test_a_comment_changes_nothing(notice: Path) -> None:
    edit(notice, "purposes.toml", "[periods]", "# said in other words\n[periods]")
    assert load_policy(notice).version == load_policy(NOTICE).version


def test_every_fault_is_listed_at_once(notice: Path) -> None:
    edit(notice, "purposes.toml", "contract_tail_months = { value = 12", "contract_tail_months = { value = -1")
    edit(notice, "release.toml", "k = 10", 'k = "ten"')
    edit(notice, "sources.toml", 'class = "direct_identifier"', 'colour = "red"')
    with pytest.raises(PolicyError) as caught:
        load_policy(notice)
    text = str(caught.value)
    assert all(name in text for name in ("contract_tail_months", "thresholds.k", "customers.columns.name", "colour"))


@pytest.mark.parametrize(("file", "old", "new", "said"), [
    ("purposes.toml", 'source = "CON-4"', 'source = "CON-99"', "unknown clause CON-99"),
    ("purposes.toml", "cookie_months", "cake_months", "unknown period cookie_months"),
    ("purposes.toml", "valid_from", "valid_form", "valid_form"),
    ("sources.toml", 'gender = { type = "text", class = "quasi_identifier" }', 'gender = { type = "text" }', "gender"),
    ("actions.toml", 'phone = { action = "erase" }', "", "phone"),
    ("release.toml", "k = 10", "k = 4", "never below"),
    ("release.toml", 'table = "customers_microdata"', 'table = "customers"', "which is not a published table"),
    ("purposes.toml", 'unpaid = { source = "CON-6"', 'unpaid = { source = "CON-96"', "reasons.unpaid.source .* CON-96"),
    ("purposes.toml", "unpaid = { source", 'unpaid = { period = "log_months", source', "name a period, or a clause"),
    ("purposes.toml", '{ period = "limitation_months" }', '{ period = "cake_months" }',
     "reasons.limitation_period.period names the unknown period cake_months"),
    ("review.toml", "longest_months = { value = 24", "longest_months = { value = 0", "nobody could place a hold"),
    ("review.toml", 'source = "RGT-3"', 'source = "RGT-99"', "unknown clause RGT-99"),
    ("review.toml", "longest_months", "longest_years", "holds.longest_months: Field required"),
])
def test_a_fault_names_its_place(notice: Path, file: str, old: str, new: str, said: str) -> None:
    edit(notice, file, old, new)
    with pytest.raises(PolicyError, match=said):
        load_policy(notice)


def test_a_missing_file_is_told(notice: Path) -> None:
    (notice / "actions.toml").unlink()
    with pytest.raises(PolicyError, match=r"actions\.toml: missing"):
        load_policy(notice)
