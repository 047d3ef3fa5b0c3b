"""sales_counts: every cell has a number, none is told too closely beside the exact tables, and each gate can fail."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ajprivacy_pipeline.disclosure.cells.rounded_audit import told_too_closely
from ajprivacy_pipeline.disclosure.cells.rounded_check import Judged, check_rounded
from ajprivacy_pipeline.disclosure.cells.rounded_counts import BesideExact, read_periods
from ajprivacy_pipeline.policy.release_consistency import release_faults
from ajprivacy_pipeline.release import ReleaseRequest, gates, tables
from ajprivacy_pipeline.release.plan import plan_release
from ajprivacy_pipeline.release.rounded import round_until_safe
from ajprivacy_pipeline.storage.keystore import KeyStore
from tests.release.ordinary_shop import rows_of
from tests.release.release_world import World, add, all_but, fill, shop_rows, small_policy, small_sql, tree
from tests.release.test_reissue import buy

TABLE = "sales_counts"
RELATION = "temp.public_sales_counts"
ELSEWHERE = all_but("sales_monthly", TABLE)
K = 10
KEY = b"a key of the home"


def shop(home: Path, seed: int = 1) -> World:
    """Fifteen hundred customers, four categories, three months."""
    world = World(home, small_policy(), left_out=ELSEWHERE)
    rows = rows_of(1500, seed=seed)
    rows["products"] = [{"product_id": f"P{i}", "category": f"things {i}"} for i in range(4)]
    for i, line in enumerate(rows["order_lines"]):
        line["product_id"] = f"P{(i * i) % 7 % 4}"
    codes = {row["customer_id"]: row["postal_code"] for row in rows["customers"]}
    for order in rows["orders"]:
        order["delivery_postal_code"] = codes[order["customer_id"]]
    for table, values in rows.items():
        add(world.con, f"staged.{table}", values)
    return world


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, dict[str, str]]:
    """A shop with its exact public tables, and its counts rounded beside them."""
    world = shop(tmp_path_factory.mktemp("counts"))
    plan = plan_release(world.control, world.policy, "2024-03")
    tables.run_layers(world.con, world.policy, plan, world.sql)
    public = tables.make_public(world.con, world.policy)
    gates.suppress_until_proven(world.con, world.policy, public, {}, set(),
                                gates.suppress_more(world.con, world.policy, public))
    return world, public


@pytest.fixture
def rounded(made: tuple[World, dict[str, str]]) -> Callable[[], Judged]:
    """The counts, rounded anew for each test, and their check as they stand."""
    world, public = made
    asked = world.policy.release.tables[TABLE].rounded
    assert asked is not None
    round_until_safe(world.con, world.policy, TABLE, asked, public, KEY)
    months = [row[0] for row in world.con.execute(f"SELECT DISTINCT month FROM {RELATION} ORDER BY 1").fetchall()]
    assert months
    return lambda: check_rounded(world.con, world.policy, TABLE, RELATION,
                                 BesideExact(world.con, world.policy, "sales_monthly", public), months)


def test_every_cell_has_a_number_and_totals_are_the_sums_of_rounded_cells(
        made: tuple[World, dict[str, str]], rounded: Callable[[], Judged]) -> None:
    con = made[0].con
    found = rounded()
    assert (found.threshold, found.presence, found.sums(TABLE)) == ([], [], [])
    rows = con.execute(f"SELECT month, product_category, postal_region, customer_type, customers FROM {RELATION}")
    cells = {row[:4]: row[4] for row in rows.fetchall()}
    facts = con.execute("SELECT month, product_category, postal_region, customer_type, customers "
                        "FROM published.sales_counts")
    true = {row[:4]: row[4] for row in facts.fetchall()}
    finest = {key: count for key, count in cells.items() if "(all)" not in key}
    assert finest.keys() == true.keys()
    assert all(count % K == 0 and abs(count - true[key]) < 2 * K for key, count in finest.items())
    assert any(0 < count < K for count in true.values())
    for (month, *named), count in cells.items():
        parts = [c for key, c in finest.items() if key[0] == month
                 and all(n in (v, "(all)") for n, v in zip(named, key[1:], strict=True))]
        assert count == sum(parts)


def test_the_same_facts_give_the_same_counts(made: tuple[World, dict[str, str]], rounded: Callable[[], Judged]) -> None:
    world, public = made
    before = world.con.execute(f"SELECT * FROM {RELATION} ORDER BY ALL").fetchall()
    world.con.execute("CREATE OR REPLACE TABLE published.sales_counts AS SELECT * FROM published.sales_counts "
                      "ORDER BY hash(sales_counts)")
    asked = world.policy.release.tables[TABLE].rounded
    assert asked is not None
    round_until_safe(world.con, world.policy, TABLE, asked, public, KEY)
    assert world.con.execute(f"SELECT * FROM {RELATION} ORDER BY ALL").fetchall() == before


def test_other_keys_give_other_counts_of_the_same_facts(made: tuple[World, dict[str, str]],
                                                        rounded: Callable[[], Judged]) -> None:
    """Else who has all figures but a hidden one would try each number for it, round, and see which gives the table."""
    world, public = made
    asked = world.policy.release.tables[TABLE].rounded
    assert asked is not None
    found = [world.con.execute(f"SELECT * FROM {RELATION} ORDER BY ALL").fetchall()]
    for key in (*(bytes([number]) for number in range(3)), KEY):
        round_until_safe(world.con, world.policy, TABLE, asked, public, key)
        found.append(world.con.execute(f"SELECT * FROM {RELATION} ORDER BY ALL").fetchall())
    assert found[-1] == found[0]
    assert len({str(one) for one in found}) > 1


def test_the_draws_tell_nothing_without_the_key(made: tuple[World, dict[str, str]]) -> None:
    """Of every period they are others, and none is the hash of the figures alone."""
    world, _ = made
    asked = world.policy.release.tables[TABLE].rounded
    assert asked is not None
    digests = [[one.digest for one in read_periods(world.con, world.policy, TABLE, asked, key)]
               for key in (KEY, KEY, b"another key", b"")]
    assert digests[0] == digests[1]
    assert len({one for found in digests for one in found}) == 3 * len(digests[0]) > 3
    assert KEY.decode() not in repr(next(iter(read_periods(world.con, world.policy, TABLE, asked, KEY))))
    assert digests[0][0] not in repr(next(iter(read_periods(world.con, world.policy, TABLE, asked, KEY))))


def test_a_true_small_count_is_refused(made: tuple[World, dict[str, str]], rounded: Callable[[], Judged]) -> None:
    made[0].con.execute(f"UPDATE {RELATION} SET customers = 3 WHERE customers = 10")
    assert any("no multiple" in line for line in rounded().threshold)


def test_a_total_that_is_no_sum_is_refused(made: tuple[World, dict[str, str]], rounded: Callable[[], Judged]) -> None:
    made[0].con.execute(f"UPDATE {RELATION} SET customers = customers + 10 WHERE product_category = '(all)' "
                        "AND postal_region = '(all)' AND customer_type = '(all)'")
    assert any("not the sums" in line for line in rounded().threshold)


def test_a_count_that_was_not_rounded_to_one_beside_it_is_refused(
        made: tuple[World, dict[str, str]], rounded: Callable[[], Judged]) -> None:
    made[0].con.execute(f"UPDATE {RELATION} SET customers = customers + 100 WHERE customer_type = 'consumer'")
    assert any("further from the true ones" in line for line in rounded().threshold)


def test_a_cell_that_is_left_out_is_refused(made: tuple[World, dict[str, str]], rounded: Callable[[], Judged]) -> None:
    made[0].con.execute(f"DELETE FROM {RELATION} WHERE customers = 0 AND product_category <> '(all)' "
                        "AND postal_region <> '(all)' AND customer_type <> '(all)'")
    assert any("not listed" in line for line in rounded().presence)


def test_a_description_of_few_people_is_refused(made: tuple[World, dict[str, str]],
                                                rounded: Callable[[], Judged]) -> None:
    con = made[0].con
    con.execute(f"UPDATE {RELATION} SET postal_region = '4' WHERE postal_region = '5'")
    assert any("fewer than 10 customers of the register" in line for line in rounded().presence)


def test_a_small_count_that_an_exact_total_tells_is_refused(
        made: tuple[World, dict[str, str]], rounded: Callable[[], Judged]) -> None:
    """Were a total of fewer than nine customers shown, its parts could be no more than that."""
    world, _ = made
    same = " AND ".join(f"p.{d} = c.{d}" for d in ("month", "product_category", "postal_region", "customer_type"))
    world.con.execute("CREATE OR REPLACE TEMP TABLE kept AS SELECT * FROM temp.public_sales_monthly")
    world.con.execute("UPDATE temp.public_sales_monthly AS p SET customers = c.customers, suppressed = false "
                      f"FROM published.sales_monthly AS c WHERE {same} AND c.customers < 9")
    assert any("small counts can be told" in line for line in rounded().sums(TABLE))
    world.con.execute("CREATE OR REPLACE TEMP TABLE public_sales_monthly AS SELECT * FROM kept")


def test_rounded_counts_that_tell_the_orders_of_few_are_refused(
        made: tuple[World, dict[str, str]], rounded: Callable[[], Judged]) -> None:
    """Were customers told as they are, orders that are suppressed could be no fewer: too little room is left."""
    world, public = made
    found, exact = rounded(), BesideExact(world.con, world.policy, "sales_monthly", public)
    told = list[str]()
    for month in found.told:
        beside = exact.of(month)
        counted = {key: (true, true) for key, (true, _) in found.counts[month].items()}
        told += [measure for measure, _ in told_too_closely(world.policy, beside, counted, 1, "customers").others]
    assert "orders" in told


def counts_of(world: World) -> dict[str, bytes]:
    """The files of rounded counts of the newest release."""
    folder = world.settings.published / "releases" / world.control.releases()[-1]["month"]
    return {name: content for name, content in tree(folder).items() if name.startswith(f"{TABLE}/")}


@pytest.mark.soak
def test_each_home_rounds_by_its_own_key_and_publishes_the_same_exact_tables(tmp_path: Path) -> None:
    """With the same root key the counts are the same, too, also where it was rotated meanwhile."""
    found = []
    for name, key in (("one", None), ("other", None), ("same", "one"), ("rotated", "one")):
        world = World(tmp_path / name, left_out=ELSEWHERE)
        if key:
            shutil.copytree(tmp_path / key / "keys", world.settings.keys, dirs_exist_ok=True)
        if name == "rotated":
            KeyStore(world.settings.keys, None).rotate()
        fill(world.con, shop_rows("2024-03"))
        assert world.publish("2024-03").proven
        exact = {file: content for file, content in tree(world.settings.published / "releases" / "2024-03").items()
                 if file.startswith("sales_monthly/")}
        found.append((exact, counts_of(world)))
    (exact, counts), *others = found
    assert [one[0] == exact for one in others] == [True, True, True]
    assert [one[1] == counts for one in others] == [False, True, True]


@pytest.mark.soak
def test_a_table_that_is_new_begins_with_the_first_release_that_has_it(tmp_path: Path) -> None:
    before = World(tmp_path, left_out=(*ELSEWHERE, TABLE))
    fill(before.con, shop_rows("2024-03"))
    assert before.publish("2024-03").proven
    later = World(tmp_path, sql=small_sql(tmp_path / "later"), left_out=ELSEWHERE)
    fill(later.con, shop_rows("2024-04"))
    result = later.publish("2024-04")
    assert (result.status, result.proven) == ("published", True)
    assert list(counts_of(later)) == [f"{TABLE}/2024-04.parquet"]


@pytest.mark.soak
def test_a_month_that_is_issued_again_keeps_its_rounded_counts(tmp_path: Path) -> None:
    world = World(tmp_path, left_out=ELSEWHERE)
    fill(world.con, shop_rows("2024-03"))
    world.publish("2024-03")
    before = counts_of(world)
    assert sorted(before) == [f"{TABLE}/2024-0{month}.parquet" for month in (1, 2, 3)]
    buy(world, 12, date(2024, 2, 10))
    result = world.publish("2024-03", request=ReleaseRequest(reissue="2024-02"))
    assert (result.status, result.proven) == ("published", True)
    assert counts_of(world) == before


def test_policy_check_refuses_rounded_counts_without_an_exact_table_like_them() -> None:
    policy = small_policy()
    declared = policy.release.tables[TABLE]
    assert declared.rounded is not None
    assert not list(release_faults(policy))

    def faults(**updates: object) -> str:
        tables = {**policy.release.tables, TABLE: declared.model_copy(update=updates)}
        release = policy.release.model_copy(update={"tables": tables})
        return "\n".join(release_faults(policy.model_copy(update={"release": release})))

    def rounded_as(**updates: object) -> object:
        return declared.rounded.model_copy(update=updates) if declared.rounded else None

    def columns(**updates: dict[str, object]) -> dict[str, object]:
        return {name: column.model_copy(update=updates.get(name, {})) for name, column in declared.columns.items()}

    assert "beside must be an exact table" in faults(rounded=rounded_as(beside="nowhere"))
    assert "beside must be an exact table" in faults(rounded=rounded_as(beside=TABLE))
    assert "must have the dimensions of deliveries_monthly" in faults(
        rounded=rounded_as(beside="deliveries_monthly"), population="deliveries")
    assert "multiples must rise" in faults(rounded=rounded_as(multiples=(2, 1)))
    assert "adds up over all its dimensions" in faults(columns=columns(customers={"additive_over": ("month",)}))
    assert "needs the flag rounded_to" in faults(columns={
        name: column for name, column in declared.columns.items() if name != "rounded_to"})
