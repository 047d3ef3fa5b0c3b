"""The home of a dozen people, made once for all tests that look and change nothing but the access log."""

import pytest

from ajprivacy_pipeline.settings import Settings
from tests.explain.world import HOLDS, home, shop


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with one month."""
    return home(tmp_path_factory.mktemp("dozen"), shop(), holds=HOLDS)
