"""The attacks of G7, G8 and G9: what they find by hand, what brute force finds, and that each mutation is caught."""

import itertools
import random

import pytest

from ajprivacy_pipeline.disclosure.microdata import attacks
from ajprivacy_pipeline.disclosure.microdata.attacks import (
    check_advantage,
    check_gain,
    check_linkability,
    check_linkage,
    guess,
    upper_bound,
)
from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import ANY, Hierarchy, hierarchy
from ajprivacy_pipeline.disclosure.microdata.recode.local import local
from ajprivacy_pipeline.disclosure.microdata.recode.rules import Sensitive
from ajprivacy_pipeline.disclosure.microdata.recode.tuples import collect
from ajprivacy_pipeline.storage.zones import Connection, memory

REGION = hierarchy("region", [("a", "north"), ("b", "north"), ("c", "south"), ("d", "south")])
SEX = hierarchy("sex", [("f",), ("m",)])
TREES = (REGION, SEX)
BAND = Sensitive("band", 2, 1.0, 1.0, ("low", "middle", "high"), 0.4)
K = 5


def world(rows: list[tuple[str, str, str]], people: list[tuple[str, str, bool]]) -> Connection:
    """The published rows, and everybody of the source."""
    con = memory()
    con.execute("CREATE TABLE shown (region VARCHAR, sex VARCHAR, band VARCHAR)")
    con.execute("CREATE TABLE source (region VARCHAR, sex VARCHAR, is_included BOOLEAN)")
    con.executemany("INSERT INTO shown VALUES (?, ?, ?)", rows)
    con.executemany("INSERT INTO source VALUES (?, ?, ?)", people)
    return con


def sound() -> tuple[list[tuple[str, str, str]], list[tuple[str, str, bool]]]:
    """Ten people of the north in a class, six of the south, and one of the south who has no row."""
    bands = itertools.cycle(("low", "middle", "high"))
    rows = [("north", ANY, next(bands)) for _ in range(10)] + [("south", "f", next(bands)) for _ in range(6)]
    people = [("a", "f", True)] * 5 + [("b", "m", True)] * 5 + [("c", "f", True)] * 6 + [("d", "f", False)]
    return rows, people


def linkage(con: Connection) -> attacks.Verdict:
    return check_linkage(con, "shown", "shown", "source", TREES, K)


def test_linkage_of_a_sound_table_has_its_risks() -> None:
    found = linkage(world(*sound()))
    assert found.passed
    assert found.figures == {"linkage_risk_max_ppm": 166667, "linkage_risk_min_ppm": 100000,
                             "linkage_risk_mean_ppm": round(1e6 * (10 / 10 + 7 / 6) / 17)}
    assert "at most 0.1667" in found.figure


def test_a_class_of_one_too_few_is_found() -> None:
    rows, people = sound()
    found = linkage(world([row for row in rows if row[0] == "north"] + rows[10:14], people))
    assert not found.passed
    assert any("7 people of the source with fewer than 5 rows" in text for text in found.violations)
    assert any("6 people with a row of their own and fewer than 5" in text for text in found.violations)


def test_a_unique_row_is_found_by_somebody_who_has_none() -> None:
    rows, people = sound()
    found = linkage(world([*rows, ("d", "m", "low")], [*people, ("d", "m", False)]))
    assert any("1 people of the source with fewer than 5 rows that may be theirs" in text for text in found.violations)
    assert any("1 rows more or fewer" in text for text in found.violations)


def test_a_row_that_fits_nobody_is_found() -> None:
    rows, people = sound()
    found = linkage(world([*rows, *[("d", "m", "low")] * K], people))
    assert any("1 classes that nobody of the source fits" in text for text in found.violations)


@pytest.mark.parametrize("seed", range(6))
def test_pairs_equal_brute_force(seed: int) -> None:
    """Containment, by walking every label of every value."""
    draw = random.Random(seed)
    labels = {tree.column: sorted({label for level in tree.labels for label in level}) for tree in TREES}
    rows = [(draw.choice(labels["region"]), draw.choice(labels["sex"]), "low") for _ in range(40)]
    people = [(draw.choice(REGION.leaves), draw.choice(SEX.leaves), True) for _ in range(30)]
    con = world(rows, people)
    attacks.compatible(con, "shown", "source", TREES)
    found = dict(con.execute("SELECT t.region || t.sex, sum(p.persons) FROM attack_tuples AS t "
                             "JOIN attack_pairs AS p USING (tuple) GROUP BY ALL").fetchall())
    expected = {}
    for region, sex, _ in people:
        n = sum(region in below(REGION, row[0]) and sex in below(SEX, row[1]) for row in rows)
        if n:
            expected[region + sex] = n
    assert found == expected
    attacks.forget(con)


def below(tree: Hierarchy, label: str) -> set[str]:
    """The finest values that a published value may mean."""
    return {leaf for code, leaf in enumerate(tree.leaves) for level in range(tree.depth)
            if tree.labels[level][tree.levels[level, code]] == label}


def members(con: Connection, name: str, classes: list[int]) -> None:
    con.execute(f"CREATE TABLE {name} (token UBIGINT, class BIGINT)")
    con.executemany(f"INSERT INTO {name} VALUES (?, ?)", list(enumerate(classes)))


def test_the_same_classes_twice_cannot_be_linked_and_shifted_ones_can() -> None:
    con = memory()
    members(con, "now", [1] * 10 + [2] * 10)
    members(con, "before", [1] * 10 + [2] * 10)
    members(con, "shifted", [1] * 13 + [2] * 7)
    assert check_linkability(con, "shown", "now", "before", 10).passed
    found = check_linkability(con, "shown", "now", "shifted", 10)
    assert found.violations == ("shown: 2 groups of fewer than 10 people share a class in both tables",)
    assert found.figures == {"linkability_groups": 3, "linkability_least": 3}


def test_leavers_and_newcomers_are_not_shared() -> None:
    con = memory()
    members(con, "now", [1] * 12)
    con.execute("CREATE TABLE before AS SELECT token + 2 AS token, class FROM now")
    assert check_linkability(con, "shown", "now", "before", 10).figures["linkability_least"] == 10
    con.execute("UPDATE before SET token = token + 100")
    assert check_linkability(con, "shown", "now", "before", 10).figure.startswith("nobody")


def test_an_over_confident_class_is_found() -> None:
    rows, people = sound()
    assert check_gain(world(rows, people), "shown", "shown", TREES, [BAND]).passed
    certain = [(region, sex, "high" if region == "south" else band) for region, sex, band in rows]
    found = check_gain(world(certain, people), "shown", "shown", TREES, [BAND])
    assert found.violations == ("shown.band: 1 classes in which a value is likelier by more than 0.4",)
    assert found.figure.endswith("band 0.44")


def learnt(k: int, people: int = 400) -> attacks.Verdict:
    """The advantage over a control group that a recoding of noise with classes of k gives."""
    draw = random.Random(3)
    trees = (hierarchy("cell", [(f"{i:03d}", f"{i // 10}") for i in range(people // 2)]),)
    con = memory()
    con.execute("CREATE TABLE whole (person BIGINT, cell VARCHAR, band VARCHAR)")
    con.executemany("INSERT INTO whole VALUES (?, ?, ?)", [
        (i, f"{draw.randrange(people // 2):03d}", draw.choice(BAND.order)) for i in range(people)])
    con.execute("CREATE TABLE control AS SELECT * FROM whole WHERE person % 4 = 0")
    con.execute("CREATE TABLE others AS SELECT * FROM whole WHERE person % 4 <> 0")
    for name, source in (("inside", "whole"), ("outside", "others")):
        recoding = local(collect(con, source, trees), k)
        recoding.store(con, f"map_{name}", temporary=True)
        con.execute(f"CREATE TABLE table_{name} AS {recoding.recoded(source, f'map_{name}', ('band',))}")
        guess(con, f"table_{name}", "control", trees, [BAND], name)
    return check_advantage(con, "shown", "inside", "outside", [BAND], 0.05)


def test_a_table_that_remembers_people_gives_an_advantage_and_one_that_does_not_gives_none() -> None:
    found = learnt(1)
    assert found.violations
    assert found.violations[0].startswith("shown.band: by up to 0.")
    assert learnt(300).passed


def test_the_bound_never_takes_few_people_for_certainty() -> None:
    assert upper_bound(0, 0, 0) == 1
    assert upper_bound(10, 0, 0) > 0.05
    assert upper_bound(1000, 0, 0) < 0.05
    assert upper_bound(1000, 100, 20) > 0.08
    assert upper_bound(1000, 20, 100) < 0
