"""A shop with a decided month, made once and copied for each test, and the command line over it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ajprivacy_pipeline.run.month import open_month
from ajprivacy_pipeline.run.steps import run_decisions
from tests.enforcement.enforcement_world import empty_database
from tests.rights.shop import Desk, Rows, write_shop

Say = Callable[..., tuple[int, str, str]]
SHOP = {
    "customers": [
        {"customer_id": "1", "customer_type": "consumer", "name": "Kari Nordmann", "email": "kari@example.no",
         "gender": "f", "preferences": "desks", "profile_created_at": "2015-01-01", "last_login_at": "2026-10-01"},
        {"customer_id": "2", "customer_type": "consumer", "name": "Ola Ved", "email": "ola@example.no",
         "gender": "m", "profile_created_at": "2015-01-01", "last_login_at": "2026-10-01"}],
    "products": [{"product_id": "p", "name": "Hev- og senkbord", "warranty_years": "10"}],
    "orders": [{"order_id": "o", "customer_id": "1", "ordered_at": "2026-06-01", "delivered_at": "2026-06-05",
                "paid_at": "2026-06-01", "total_amount": "10", "delivery_name": "Kari Nordmann"}],
    "order_lines": [{"order_id": "o", "line_number": "1", "product_id": "p", "quantity": "1"}],
    "newsletter_subscriptions": [{"subscription_id": "n", "email": "Kari@example.no", "subscribed_at": "2025-01-01"}],
}


@pytest.fixture(scope="session")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the shop and a home in which a month is decided; it is copied, never used."""
    folder = tmp_path_factory.mktemp("decided")
    with pytest.MonkeyPatch.context() as patch:
        decide(folder, f"sqlite:///{folder / 'shop.db'}", patch)
    return folder


def decide(folder: Path, url: str, patch: pytest.MonkeyPatch, shop: Rows = SHOP) -> Desk:
    write_shop(url, shop)
    desk = Desk(folder / "home", url, patch)
    with open_month(desk.settings, "2026-10", "test") as run:
        run_decisions(run)
        run.finish()
    return desk


@pytest.fixture(params=["postgresql", "mariadb"])
def server_desk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The same shop, decided, on a database server."""
    return decide(tmp_path, empty_database(request.param, request, tmp_path, "asked"), monkeypatch)


@pytest.fixture
def desk(decided: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    shutil.copytree(decided, tmp_path, dirs_exist_ok=True)
    return Desk(tmp_path / "home", f"sqlite:///{tmp_path / 'shop.db'}", monkeypatch)


@pytest.fixture
def say(desk: Desk, capsys: pytest.CaptureFixture[str]) -> Say:
    return lambda *arguments: desk.run(capsys, *arguments)
