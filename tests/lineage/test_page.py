"""Where a column goes: on the terminal, as JSON, drawn, in a real browser."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.lineage import page, product_graph
from ajprivacy_pipeline.lineage.graph import Graph
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from tests import forked
from tests.browser import opened, overflow

POLICY = load_policy(NOTICE)


@pytest.fixture(scope="module")
def graph() -> Graph:
    """Made where a test asks for it, since every worker loads this module."""
    return product_graph(POLICY)


def call(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("AJPRIVACY")}
    return forked.call(["lineage", *arguments], env | {"AJPRIVACY_HOME": str(home)}, home)


def test_an_email_becomes_a_token_and_ends_in_counts(graph: Graph) -> None:
    stops = {stop.name: stop for stop in page.follow(POLICY, graph, "newsletter_subscriptions.email")}

    assert stops["staged.newsletter_subscriptions.email"].left == "direct"
    assert stops["anonymous.tokens.token"].left == "token"
    assert stops["anonymous.tokens.token"].by == ("contributor_token",)
    assert stops["published.newsletter_monthly.contributors"].left == page.CLEARED
    assert stops["published.newsletter_monthly.contributors"].by == ("count_of_contributors",)


def test_no_identifying_column_reaches_a_published_one(graph: Graph) -> None:
    for name in page.identifying(POLICY):
        for stop in page.follow(POLICY, graph, name):
            if stop.name.startswith("published."):
                assert stop.left == page.CLEARED, (name, stop)


def test_an_unknown_column_is_refused(graph: Graph) -> None:
    with pytest.raises(PrivacyError, match="is not a column of the source contract"):
        page.follow(POLICY, graph, "customers.shoe_size")


def test_command(tmp_path: Path) -> None:
    out = tmp_path / "email.html"
    done = call(tmp_path, "--column", "customers.email", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "staged.customers.email" in done.stdout
    assert "0 published column(s) still say something of it" in done.stdout
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    found = json.loads(call(tmp_path, "--column", "customers.email", "--json").stdout)
    assert found["customers.email"][0]["name"] == "raw.customers.email"
    assert call(tmp_path, "--column", "nothing").returncode == 2


@pytest.mark.parametrize("width", [390, pytest.param(1200, marks=pytest.mark.soak)])
def test_a_browser_draws_every_way_without_an_error_or_overflow(graph: Graph, width: int) -> None:
    names = page.identifying(POLICY)
    with opened(page.render(POLICY, graph, names), width) as shown:
        assert overflow(shown) <= 0
        assert shown.locator("svg").count() == len(names)
        circles = shown.locator("svg circle").count()
        assert circles == sum(len(page.follow(POLICY, graph, name)) for name in names)
        assert len(shown.pdf(format="A4")) > 1000
