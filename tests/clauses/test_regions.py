"""Regions: what the rules of each country say of codes at their boundaries, and rules that cannot work are refused."""

import pytest

from ajprivacy_pipeline.errors import PolicyError
from ajprivacy_pipeline.policy import load_policy, parse_decision_policy, parse_policy, read_texts
from ajprivacy_pipeline.policy.regions import Regions
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.release.microdata import hierarchies
from ajprivacy_pipeline.settings import NOTICE, sql_folder
from ajprivacy_pipeline.storage.catalogue import macros
from ajprivacy_pipeline.storage.zones import Connection, memory

POLICY = load_policy(NOTICE)
CODES = [
    ("NO", "NO", "0150", "0"), ("NO", "norge ", "9990", "9"), ("NO", None, "7", "7"), ("NO", "NO", "015", "abroad"),
    ("NO", "NO", "01500", "abroad"), ("NO", "SE", "0150", "abroad"), ("NO", "NO", "", "unknown"),
    ("NO", None, None, "unknown"), ("NO", "NO", "٠١٥٠", "abroad"),
    ("SE", "Sverige", "111 22", "1"), ("SE", "SE", "98137", "9"), ("SE", "SE", "1112", "abroad"),
    ("SE", "SE", "01122", "abroad"), ("SE", "NO", "11122", "abroad"),
    ("DE", "Deutschland", "01067", "0"), ("DE", None, "99999", "9"), ("DE", "DE", "1067", "abroad"),
    ("DK", "DK", "2100", "1-2"), ("DK", "DK", "3900", "abroad"), ("FI", "FI", "00100", "0-1"),
    ("NL", "NL", "1012 ab", "1"), ("NL", "NL", "0012", "abroad"),
    ("GB", "uk", "SW1A 2AA", "London"), ("GB", "GB", "s1 1aa", "Yorkshire"), ("GB", "GB", "SA1 1AA", "Wales"),
    ("GB", "GB", "N1", "London"), ("GB", "GB", "BT1 5GS", "Northern Ireland"), ("GB", "GB", "JE2 3AB", "abroad"),
    ("GB", "GB", "BX1 1LT", "abroad"), ("GB", "GB", "S", "abroad"), ("GB", "NO", "S1 1AA", "abroad"),
]


@pytest.fixture(scope="module")
def con() -> Connection:
    found = memory()
    found.execute(macros(sql_folder(), vocabulary_of(POLICY)))
    return found


def at_home(home: str) -> Regions:
    return POLICY.regions.model_copy(update={"home": home})


@pytest.mark.parametrize(("home", "country", "code", "expected"), CODES)
def test_the_region_of_a_code(con: Connection, home: str, country: str | None, code: str | None, expected: str) -> None:
    found = con.execute("SELECT region_of($country, $code, $home_spellings, $postal_pattern, $region_width, "
                        "$region_starts, $region_labels, 'unknown', 'abroad')",
                        {**at_home(home).values(), "country": country, "code": code}).fetchall()
    assert found == [(expected,)]


@pytest.mark.parametrize("home", sorted(POLICY.regions.countries))
def test_the_hierarchy_of_microdata_has_every_value_that_the_rule_gives(home: str) -> None:
    """Every label that a model may give is a finest value of the hierarchy, and nothing else but abroad and unknown."""
    policy = POLICY.model_copy(update={"regions": at_home(home)})
    tree = next(tree for tree in hierarchies(policy) if tree.column == "postal_region")
    assert set(tree.leaves) == {*map(str, policy.regions.values()["region_labels"]), "abroad", "unknown"}  # type: ignore[call-overload]
    assert len(tree.leaves) > 4


def test_norway_is_what_the_specification_says() -> None:
    assert POLICY.regions.home == "NO"
    assert [region.path[0] for region in POLICY.regions.own.regions] == list("0123456789")
    assert all(region.starts == (region.path[0],) for region in POLICY.regions.own.regions)


def refused(change: dict[str, str]) -> str:
    texts = read_texts(NOTICE)
    for old, new in change.items():
        assert texts["regions.toml"].count(old) == 1, old
        texts["regions.toml"] = texts["regions.toml"].replace(old, new)
    with pytest.raises(PolicyError) as failure:
        parse_policy(texts)
    return "; ".join(failure.value.faults)


@pytest.mark.parametrize(("old", "new", "message"), [
    ('home = "NO"', 'home = "XX"', "home is XX, and countries has no rule for it"),
    ('path = ["9", "8-9", "0-9"], starts = ["9"] },\n]\n\n[countries.SE]',
     'path = ["9", "8-9", "0-9"], starts = ["8"] },\n]\n\n[countries.SE]', "8 stands in two regions"),
    ('starts = ["BT"]', 'starts = ["BTX"]', "one or two characters"),
    ('starts = ["BT"]', 'starts = ["bt"]', "in capital letters"),
    ('code = "[0-9]{4}|[0-9]"', 'code = "[0-9"', "is not a valid pattern"),
    ('path = ["Scotland", "Scotland", "Scotland"]', 'path = ["Wales", "Wales", "Wales"]', "a region stands twice"),
    ('path = ["Scotland", "Scotland", "Scotland"]', 'path = ["Scotland", "Scotland"]', "not of the same length"),
    ('path = ["Scotland", "Scotland", "Scotland"]', 'path = ["abroad", "abroad", "abroad"]', "means something else"),
    ('path = ["North East", "northern England", "England"]', 'path = ["North East", "northern England", "Britain"]',
     "northern England is generalised to Britain and to England"),
])
def test_a_rule_that_cannot_work_is_refused(old: str, new: str, message: str) -> None:
    assert message in refused({old: new})


def test_a_hierarchy_of_regions_stands_once() -> None:
    texts = read_texts(NOTICE)
    texts["release.toml"] = texts["release.toml"].replace(
        "[microdata.quasi_identifiers]\n", '[microdata.quasi_identifiers]\npostal_region = [{ path = ["0"] }]\n')
    with pytest.raises(PolicyError, match=r"its values are those of regions\.toml"):
        parse_policy(texts)


def test_a_policy_from_before_there_were_regions_still_decides() -> None:
    texts = read_texts(NOTICE)
    del texts["regions.toml"]
    assert parse_decision_policy(texts).version != POLICY.version
