"""The clauses that the policy itself carries out, and the list of clauses held to the truth."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import PolicyError
from ajprivacy_pipeline.policy import Clause, load_policy, parse_policy, read_texts
from ajprivacy_pipeline.settings import NOTICE

ROOT = Path(__file__).resolve().parent.parent.parent
POLICY = load_policy(NOTICE)


def faults(**changes: tuple[str, str]) -> str:
    """What is wrong with the policy after a replacement in one of its files."""
    texts = read_texts(NOTICE)
    for file, (old, new) in changes.items():
        assert old in texts[f"{file}.toml"]
        texts[f"{file}.toml"] = texts[f"{file}.toml"].replace(old, new, 1)
    with pytest.raises(PolicyError) as error:
        parse_policy(texts)
    return str(error.value)


def names_of_tests(path: Path) -> set[str]:
    """The tests a file holds, read and not run."""
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize("name", [name for name, clause in POLICY.clauses.items() if clause.state == "executed"])
def test_what_is_executed_has_a_test_of_its_name(name: str) -> None:
    """The test exists where the policy says, and carries the clause's id."""
    path, _, test = str(POLICY.clauses[name].test).partition("::")

    assert test in names_of_tests(ROOT / path)
    assert test.startswith(f"test_{name.lower().replace('-', '_')}_")


def test_every_clause_test_is_named_by_its_clause() -> None:
    """A proof nobody points to is a clause somebody forgot to list."""
    listed = {str(clause.test).partition("::")[2] for clause in POLICY.clauses.values() if clause.test}
    ids = tuple(f"test_{name.lower().replace('-', '_')}_" for name in POLICY.clauses)
    found = {name for path in (ROOT / "tests" / "clauses").glob("test_*.py") for name in names_of_tests(path)}

    assert {name for name in found if name.startswith(ids)} == listed


def test_an_executed_clause_without_a_test_is_refused() -> None:
    """And one with a test that is not executed."""
    assert "CON-3: what is executed names the test" in faults(
        clauses=(f'test = "{POLICY.clauses["CON-3"].test}"\n', ""))
    assert "IMP-5: what is executed names the test" in faults(
        clauses=('[IMP-5]\nstate = "documented"', '[IMP-5]\nstate = "documented"\ntest = "tests/x.py::test_y"'))
    assert Clause.model_fields["test"].default is None


def test_bas_1_every_purpose_has_a_legal_basis() -> None:
    """One of the law's; without one, or with another word, nothing loads."""
    assert "legal_basis: Field required" in faults(purposes=('legal_basis = "consent"\n', ""))
    assert "legal_basis: Input should be" in faults(purposes=('legal_basis = "consent"', 'legal_basis = "because"'))
    bases = {name: purpose.legal_basis for name, purpose in POLICY.retention.purposes.items()}
    named = {"contract": ("contract", "profile", "identification"), "consent": ("campaigns",),
             "legitimate_interest": ("newsletter", "individualisation", "improvement")}  # by the notice, in these words
    assert {basis: tuple(name for name in names if bases[name] == basis) for basis, names in named.items()} == named


def test_dat_1_the_contract_names_what_customers_give() -> None:
    """Name, e-mail, phone and address may be read, and each is marked as identifying."""
    columns = POLICY.sources.tables["customers"].columns
    assert {"name", "email", "phone", "street_address"} <= set(columns)
    assert all(columns[name].class_ in POLICY.sources.identifying_classes
               for name in ("name", "email", "phone", "street_address"))


def test_con_1_contract_covers_what_the_notice_lists() -> None:
    """Name, e-mail, address, phone of a consumer; the payment reference goes with the order."""
    covered = {name for name, attribute in POLICY.retention.attributes.items() if "contract" in attribute.purposes}
    assert {"name", "email", "address", "phone"} <= covered
    assert not covered & {"age", "gender", "preferences", "username", "national_identity_number"}
    assert POLICY.actions["orders"]["payment_reference"].part == "delivery"


def test_ind_1_individual_offers_cover_what_the_notice_lists() -> None:
    """Name, user name, contact details, age, gender, address, preferences; never the identity number."""
    covered = {name for name, attribute in POLICY.retention.attributes.items()
               if "individualisation" in attribute.purposes}
    assert {"name", "username", "email", "phone", "age", "gender", "address", "preferences"} <= covered
    assert "national_identity_number" not in covered


def test_eea_1_a_recipient_outside_the_eea_needs_safeguards() -> None:
    """Refused without them; shown with them."""
    assert "US lies outside the EEA" in faults(
        recipients=('countries = ["NO", "SE", "IE"]', 'countries = ["NO", "US"]'))
    texts = read_texts(NOTICE)
    texts["recipients.toml"] = texts["recipients.toml"].replace(
        'countries = ["NO", "SE", "IE"]', 'countries = ["NO", "US"]\nsafeguards = "standard contractual clauses"', 1)
    assert parse_policy(texts).recipients["marketing"].safeguards == "standard contractual clauses"
