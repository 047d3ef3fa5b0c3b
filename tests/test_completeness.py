"""Policy and models lack nothing of each other, no key of the policy is read by nobody, and names are told."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from ajprivacy_pipeline.errors import ModelError, PolicyError
from ajprivacy_pipeline.policy import (
    DecisionPolicy,
    Policy,
    enforcement,
    governance,
    load_policy,
    microdata,
    policy,
    regions,
    release,
    rights,
    sources,
    utility,
)
from ajprivacy_pipeline.policy import retention as policy_retention
from ajprivacy_pipeline.policy.vocabulary import MOST_NAMES, Vocabulary, purpose_sets, subsets, vocabulary_of
from ajprivacy_pipeline.retention.bind import catalogue_of, write_policy
from ajprivacy_pipeline.retention.completeness import holdable_tables, require_complete
from ajprivacy_pipeline.settings import CHECKOUT, NOTICE
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.catalogue import load_catalogue, record_reasons
from ajprivacy_pipeline.storage.zones import memory

POLICY = load_policy(NOTICE)
SHAPES = (policy, policy_retention, sources, governance, regions, release, microdata, utility, enforcement, rights)


def retention(**updates: object) -> DecisionPolicy:
    return POLICY.model_copy(update={"retention": POLICY.retention.model_copy(update=updates)})


def test_the_shipped_policy_and_models_are_complete() -> None:
    assert require_complete(POLICY) == catalogue_of(POLICY)


def _shapes() -> Iterator[type[BaseModel]]:
    for module in SHAPES:
        for shape in vars(module).values():
            if isinstance(shape, type) and issubclass(shape, BaseModel) and shape.__module__ == module.__name__:
                yield shape


def test_every_shape_of_the_policy_is_looked_at() -> None:
    """No module with shapes is left out of the test below."""
    modules = {path.stem for path in (CHECKOUT / "ajprivacy_pipeline" / "policy").glob("*.py")
               if path.stem != "base" and any(f"({base})" in path.read_text(encoding="utf-8")
                                              for base in ("Frozen", "Sound"))}
    assert modules == {module.__name__.rpartition(".")[2] for module in SHAPES}


def test_every_key_of_the_policy_is_read() -> None:
    """A key that nothing reads is a promise that nobody keeps: it must be read or go."""
    shaped = {Path(str(module.__file__)) for module in SHAPES}
    files = [path for folder in ("ajprivacy_pipeline", "assets") for path in (CHECKOUT / folder).rglob("*.py")]
    code = "\n".join(re.sub(r"^    \w+: .*$", "", text, flags=re.MULTILINE) if path in shaped else text
                     for path in files for text in [path.read_text(encoding="utf-8")])
    pages = "".join(path.read_text(encoding="utf-8") for path in (CHECKOUT / "ajprivacy_pipeline").rglob("*.j2"))
    sql = "".join(path.read_text(encoding="utf-8") for path in (CHECKOUT / "sql").rglob("*.sql"))
    read = set(re.findall(r"\.(\w+)", code + pages)) | set(re.findall(r"\$(\w+)", sql))

    assert [f"{shape.__name__}.{key}" for shape in _shapes() for key in shape.model_fields if key not in read] == []


def test_more_names_than_bits_are_refused() -> None:
    """One more purpose than an INTEGER has bits, and one fewer of an attribute than there may be in a set."""
    one = POLICY.retention.purposes["profile"]
    names = [f"p{number}" for number in range(MOST_NAMES + 1)]
    attributes = {f"a{name}": POLICY.retention.attributes["email"].model_copy(update={"purposes": (name,)})
                  for name in names}
    fits = retention(purposes=dict.fromkeys(names[1:], one), attributes={
        name: attribute for name, attribute in attributes.items() if name != "ap0"})
    assert max(purpose.bit for purpose in vocabulary_of(fits).purposes) == 2 ** (MOST_NAMES - 1)
    assert len(purpose_sets(fits)) == MOST_NAMES + 1

    with pytest.raises(PolicyError, match="31 purposes that cover attributes; the models can tell 30 apart at most"):
        vocabulary_of(retention(purposes=dict.fromkeys(names, one), attributes=attributes))
    wide = {"email": POLICY.retention.attributes["email"].model_copy(update={"purposes": tuple(names[1:16])})}
    with pytest.raises(PolicyError, match=r"attributes\.email\.purposes has 15 names; 14 at most"):
        purpose_sets(retention(purposes=dict.fromkeys(names[1:], one), attributes=wide))


def test_sets_are_told_by_their_names() -> None:
    """Every set of the names, against adding up by hand."""
    found = dict(subsets({"b": 1, "a": 2, "c": 4}, "they have"))
    assert found == {
        0: [], 1: ["b"], 2: ["a"], 3: ["a", "b"], 4: ["c"], 5: ["b", "c"], 6: ["a", "c"], 7: ["a", "b", "c"]}
    assert set(record_reasons(CHECKOUT / "sql")) >= {"undelivered", "contract", "not_yet", "until_further_notice"}


def test_the_sets_that_models_read_are_those() -> None:
    """The engine writes them from the names and bits alone; of freezes the order of the bits is not that of names."""
    con = memory()
    write_policy(con, POLICY)
    freezes = {term.name: term.bit for term in vocabulary_of(POLICY).freezes}
    assert list(freezes) != sorted(freezes)
    for table, column, bits in (("freeze_sets", "freezes", freezes),
                                ("reason_sets", "reasons", record_reasons(CHECKOUT / "sql"))):
        found = con.execute(f"SELECT {column}, names FROM policy.{table}").fetchall()
        assert len(found) == 2 ** len(bits)
        assert dict(found) == dict(subsets(bits, "they have"))


@pytest.mark.parametrize(("changed", "said"), [
    (retention(freezes={k: v for k, v in POLICY.retention.freezes.items() if k != "restriction"}),
     "freezes lacks restriction, which the models"),
    (retention(freezes={**POLICY.retention.freezes, "curfew": POLICY.retention.freezes["orphan"]}),
     r"freezes\.curfew: no model"),
    (retention(scopes={**POLICY.retention.scopes, "all": ("contractual_attributes", "other_attributes", "orders")}),
     r"scopes\.all lacks invoices"),
    (retention(scopes={**POLICY.retention.scopes, "contractual": ("products",)}),
     r"scopes\.contractual: no model decides about products"),
    (retention(attributes={k: v for k, v in POLICY.retention.attributes.items() if k != "phone"}),
     r"customers\.phone identifies people and is in no attribute"),
    (retention(purposes={**POLICY.retention.purposes, "profile": POLICY.retention.purposes["profile"].model_copy(
        update={"open_while": ("rain",)})}), r"purposes\.profile\.open_while: .* no column rain"),
    (retention(reasons={k: v for k, v in POLICY.retention.reasons.items() if k != "unpaid"}),
     r"reasons lacks unpaid, which the models of sql/retention give: name its clause"),
    (retention(reasons={**POLICY.retention.reasons, "whim": POLICY.retention.reasons["unpaid"]}),
     r"reasons\.whim: no model of sql/retention gives it"),
    (POLICY.model_copy(update={"actions": {**POLICY.actions, "customers": {
        **POLICY.actions["customers"], "city": POLICY.actions["customers"]["postal_code"]}}}),
     r"customers\.city is generalised, and sql/macros\.sql does not say"),
])
def test_a_gap_is_told_with_its_place(changed: Policy, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        require_complete(changed)


def test_what_a_model_says_it_decides_stands_in_it(tmp_path: Path) -> None:
    (tmp_path / "retention").mkdir()
    (tmp_path / "retention" / "a.sql").write_text(
        "-- model: retention.a\n-- grain: one row\n-- reads:\n-- decides: orders.gift\n-- doc: x\n"
        "SELECT 'orders' AS entity\n")
    with pytest.raises(ModelError, match="decides names gift, which the statement never says"):
        load_catalogue(tmp_path, Vocabulary())


@pytest.mark.parametrize(("text", "said"), [
    ("SELECT {{ freeze.thaw.bit }} AS x", "no attribute 'thaw'"),
    ("SELECT {% for purpose in purposes %} 1", "line 5: Unexpected end of template"),
])
def test_a_text_that_cannot_be_rendered_names_the_model(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "retention").mkdir()
    (tmp_path / "retention" / "a.sql").write_text(
        f"-- model: retention.a\n-- grain: one row\n-- reads:\n-- doc: x\n{text}\n")
    with pytest.raises(ModelError, match=rf"retention\.a: .*{said}"):
        load_catalogue(tmp_path, Vocabulary())


def test_what_may_be_held_is_what_is_decided() -> None:
    assert set(holdable_tables(catalogue_of(POLICY))) == {
        "customers", "contacts", "orders", "invoices", "cases", "communications", "newsletter_subscriptions",
        "rights_requests", "web_events", "app_logs"}


@pytest.mark.parametrize(("key", "said"), [
    ("bookkeeping", "open: the policy's name bookkeeping is used and not known here"),
    ("Kari Nordmann", "open: failed with KeyError"),
])
def test_a_missing_name_is_told_and_a_value_never(key: str, said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught, boundary("open"):
        raise KeyError(key)
    assert "Kari" not in str(caught.value)
