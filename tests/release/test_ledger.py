"""G6 across releases: a month that is computed twice, and what the ledger knows of whom."""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.disclosure.verdict import Verdict
from ajprivacy_pipeline.errors import KeyStoreError
from ajprivacy_pipeline.release import GuaranteeError, ledger, ledger_cells, plan, tables
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.zones import Connection, literal, open_zone, quote
from tests.release.release_world import World, add, all_but

MARCH, MANIFEST = date(2024, 3, 9), "a" * 64


def hash_month(world: World, month: str = "2024-03") -> None:
    """Compute a month up to what the ledger takes of it; no complements, which the ledger does not care about."""
    world.compute(month)
    public = tables.make_public(world.con, world.policy)
    ledger_cells.hash_cells(world.con, world.settings, world.policy, public, month)


@pytest.fixture(scope="module")
def left_out() -> tuple[str, ...]:
    """The tables by which every kind of contributor is remembered."""
    return all_but("sales_monthly", "service_health_daily", "newsletter_monthly", "retention_monthly")


def remember(world: World, month: str = "2024-03", manifest: str = MANIFEST, known: tuple[str, ...] = ()) -> None:
    hash_month(world, month)
    ledger.remember(world.con, world.settings, manifest, month, list(known))


def check(world: World, month: str = "2024-03", manifests: tuple[str, ...] = (MANIFEST,)) -> Verdict:
    hash_month(world, month)
    return ledger.check_ledger(world.con, world.settings, world.policy, tables.make_public(world.con, world.policy),
                               list(manifests))


def buy(world: World, people: int, first: date = MARCH, price: int = 100) -> None:
    """So many new consumers of region 0 buy a locker each."""
    who = [f"{first:%m}-{i}" for i in range(people)]
    add(world.con, "staged.customers", [{"customer_id": f"N{w}", "customer_type": "consumer", "country": "NO"}
                                        for w in who])
    add(world.con, "staged.orders", [{"order_id": f"X{w}", "customer_id": f"N{w}", "ordered_on": first,
                                      "delivery_postal_code": "0150", "currency": "NOK"} for w in who])
    add(world.con, "staged.order_lines", [{"order_id": f"X{w}", "line_number": 1, "product_id": "P1", "quantity": 1,
                                           "unit_price": price} for w in who])


def in_ledger(world: World, sql: str) -> list[Any]:
    path = world.settings.restricted / "ledger.duckdb"
    with open_zone(world.settings, KeyStore(world.settings.keys), path, read_only=True) as con:
        return con.execute(sql).fetchall()


@contextmanager
def unencrypted(con: Connection, _: KeyStore, path: Path, name: str, *, create: bool = False) -> Iterator[None]:
    """What zones.attached does, without encryption: so that a test can look for tokens in the file's bytes."""
    con.execute(f"ATTACH {literal(str(path))} AS {quote(name)}{'' if create else ' (READ_ONLY)'}")
    try:
        yield
    finally:
        con.execute(f"DETACH {quote(name)}")


def token(world: World, kind: str, value: str) -> int:
    key = ledger_cells.contributor_key(world.settings)
    return int.from_bytes(hmac.digest(key, f"{kind}:{value}".encode(), "sha256")[:8], "big")


def is_in_file(world: World, kind: str, value: str) -> bool:
    content = (world.settings.restricted / "ledger.duckdb").read_bytes()
    return token(world, kind, value).to_bytes(8, "little") in content


def test_equal_facts_pass(world: World) -> None:
    remember(world)
    verdict = check(world)
    assert verdict.passed, verdict.violations
    assert verdict.figures["cells_of_earlier_releases"] > 0


@pytest.mark.parametrize(("people", "passes"), [(1, False), (9, False), (10, True)])
def test_newcomers_between_two_releases_of_a_month(world: World, people: int, *, passes: bool) -> None:
    remember(world)
    buy(world, people)
    verdict = check(world)
    assert verdict.passed is passes, verdict.violations
    assert passes or any(text.startswith("sales_monthly: ") and "fewer than 10 contributors" in text
                         for text in verdict.violations)


@pytest.mark.parametrize(("people", "passes"), [(9, False), (10, True)])
def test_people_whose_amounts_changed_are_counted_too(world: World, people: int, *, passes: bool) -> None:
    """Nobody came or went; some paid another price."""
    buy(world, 12)
    remember(world)
    numbers = [f"X03-{i}" for i in range(people)]
    world.con.execute("UPDATE staged.order_lines SET unit_price = 300 WHERE order_id IN (SELECT unnest($numbers))",
                      {"numbers": numbers})
    verdict = check(world)
    assert verdict.passed is passes, verdict.violations


def test_a_table_of_stocks_may_not_change_at_all(world: World) -> None:
    """Twelve people of whom nobody is kept: more than k, and still nothing tells how many they are."""
    remember(world)
    world.con.execute("UPDATE retention.attribute_decisions SET decision = 'absent' WHERE decision = 'due'")
    verdict = check(world)
    assert any(text.startswith("retention_monthly: ") and "whose contributors are not known" in text
               for text in verdict.violations), verdict.violations


def test_one_newcomer_does_not_hide_behind_others_whose_amounts_changed(world: World) -> None:
    """Thirteen people differ in revenue, one of them in customers as well."""
    buy(world, 12)
    remember(world)
    world.con.execute("UPDATE staged.order_lines SET unit_price = 300 WHERE starts_with(order_id, 'X03-')")
    add(world.con, "staged.orders", [{"order_id": "Y", "customer_id": "C25", "ordered_on": MARCH, "currency": "NOK",
                                      "delivery_postal_code": "0150"}])
    assert any("fewer than 10" in text for text in check(world).violations)


@pytest.mark.soak
def test_the_file_keeps_the_columns_that_earlier_versions_wrote(world: World) -> None:
    remember(world)
    columns = in_ledger(world, "SELECT column_name FROM duckdb_columns() WHERE table_name = 'cells' "
                               "ORDER BY column_index")
    assert [row[0] for row in columns] == ["release", "place", "cell", "shown", "withheld"]


def test_a_cell_suppressed_in_one_release_alone_is_caught(world: World) -> None:
    """Four orders of region 5 were suppressed; with twelve more the region is shown, which gives the four away."""
    remember(world)
    buy(world, 12)
    world.con.execute("UPDATE staged.orders SET delivery_postal_code = '5003' WHERE starts_with(order_id, 'X03-')")
    assert any("suppressed in one of the two alone" in text for text in check(world).violations)


def test_without_tokens_no_cell_may_change(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve newcomers would do; but January is older than the two months that are kept here."""
    monkeypatch.setattr(plan, "KEPT_MONTHS", 2)
    remember(world)
    assert check(world).passed
    buy(world, 12, date(2024, 1, 9))
    verdict = check(world)
    assert any(text.startswith("sales_monthly: ") and "not known any more" in text for text in verdict.violations)


def test_contributors_are_kept_for_thirteen_months() -> None:
    assert plan.oldest_kept("2026-10") == "2025-10"


def test_tokens_of_old_months_leave_the_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two months are kept here: whoever bought in February alone is gone after April, but not after March."""
    monkeypatch.setattr(plan, "KEPT_MONTHS", 2)
    monkeypatch.setattr(ledger, "attached", unencrypted)
    buy(world, 12, date(2024, 2, 9))
    buy(world, 12, date(2024, 3, 9))
    remember(world)
    assert is_in_file(world, "customer", "N02-3")
    remember(world, "2024-04", "b" * 64, (MANIFEST,))
    assert not is_in_file(world, "customer", "N02-3")
    assert is_in_file(world, "customer", "N03-3")


def test_whoever_is_forgotten_leaves_the_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "attached", unencrypted)
    buy(world, 12)
    remember(world)
    assert is_in_file(world, "customer", "N03-3")
    assert ledger.forget(world.settings, [("customer", "N03-3"), ("subject", "customer:N03-3")]) > 0
    assert not is_in_file(world, "customer", "N03-3")
    assert is_in_file(world, "customer", "N03-4")
    assert not list(world.settings.restricted.glob(".ledger*"))


def test_forgetting_knows_every_kind_and_spelling(published: World) -> None:
    """The person behind customer 3: sales and messages, log lines, newsletter. Of stocks nobody is kept."""
    def rows() -> dict[str, int]:
        known = {"customer": "C3", "log": "kundebruker3", "newsletter": "kunde3@example.no", "subject": "customer:C3"}
        counts = "SELECT count(*) FROM contributors WHERE person = {}"
        return {kind: in_ledger(published, counts.format(token(published, kind, value)))[0][0]
                for kind, value in known.items()}

    assert {kind for kind, count in rows().items() if not count} == {"subject"}
    cells = in_ledger(published, "SELECT * FROM cells ORDER BY ALL")
    total = in_ledger(published, "SELECT count(*) FROM contributors")[0][0]
    count = ledger.forget(published.settings, [("customer", "C3"), ("log", "Kundebruker3"), ("subject", "customer:C3"),
                                               ("newsletter", "KUNDE3@example.no"), ("visitor", "")])
    assert set(rows().values()) == {0}
    assert in_ledger(published, "SELECT count(*) FROM contributors")[0][0] == total - count
    assert in_ledger(published, "SELECT * FROM cells ORDER BY ALL") == cells
    assert ledger.forget(published.settings, [("customer", "C3")]) == 0
    with pytest.raises(ValueError, match="not a kind of contributor: person"):
        ledger.forget(published.settings, [("person", "C3")])


def test_the_ledger_holds_no_token_of_the_run_and_no_value(world: World) -> None:
    remember(world)
    run = {row[0] for row in world.con.execute("SELECT DISTINCT token FROM anonymous.sales").fetchall()}
    people = {row[0] for row in in_ledger(world, "SELECT DISTINCT person FROM contributors")}
    assert people
    assert not run & people
    columns = in_ledger(world, "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = "
                               "'zone' AND table_name IN ('cells', 'contributors') AND data_type = 'VARCHAR'")
    assert columns == [("cells", "place", "VARCHAR")]


def test_who_is_in_a_suppressed_cell_is_not_remembered(world: World) -> None:
    """The four of region 5 stand in totals, not in the cell of their region."""
    remember(world)
    suppressed = in_ledger(world, "SELECT count(*) FROM cells WHERE place = 'deliveries_monthly 2024-03' "
                                "OR place = 'sales_monthly 2024-03' AND withheld = 15")
    assert suppressed[0][0] > 0
    assert in_ledger(world, "SELECT count(*) FROM contributors SEMI JOIN (SELECT cell FROM cells WHERE place LIKE "
                            "'sales_monthly%' AND withheld = 15) USING (cell)") == [(0,)]


def test_without_the_ledger_nothing_is_published_and_the_message_says_what_to_do(published: World) -> None:
    (published.settings.restricted / "ledger.duckdb").unlink()
    with pytest.raises(GuaranteeError, match=r"G6: restricted/ledger.duckdb is missing.*\s.*from a backup") as caught:
        published.publish("2024-04")
    assert "new AJPRIVACY_HOME" in str(caught.value)
    assert len(published.control.releases()) == 1


def lose_control(world: World) -> None:
    """The control store is gone, and with it what was released."""
    world.control = ControlStore(f"sqlite:///{world.settings.home / 'lost.db'}")


def test_a_lost_control_store_opens_no_month(published: World) -> None:
    """The ledger itself knows what was published; one late order in a published month stops the release."""
    add(published.con, "staged.orders", [{"order_id": "X", "customer_id": "C25", "ordered_on": MARCH,
                                          "delivery_postal_code": "0150", "currency": "NOK"}])
    lose_control(published)
    with pytest.raises(GuaranteeError, match=r"G6: sales_monthly: .* would be published again"):
        published.publish("2024-03")


@pytest.mark.soak
def test_with_equal_facts_a_lost_control_store_does_no_harm(published: World) -> None:
    lose_control(published)
    assert published.publish("2024-03").status == "published"


@pytest.mark.soak
def test_a_release_that_was_never_committed_counts_for_nothing(world: World) -> None:
    """A run died after it wrote the ledger; the next one has other facts."""
    remember(world)
    buy(world, 1)
    assert check(world, manifests=()).passed
    remember(world, manifest="b" * 64)
    assert in_ledger(world, "SELECT manifest_sha256 FROM releases") == [("b" * 64,)]


@pytest.mark.soak
def test_a_release_that_the_ledger_does_not_know_is_told(world: World) -> None:
    remember(world)
    assert check(world, manifests=(MANIFEST, "c" * 64)).violations == (
        "the release ledger does not know 1 of the published releases",)


def test_whoever_destroys_the_key_makes_tokens_unlinkable(world: World) -> None:
    """With the same root key, nobody gets the same token again."""
    remember(world)
    before = token(world, "customer", "C3")
    KeyStore(world.settings.keys).destroy("ledger")
    with pytest.raises(KeyStoreError, match="the key of ledger is lost"):
        ledger.forget(world.settings, [("customer", "C3")])
    (world.settings.restricted / "ledger.duckdb").unlink()
    assert token(world, "customer", "C3") != before


def test_a_rewrite_that_fails_leaves_the_old_ledger(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(world)
    before = (world.settings.restricted / "ledger.duckdb").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ajprivacy_pipeline.release.ledger.os.fsync", full)
    with pytest.raises(Exception, match="No space left"):
        ledger.forget(world.settings, [("customer", "C3")])
    assert (world.settings.restricted / "ledger.duckdb").read_bytes() == before
