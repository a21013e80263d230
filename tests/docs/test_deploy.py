"""The image, compose.yaml and the front: what they promise, and that they agree with the program."""

from __future__ import annotations

import re
import subprocess
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.settings import Settings, variable
from tests.nginx import DEPLOY, environment, self_signed
from workbench.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
COMPOSE_TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
TLS_TEXT = (ROOT / "compose.tls.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE_TEXT)["services"]
OURS = ("web", "worker", "migrate")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs/guide/production.md").read_text(encoding="utf-8")
NGINX = (DEPLOY / "korrigo.conf").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "deploy/.env.example").read_text(encoding="utf-8")


def interpolated() -> set[str]:
    # "$$" is a dollar sign for the container, not a variable of ours.
    return set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", COMPOSE_TEXT + TLS_TEXT))


# --- the environment file


def test_every_variable_of_compose_is_explained_and_no_other() -> None:
    explained = set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", EXAMPLE, re.MULTILINE))

    assert explained - {"COMPOSE_FILE"} == interpolated()


def test_the_environment_file_gives_no_secret_away() -> None:
    given = dict(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))

    assert {name for name, value in given.items() if value} == {"COMPOSE_FILE"}
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_no_secret_has_a_default_and_a_missing_one_stops_the_start() -> None:
    required = set(re.findall(r"\$\{([A-Z_]+):\?à mettre dans \.env", COMPOSE_TEXT + TLS_TEXT))
    with_default = set(re.findall(r"\$\{([A-Z_]+):-", COMPOSE_TEXT + TLS_TEXT))
    secrets = {name for name in interpolated() if re.search("PASSWORD|SECRET", name)}

    assert secrets == {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "STREAMLIT_SERVER_COOKIE_SECRET"}
    assert secrets < required
    assert not required & with_default


# --- the services


def test_compose_starts_what_production_is_made_of() -> None:
    assert set(SERVICES) == {"nginx", "web", "worker", "migrate", "database", "cache"}
    assert SERVICES["database"]["image"].startswith("postgres:15-")
    assert SERVICES["cache"]["image"].startswith("redis:7-")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_right_it_does_not_need(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service.get("cap_add", ())) <= {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}
    assert "privileged" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_until_what_it_needs_is_healthy_or_done(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        once = SERVICES[needed]["restart"] == "no"
        assert how["condition"] == ("service_completed_successfully" if once else "service_healthy")
        assert once or "test" in SERVICES[needed]["healthcheck"]


def test_only_nginx_can_be_reached_and_in_clear_from_this_machine_only() -> None:
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["nginx"]
    assert SERVICES["nginx"]["ports"] == ["${LISTEN_ON:-127.0.0.1:8088}:8088"]


def test_the_database_and_the_cache_have_no_way_out_and_nginx_no_way_to_them() -> None:
    assert yaml.safe_load(COMPOSE_TEXT)["networks"]["inside"] == {"internal": True}
    assert SERVICES["database"]["networks"] == SERVICES["cache"]["networks"] == ["inside"]
    assert SERVICES["nginx"]["networks"] == ["front"]


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_commands_that_exist_with_settings_that_exist(name: str) -> None:
    service = SERVICES[name]
    settings = {variable(field.name) for field in fields(Settings)}

    assert service["command"][0] in COMMANDS
    assert {key for key in service["environment"] if key.startswith("KORRIGO_")} <= settings
    assert service["image"].startswith("korrigo:${KORRIGO_COMMIT")
    assert service["volumes"] == ["files:/data"]


def test_the_application_believes_the_network_of_nginx_and_no_other() -> None:
    trusted = SERVICES["web"]["environment"]["KORRIGO_TRUSTED_PROXIES"]
    (subnet,) = yaml.safe_load(COMPOSE_TEXT)["networks"]["front"]["ipam"]["config"]

    assert trusted == subnet["subnet"]
    assert [name for name in SERVICES if "front" in SERVICES[name]["networks"]] == ["nginx", "web"]


def test_every_image_is_pinned() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)

    assert re.search(r"^ARG BASE=debian:12-slim$", DOCKERFILE, re.MULTILINE)
    assert set(bases) == {"${BASE}"}
    assert all(re.search(r":\d[\w.-]*$", SERVICES[name]["image"]) for name in ("nginx", "database", "cache"))


# --- the image


def test_the_image_runs_as_an_account_without_rights_and_its_command_can_be_chosen() -> None:
    last = DOCKERFILE.split("\nFROM ")[-1]

    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["tini", "--", "korrigo"\]$', last, re.MULTILINE)
    assert {"serve", "worker", "migrate"} <= set(COMMANDS)
    assert "ORT_DISABLE_TELEMETRY=1" in last
    assert "/python.sh" not in last, "what makes the environment stays in the other stage"


def test_nothing_enters_the_image_that_is_not_named() -> None:
    patterns = [
        line
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    let_in = {pattern[1:] for pattern in patterns if pattern.startswith("!")}

    assert patterns[0] == "*"
    assert not let_in & {"tests", "data", "data/var", "docs", "deploy", ".git", ".env"}
    assert all((ROOT / path).exists() for path in let_in)


# --- nginx


@pytest.mark.parametrize("with_certificate", [False, True])
def test_nginx_accepts_its_configuration(tmp_path: Path, with_certificate: bool) -> None:
    variables = {"FOLDER": str(tmp_path / "nginx"), "WEB_SERVERS": "localhost:8501", "FRONT_PROXIES": "::1"}
    if with_certificate:
        certificate, key = self_signed(tmp_path)
        variables |= {"TLS_CERTIFICATE": str(certificate), "TLS_KEY": str(key)}

    done = subprocess.run(
        ["/bin/sh", DEPLOY / "run.sh", "--test"],
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_nginx_lets_scans_and_lists_through_up_to_the_limits_of_the_application() -> None:
    scans = re.search(r"location ~ \^/scans/ \{\s+client_max_body_size (\d+)g;", NGINX)
    lists = re.search(r"upload_file/ \{\s+client_max_body_size (\d+)m;", NGINX)
    streamlit = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))["server"]
    assert scans is not None
    assert lists is not None

    assert int(scans[1]) * 1024**3 == Settings().upload_limit_bytes
    assert int(lists[1]) == streamlit["maxUploadSize"] + 1


# --- the guide


def test_every_command_of_the_guide_names_services_and_commands_that_exist() -> None:
    commands = re.findall(r"^docker compose (.+)$", GUIDE, re.MULTILINE)
    runs = [
        match for command in commands if (match := re.match(r"run --rm (?:--\S+ (?:/\S+ )?)*(.+)", command))
    ]
    asked = [run[1].split() for run in runs]

    assert len(asked) == 4
    for service, command, *_ in asked:
        assert service in SERVICES
        assert command in COMMANDS
    named = set(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE))
    assert named == set(SERVICES)
    assert set(re.findall(r"\b([A-Z]+_[A-Z_]+)\b", GUIDE)) <= interpolated() | {"COMPOSE_FILE"}


def test_every_script_is_one_that_bash_reads_and_may_be_run() -> None:
    scripts = sorted((ROOT / "deploy").rglob("*.sh"))

    assert {"build.sh", "run.sh"} <= {script.name for script in scripts}
    for script in scripts:
        subprocess.run(["bash", "-n", script], check=True)
        assert script.stat().st_mode & 0o100, f"{script.name} cannot be run"
