"""G6: subtraction of shown cells, and a month that is computed twice."""

from datetime import date

import pytest

from ajprivacy_pipeline.anonymise.differencing import check_differences, withhold_differences
from ajprivacy_pipeline.release import GuaranteeError, gates, tables
from ajprivacy_pipeline.release.ledger import check_ledger, hash_cells
from tests.release.release_world import World, add


def test_a_total_minus_a_cell_that_leaves_four_people_is_caught_and_mended(world: World) -> None:
    """Twenty of twenty-four live in region 0: the total minus theirs is the other four."""
    world.compute()
    public = tables.make_public(world.con, world.policy)
    verdict = check_differences(world.con, world.policy, public)
    assert any(text.startswith("sales_monthly: ") and "fewer than 10 contributors" in text
               for text in verdict.violations)
    assert withhold_differences(world.con, world.policy, public) > 0
    assert check_differences(world.con, world.policy, public).passed


def test_a_difference_left_standing_stops_the_release(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "withhold_more", lambda *_: {})
    with pytest.raises(GuaranteeError, match="G6: sales_monthly: "):
        world.publish()
    assert not world.analytics.exists()


def test_a_month_computed_again_from_other_facts_is_caught(published: World) -> None:
    """The same facts give the same hashes; one newcomer in March changes cells of a published month."""
    world, earlier = published, [published.control.releases()[-1]["manifest_sha256"]]

    def recut(month: str) -> tuple[bool, tuple[str, ...]]:
        world.control = world.control.in_folder(world.settings.home / "lost")
        world.compute(month)
        public = tables.make_public(world.con, world.policy)
        gates.withhold_more(world.con, world.policy, public)
        verdict = check_ledger(world.settings, hash_cells(world.con, world.settings, world.policy, public), earlier)
        return verdict.passed, verdict.violations

    (world.settings.home / "lost").mkdir()
    assert recut("2024-03") == (True, ())
    add(world.con, "staged.orders", [{"order_id": "X", "customer_id": "C25", "ordered_on": date(2024, 3, 9),
                                      "delivery_postal_code": "0150"}])
    passed, violations = recut("2024-03")
    assert not passed
    assert any(text.startswith("sales_monthly: ") and "other figures" in text for text in violations)


def test_without_the_ledger_nothing_is_published(published: World) -> None:
    (published.settings.restricted / "ledger.duckdb").unlink()
    with pytest.raises(GuaranteeError, match="G6: the release ledger is missing"):
        published.publish("2024-04")
    assert len(published.control.releases()) == 1
