"""The Compose file fits the program: commands, variables, paths; nothing but the proxy is reached, behind a login."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from ajprivacy_pipeline.cli.main import app
from ajprivacy_pipeline.settings import VARIABLES

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "compose"
ROOT = FOLDER.parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROXY = (FOLDER / "Caddyfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["ajprivacy", "watch"])
def test_a_service_starts_a_command_that_is_there_and_shares_the_proxys_network(name: str) -> None:
    service = SERVICES[name]
    program, command, *options = service["command"]
    found = get_command(app).get_command(None, command)  # type: ignore[attr-defined,arg-type]
    assert program == "ajprivacy"
    assert found is not None
    found.make_context(command, list(options))  # which it empties
    assert service["network_mode"] == "service:proxy", "the pages listen on 127.0.0.1 alone"
    assert service["environment"].keys() <= VARIABLES.keys()
    assert ("--read-only" in options) is (name == "watch")


def test_nothing_but_the_proxy_is_reached_and_each_site_asks_who_is_there() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    sites = re.findall(r"^(\S+) \{\n(.*?)^\}", PROXY, re.MULTILINE | re.DOTALL)
    served = {options[options.index("--host") + 1]: options[options.index("--port") + 1]
              for options in (SERVICES[name]["command"] for name in ("ajprivacy", "watch"))}
    assert {site: re.findall(r"reverse_proxy 127\.0\.0\.1:(\d+)", body)[0] for site, body in sites} == served
    assert all("basic_auth {" in body for _, body in sites)
    assert "watcher" not in dict(sites)["dagster.example.no"], "whoever may only watch starts nothing"


def test_files_that_it_names_are_there_and_every_volume_is_declared() -> None:
    pages = SERVICES["ajprivacy"]
    assert (FOLDER / pages["build"]["context"] / pages["build"]["dockerfile"]).resolve() == FOLDER / "Dockerfile"
    for service in SERVICES.values():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert source in COMPOSE["volumes"] or source.startswith("/etc/") or (FOLDER / source).exists(), volume
    assert "../dagster-postgres.yaml:/var/lib/ajprivacy/dagster/dagster.yaml:ro" in pages["volumes"]
    settings = yaml.safe_load((FOLDER.parent / "dagster-postgres.yaml").read_text(encoding="utf-8"))
    assert settings["storage"]["postgres"]["postgres_url"] == {"env": "DAGSTER_POSTGRES_URL"}


def test_no_password_stands_in_a_file_of_ours() -> None:
    text = (FOLDER / "compose.yaml").read_text(encoding="utf-8") + PROXY
    assert re.findall(r"(?i)password\s*[:=]\s*\S+", text) == []


def test_both_settings_of_dagster_keep_and_delete_the_same() -> None:
    """They differ in where history stands."""
    ours = yaml.safe_load((ROOT / "assets" / "dagster.yaml").read_text(encoding="utf-8"))
    server = yaml.safe_load((FOLDER.parent / "dagster-postgres.yaml").read_text(encoding="utf-8"))
    ours.pop("event_log_storage")
    server.pop("storage")
    assert server == ours
