"""customers_microdata: who is in it, when it is made, what stays, and that every guarantee stops a spoilt one."""

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.disclosure.guarantees import OF_MICRODATA
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release import GuaranteeError, microdata, microdata_ledger, plan_release, read_release
from ajprivacy_pipeline.storage.zones import Connection, memory
from tests.pycanon_says import assert_agrees
from tests.release.release_world import World, add, all_but, small_policy, tree, without

ORDERS = (0, 1, 3, 6, 12)
LEFT_OUT = 6
ELSEWHERE = all_but("customers_microdata", "communications_monthly")
FILE = "customers_microdata/2024-03.parquet"


def micro_policy(**updates: Any) -> Policy:
    """Made anew each May; a large control group, and an advantage that three hundred people can be held to."""
    microdata_policy = small_policy().release.microdata
    wanted = {"cadence_month": 5, "control_percent": 30, "advantage_percent": 20, **updates}
    return small_policy(microdata=microdata_policy.model_copy(update=wanted))


def people(count: int = 300) -> dict[str, list[dict[str, Any]]]:
    """Customers of four regions and two genders, whose orders have nothing to do with either."""
    draw = random.Random(5)
    rows: dict[str, list[dict[str, Any]]] = {"customers": [], "orders": [], "order_lines": []}
    for i in range(count):
        rows["customers"].append({"customer_id": f"C{i}", "customer_type": "consumer", "country": "NO",
                                  "postal_code": f"{i % 4}150", "gender": "female" if i % 8 < 4 else "male",
                                  "birth_date": date(1970 if i % 2 else 1990, 5, 5)})
        last = draw.choice((date(2024, 3, 1), date(2023, 11, 1), date(2023, 6, 1), date(2022, 12, 1), date(2021, 1, 1)))
        for n in range(draw.choice(ORDERS)):
            order, day = f"O{i}x{n}", last.replace(day=1 + n)
            rows["orders"].append({"order_id": order, "customer_id": f"C{i}", "ordered_on": day, "currency": "NOK"})
            rows["order_lines"].append({"order_id": order, "line_number": 1, "product_id": "P1", "quantity": 1,
                                        "unit_price": draw.choice((50, 500, 5000))})
    return rows


def shop(home: Path, rows: dict[str, list[dict[str, Any]]] | None = None, **updates: Any) -> World:
    """A shop with six people who must not be in the microdata, each for a reason of their own."""
    sql = home / "sql" if (home / "sql").exists() else None
    world = World(home, micro_policy(**updates), sql=sql, left_out=ELSEWHERE)
    world.settings = replace(world.settings, root_key="5a" * 32)
    for table, values in (rows or people()).items():
        add(world.con, f"staged.{table}", values)
    ids = [f"customer:{row['customer_id']}" for row in (rows or people())["customers"]]
    decided = {"customer:C0": "due", "customer:C1": "hold"}
    add(world.con, "retention.attribute_decisions", [
        {"as_of": date(2024, 4, 1), "subject_id": who, "attribute": attribute, "decision": decision}
        for who in ids for attribute, decision in (("name", "hold" if who == "customer:C1" else "retain"),
                                                   ("age", decided.get(who, "retain")))])
    add(world.con, "retention.freezes", [{"subject_id": "customer:C2", '"freeze"': "restriction"}])
    numbers = dict(world.con.execute("SELECT subject_id, subject_no FROM retention.subjects").fetchall())
    add(world.con, "retention.requests", [
        {"subject_no": numbers["customer:C3"], "stops_marketing": True, "erases": False},
        {"subject_no": numbers["customer:C4"], "stops_marketing": False, "erases": True}])
    world.con.execute("UPDATE staged.customers SET birth_date = DATE '2006-04-01' WHERE customer_id = 'C5'")
    return world


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the release of March, to be copied and left alone."""
    home = tmp_path_factory.mktemp("microdata")
    shop(home).publish("2024-03")
    return home


@pytest.fixture
def later(first: Path, tmp_path: Path) -> World:
    """A home of its own with the release of March."""
    shutil.copytree(first, tmp_path, dirs_exist_ok=True)
    return shop(tmp_path)


def said(world: World, guarantee: str) -> tuple[str, str]:
    found = world.query(f"SELECT verdict, figure FROM release_info WHERE guarantee = '{guarantee}'")
    return str(found[0][0]), str(found[0][1])


def test_the_first_release_has_those_who_may_be_in_it_and_says_what_holds(later: World) -> None:
    assert later.query("SELECT count(*) FROM customers_microdata") == [(300 - LEFT_OUT,)]
    assert later.query("SELECT min(n) >= 10 FROM (SELECT count(*) AS n FROM customers_microdata GROUP BY "
                       "customer_type, postal_region, age_band, gender, industry, tenure_band)") == [(True,)]
    for guarantee in OF_MICRODATA:
        verdict, figure = said(later, guarantee)
        assert verdict == "passed"
        assert figure.startswith("customers_microdata of 2024-03: ")
    assert "classes of people" in said(later, "G2")[1]
    assert later.query("SELECT DISTINCT proven FROM release_info") == [(True,)]


def test_pycanon_agrees_on_what_is_published(later: World) -> None:
    con = memory()
    con.execute(f"ATTACH '{later.analytics}' AS analytics (READ_ONLY)")
    assert_agrees(con, "analytics.published.customers_microdata", later.policy)


@pytest.mark.soak
def test_the_policy_may_ask_for_one_level_a_column(tmp_path: Path) -> None:
    world = shop(tmp_path, recoding="full_domain")
    assert world.publish("2024-03").proven
    listed = world.policy.quasi_identifiers
    for name in listed:
        levels = {leaf.path.index(value) if value in leaf.path else "*" for leaf in listed[name]
                  for (value,) in world.query(f"SELECT DISTINCT {name} FROM customers_microdata")
                  if value in leaf.path or value == "*"}
        assert len(levels) == 1, name
    con = memory()
    con.execute(f"ATTACH '{world.analytics}' AS analytics (READ_ONLY)")
    assert_agrees(con, "analytics.published.customers_microdata", world.policy)


def test_who_is_left_out_still_counts_as_somebody_to_be_found(tmp_path: Path) -> None:
    world = shop(tmp_path)
    world.con.execute("UPDATE staged.customers SET birth_date = NULL WHERE customer_id = 'C20'")
    world.compute()
    unknown = world.con.execute("SELECT is_included, tenure_band FROM anonymous.microdata_people "
                                "WHERE age_band = 'unknown'").fetchall()
    assert unknown == [(True, "unknown")]
    left = world.con.execute("SELECT count(*) FROM anonymous.microdata_people WHERE NOT is_included").fetchall()
    assert left == [(LEFT_OUT,)]
    assert world.con.execute("SELECT count(*) FROM anonymous.microdata_people").fetchall() == [(300,)]


def test_no_token_leaves_the_restricted_zone_or_stays_in_the_run(later: World) -> None:
    names = {row[0] for row in later.con.execute("SELECT column_name FROM duckdb_columns()").fetchall()}
    assert "control_group" not in names
    ledger = (later.settings.restricted / "microdata.duckdb").read_bytes()
    assert b"members" not in ledger, "encrypted"


def test_the_next_months_repeat_it_byte_for_byte(later: World) -> None:
    before = tree(later.settings.published / "releases" / "2024-03")[FILE]
    figures = [said(later, guarantee) for guarantee in OF_MICRODATA]
    later.con.execute("UPDATE staged.customers SET gender = NULL")
    later.publish("2024-04")
    for table in ("microdata_people", "microdata_figures", "microdata"):
        assert later.con.execute(f"SELECT count(*) FROM anonymous.{table}").fetchall() == [(0,)], "computed in vain"
    after = tree(later.settings.published / "releases" / "2024-04")
    assert {path: data for path, data in after.items() if path.startswith("customers_microdata/")} == {FILE: before}
    assert [said(later, guarantee) for guarantee in OF_MICRODATA] == figures
    for guarantee, figure in (("G2", "classes of people in customers_microdata of 2024-03: k = 10"),
                              ("G15", "customers_microdata of 2024-03 leaves out 0 % of its rows")):
        assert figure in said(later, guarantee)[1], "what was found then, and when"
    assert later.query("SELECT DISTINCT proven FROM release_info") == [(True,)]


@pytest.mark.soak
def test_in_the_cadence_month_it_is_made_anew(later: World) -> None:
    later.policy = without(micro_policy(coarsen_up_to=16), ELSEWHERE)
    later.publish("2024-05")
    paths = {path for path in tree(later.settings.published / "releases" / "2024-05") if "microdata" in path}
    assert paths == {"customers_microdata/2024-05.parquet"}
    assert "the fewest people who share a class" in said(later, "G8")[1]


def test_facts_of_a_release_that_repeats_it_are_refused_where_it_is_made_anew(later: World) -> None:
    """The months before the plan have changed since the cells were made: none is not taken for too few."""
    later.publish("2024-04")
    plan = plan_release(later.control, later.policy, "2024-05")
    with pytest.raises(ReleaseError, match="the cells were made for a release that repeats customers_microdata"):
        microdata.build_or_carry_over(later.con, later.settings, later.policy, plan, read_release(later.settings),
                                      later.sql)


def test_where_people_could_be_followed_the_earlier_one_stays_and_the_page_says_so(later: World) -> None:
    before = tree(later.settings.published / "releases" / "2024-03")[FILE]
    later.con.execute("UPDATE staged.customers SET gender = CASE WHEN gender = 'male' THEN 'female' ELSE 'male' END, "
                      "birth_date = CASE WHEN postal_code < '2' THEN DATE '1990-01-01' ELSE DATE '1970-01-01' END "
                      "WHERE customer_id IN ('C7', 'C8', 'C9', 'C10', 'C11', 'C12', 'C13')")
    later.publish("2024-05")
    assert tree(later.settings.published / "releases" / "2024-05")[FILE] == before
    verdict, figure = said(later, "G8")
    assert verdict == "passed"
    assert figure == ("customers_microdata was due and not made anew, the one of 2024-03 stays: "
                      "fewer than 10 people would share a class in both")


@pytest.mark.soak
def test_without_the_ledger_nothing_new_is_published(later: World) -> None:
    (later.settings.restricted / "microdata.duckdb").unlink()
    later.publish("2024-05")
    assert "nothing says who was in the earlier table" in said(later, "G8")[1]
    assert FILE in tree(later.settings.published / "releases" / "2024-05")


@pytest.mark.soak
def test_the_ledger_forgets_whom_the_warehouse_forgot(later: World) -> None:
    keys = microdata_ledger.key_store(later.settings)
    digest = microdata.earlier_file(read_release(later.settings), "customers_microdata")[1]  # type: ignore[index]
    later.con.execute("DELETE FROM retention.attribute_decisions WHERE subject_id = 'customer:C9'")
    microdata_ledger.make_tokens(later.con, keys, 5)
    found = microdata_ledger.recall(later.con, later.settings, keys, digest)
    assert found is not None
    assert len(found) == 300 - LEFT_OUT - 1
    assert microdata_ledger.recall(later.con, later.settings, keys, "another") is None


def test_too_few_people_for_the_bound_mean_no_table_and_a_reason(tmp_path: Path) -> None:
    world = shop(tmp_path, people(60), advantage_percent=1)
    world.publish("2024-03")
    verdict, reason = said(world, "customers_microdata")
    assert verdict == "absent"
    assert reason.startswith("too few people, or too alike")
    assert said(world, "G7") == ("passed", f"there is no customers_microdata: {reason}")
    assert world.query("SELECT DISTINCT proven FROM release_info") == [(True,)], "nothing of it is published"


@pytest.mark.soak
def test_where_none_could_be_made_it_is_tried_again_in_the_cadence_month_alone(tmp_path: Path) -> None:
    """What comes out as soon as there are enough people says in which month there were, and costs every month."""
    world = shop(tmp_path, people(60), advantage_percent=1)
    world.publish("2024-03")
    world.policy = without(micro_policy(), ELSEWHERE)
    for table, rows in people(300).items():
        add(world.con, f"staged.{table}", [row for row in rows if int(row.get("customer_id", "C0")[1:]) >= 60])
    add(world.con, "retention.attribute_decisions", [
        {"as_of": date(2024, 5, 1), "subject_id": f"customer:C{i}", "attribute": attribute, "decision": "retain"}
        for i in range(60, 300) for attribute in ("name", "age")])
    world.publish("2024-04")
    assert said(world, "customers_microdata") == ("absent", "none could be made so far; it is tried again in May")
    world.publish("2024-05")
    assert "customers_microdata/2024-05.parquet" in tree(world.settings.published / "releases" / "2024-05")


def test_a_value_that_no_hierarchy_covers_is_refused_and_the_previous_release_stays(later: World) -> None:
    """The policy forgot a gender that the model gives: the message has the column and a count, never the value."""
    model = later.sql / "anonymous" / "microdata.sql"
    text = model.read_text(encoding="utf-8")
    assert text.count(" gender,") == 1
    model.write_text(text.replace(" gender,", " gender || 'x' AS gender,"), encoding="utf-8")
    before = tree(later.settings.published)
    with pytest.raises(ReleaseError, match=r"values that no hierarchy or order covers \(gender: \d+ rows\); add them"):
        later.publish("2024-05")
    assert tree(later.settings.published) == before
    assert len(later.control.releases()) == 1


@pytest.mark.soak
def test_the_order_of_rows_changes_nothing(first: Path, tmp_path: Path) -> None:
    rows = people()
    for values in rows.values():
        random.Random(1).shuffle(values)
    world = shop(tmp_path, rows)
    world.con.execute("SET threads = 1")
    world.publish("2024-03")
    path = Path("published") / "releases" / "2024-03"
    assert (tmp_path / path / FILE).read_bytes() == (first / path / FILE).read_bytes()
    assert (tmp_path / path / "manifest.json").read_bytes() == (first / path / "manifest.json").read_bytes()


CLASS = "customer_type, postal_region, age_band, gender, industry, tenure_band"
ONE_CLASS = (f"({CLASS}) = (SELECT ({CLASS}) FROM {microdata.PUBLIC} GROUP BY {CLASS} "
             f"ORDER BY count(*), {CLASS} LIMIT 1)")
OWN_ROW = (f"INSERT INTO {microdata.PUBLIC} VALUES "
           "('consumer', '1', '0-17', 'f', 'unknown', 'unknown', '0', '0', 'never')")
NINE_LEFT = (f"DELETE FROM {microdata.PUBLIC} WHERE rowid IN "
             f"(SELECT rowid FROM {microdata.PUBLIC} WHERE {ONE_CLASS} OFFSET 9)")
MUTATIONS = {
    "a class of nine": (NINE_LEFT, "G2: customers_microdata: 1 classes with fewer than 10 persons"),
    "a homogeneous class": (f"UPDATE {microdata.PUBLIC} SET orders_band = '0' WHERE {ONE_CLASS}",
                            "G3: customers_microdata.orders_band: 1 homogeneous classes"),
    "a class too far": (f"UPDATE {microdata.PUBLIC} SET last_order_band = 'never' WHERE {ONE_CLASS}",
                        "classes farther than t = 0.2"),
    "an over-confident class": (f"UPDATE {microdata.PUBLIC} SET spend_band = '0' WHERE {ONE_CLASS}",
                                "G9: customers_microdata.spend_band: 1 classes in which a value is likelier"),
    "a row of its own": (OWN_ROW, "G7: customers_microdata: 1 people of the source with fewer than 10 rows"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_spoilt_table_stops_the_release(
        first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mutation: str) -> None:
    statement, match = MUTATIONS[mutation]
    world = shop(tmp_path, advantage_percent=50)
    real: Callable[[Connection, Policy], str | None] = microdata.make

    def spoil(con: Connection, policy: Policy) -> str | None:
        assert real(con, policy) is None
        con.execute(statement)
        return None

    world.con.execute("UPDATE staged.customers SET birth_date = DATE '2010-01-01', gender = 'female' "
                      "WHERE customer_id = 'C5'")
    monkeypatch.setattr(microdata, "make", spoil)
    with pytest.raises(GuaranteeError) as failure:
        world.publish("2024-03")
    assert match in "; ".join(f"{v.guarantee}: {text}" for v in failure.value.verdicts for text in v.violations)
    assert not world.analytics.exists()
