"""Closed periods: computed once, copied byte for byte, refused when they were touched."""

from datetime import date
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.release import plan_release, read_release
from ajprivacy_pipeline.settings import load_settings
from tests.release.release_world import World, add, tree


def test_the_first_release_covers_the_history_and_later_ones_copy_it_byte_for_byte(published: World) -> None:
    world = published
    world.con.execute("UPDATE staged.order_lines SET unit_price = 7777 WHERE product_id = 'P1'")  # late facts
    before = tree(world.settings.published / "releases" / "2024-03")
    plan = plan_release(world.control, world.policy, "2024-05")
    assert (plan.first_month, plan.computed, plan.history_from) == ("2024-04", ("2024-04", "2024-05"), "2024-01")
    world.publish("2024-05")
    after = tree(world.settings.published / "releases" / "2024-05")
    monthly = {path: data for path, data in before.items() if "/2024-" in path}
    assert len(monthly) == 28
    assert {path: after[path] for path in monthly} == monthly
    assert tree(world.settings.published / "releases" / "2024-03") == before, "the old folder is immutable"
    assert [r[0].month for r in world.query("SELECT DISTINCT month FROM sales_monthly ORDER BY 1")] == [1, 2, 3, 4, 5]
    assert world.query("SELECT DISTINCT month FROM retention_monthly ORDER BY 1") == [
        (date(2024, 3, 1),), (date(2024, 5, 1),)]
    assert read_release(world.settings).month == "2024-05"


@pytest.mark.parametrize("month", ["2024-03", "2024-02", "2023-01"])
def test_a_closed_month_is_left_alone(published: World, month: str) -> None:
    before, rows = tree(published.settings.published), published.control.releases()
    assert published.publish(month).status == "already_closed"
    assert (tree(published.settings.published), published.control.releases()) == (before, rows)


def spoil(folder: Path, how: str) -> None:
    """Damage a release's folder."""
    file = folder / "sales_monthly" / "2024-02.parquet"
    if how == "changed":
        file.write_bytes(file.read_bytes()[:-9] + b"x" + file.read_bytes()[-8:])
    elif how == "missing":
        file.unlink()
    elif how == "swapped":
        file.write_bytes((folder / "sales_monthly" / "2024-01.parquet").read_bytes())
    elif how == "extra":
        (folder / "note.txt").write_text("mine")
    elif how == "manifest":
        manifest = folder / "manifest.json"
        manifest.write_text(manifest.read_text().replace('"rows": 24', '"rows": 25', 1) + " ")
    elif how == "no manifest":
        (folder / "manifest.json").unlink()
    else:
        folder.rename(folder.with_name("elsewhere"))


@pytest.mark.parametrize("how", ["changed", "missing", "swapped", "extra", "manifest", "no manifest", "gone"])
def test_a_previous_release_that_was_touched_is_refused_with_a_mend(published: World, how: str) -> None:
    world = published
    seen = world.analytics.read_bytes()
    spoil(world.settings.published / "releases" / "2024-03", how)
    with pytest.raises(ReleaseError, match=r"restore published/releases/2024-03 from a backup|remove them"):
        world.publish("2024-04")
    assert world.analytics.read_bytes() == seen
    assert len(world.control.releases()) == 1


def test_reading_verifies_the_manifest(tmp_path_factory: pytest.TempPathFactory, published: World) -> None:
    with pytest.raises(ReleaseError, match="nothing is published yet"):
        read_release(load_settings({"AJPRIVACY_HOME": str(tmp_path_factory.mktemp("empty"))}))
    assert read_release(published.settings).manifest["proven"] is True
    spoil(published.settings.published / "releases" / "2024-03", "changed")
    with pytest.raises(ReleaseError, match="1 changed file"):
        read_release(published.settings)


@pytest.mark.soak
def test_a_name_that_turns_up_in_a_closed_month_is_reported_and_does_not_block(published: World) -> None:
    published.con.execute("UPDATE staged.products SET name = 'Anything else'")
    add(published.con, "staged.customers", [
        {"customer_id": "C99", "customer_type": "consumer", "username": "locker two doors"}])
    result = published.publish("2024-04")
    assert result.figures["names_in_closed_months"] == 1
    assert result.figures["names_suppressed"] == 0
    assert result.figures["texts_scanned_late"] == 0
