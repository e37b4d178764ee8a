"""What runs beside the exporter under Compose: hardened, on this machine alone, from our files."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from exporter.cli.parser import parse_arguments
from exporter.config.environment import known_variables
from generate.bundle import COMPOSE, ROOT
from tests.alerts.deployment import document

PROJECT = document(COMPOSE / "compose.yml")
SERVICES: dict[str, Any] = PROJECT["services"]
OURS = ("exporter", "exporter-demo")

every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))


@every_service
def test_service_has_no_rights_that_it_does_not_need(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.keys().isdisjoint({"privileged", "cap_add", "network_mode", "pid", "devices"})


@every_service
def test_service_is_reached_from_this_machine_alone(service: dict[str, Any]) -> None:
    assert len(service["ports"]) == 1
    assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", service["ports"][0])


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - set(OURS)))
def test_others_images_are_pinned_by_version(name: str) -> None:
    assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", SERVICES[name]["image"])


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - set(OURS)))
def test_others_health_is_asked_without_a_shell(name: str) -> None:
    # Ours is the image's own.
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@every_service
def test_what_is_mounted_from_the_repository_is_there_and_read_only(
    service: dict[str, Any],
) -> None:
    binds = [each for each in service.get("volumes", []) if each["type"] == "bind"]

    assert [each for each in binds if not each["read_only"]] == []
    assert [each for each in binds if not (COMPOSE / each["source"]).exists()] == []
    assert [
        each for each in binds if not (COMPOSE / each["source"]).resolve().is_relative_to(ROOT)
    ] == []


@pytest.mark.parametrize("name", OURS)
def test_exporter_understands_its_command(name: str) -> None:
    options = parse_arguments(SERVICES[name]["command"])

    assert options.listen_addresses == [":10061"]
    assert SERVICES[name]["networks"]["default"]["aliases"] == ["exporter"]


def test_each_profile_has_one_exporter_and_the_real_one_is_the_default() -> None:
    profiles = {name: each["profiles"] for name, each in SERVICES.items() if "profiles" in each}

    assert profiles == {"exporter": ["live"], "exporter-demo": ["demo"]}
    assert re.findall(r"^COMPOSE_PROFILES=(.*)$", (COMPOSE / ".env").read_text(), re.MULTILINE) == [
        "live"
    ]


def test_secrets_are_files_that_are_never_committed() -> None:
    live = SERVICES["exporter"]
    files = {name: each["file"] for name, each in PROJECT["secrets"].items()}

    assert {
        variable: path.removeprefix("/run/secrets/")
        for variable, path in live["environment"].items()
    } == {
        "BITOPRO_API_KEY_FILE": "api-key",
        "BITOPRO_API_SECRET_FILE": "api-secret",
        "BITOPRO_EMAIL_FILE": "email",
    }
    assert live["environment"].keys() <= known_variables()
    assert sorted(live["secrets"]) == sorted(files) == ["api-key", "api-secret", "email"]
    assert {os.path.dirname(path) for path in files.values()} == {"secrets"}  # noqa: PTH120 - text
    assert "/deploy/compose/secrets/\n" in (ROOT / ".gitignore").read_text()


def test_grafana_lets_everybody_look_and_nobody_change() -> None:
    settings = SERVICES["grafana"]["environment"]

    assert settings["GF_AUTH_ANONYMOUS_ENABLED"] == "true"
    assert settings["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert settings["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"


def test_grafana_finds_the_dashboards_where_it_looks() -> None:
    service = SERVICES["grafana"]
    targets = {each["source"]: each["target"] for each in service["volumes"]}
    (provider,) = (
        each
        for path in (ROOT / "grafana" / "provisioning" / "dashboards").iterdir()
        for each in document(path)["providers"]
    )
    home = Path(service["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])

    assert targets["../../grafana/dashboards"] == provider["options"]["path"] == str(home.parent)
    assert (ROOT / "grafana" / "dashboards" / home.name).exists()


def test_one_command_is_in_the_readme() -> None:
    command = "docker compose -f deploy/compose/compose.yml --profile demo up --build"

    assert command in (ROOT / "README.md").read_text()
    assert command in (COMPOSE / "README.md").read_text()
