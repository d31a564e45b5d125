"""compose.yaml, as the reference implementation of the Compose Specification reads it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings, load_settings
from tests.servers.kept import go_tool

ROOT = Path(__file__).parents[3]
OURS = {"api", "worker", "migrations", "console", "buckets"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """With everything filled in: anchors, defaults, paths."""
    compose = go_tool("compose-spec", "github.com/compose-spec/compose-go/v2/cmd", "v2.13.0")
    done = subprocess.run(
        [compose, "-format", "json", ROOT / "compose.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


def of_spool(service: dict[str, Any]) -> dict[str, str]:
    environment = service.get("environment", {})
    return {key: value for key, value in environment.items() if key.startswith("SPOOL_")}


def test_every_setting_is_one_and_every_service_would_start(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {f"SPOOL_{name.upper()}" for name in Settings.model_fields}
    started = []
    for name, service in services.items():
        settings = of_spool(service)
        assert set(settings) <= known
        if not settings:
            continue
        for key in [key for key in os.environ if key.startswith("SPOOL_")]:
            monkeypatch.delenv(key)
        for key, value in settings.items():
            monkeypatch.setenv(key, value)
        loaded = load_settings()
        assert loaded.signing_secrets
        assert (loaded.store, loaded.queue, loaded.mail) == ("s3", "sqs", "smtp")
        started.append(name)
    assert set(started) == {"api", "worker", "migrations"}


def test_what_settings_point_at_is_a_service(services: dict[str, Any]) -> None:
    settings = of_spool(services["api"])
    for key in ("DATABASE_URL", "S3_ENDPOINT_URL", "SQS_ENDPOINT_URL", "OTLP_ENDPOINT"):
        host = settings[f"SPOOL_{key}"].partition("://")[2].rpartition("@")[2].partition(":")[0]
        assert host in services
    assert settings["SPOOL_SMTP_HOST"] in services
    assert (
        services["store"]["environment"]["ROOT_SECRET_ACCESS_KEY"]
        == (services["api"]["environment"]["AWS_SECRET_ACCESS_KEY"])
    )


def test_processes_of_ours_are_hardened_and_built_from_here(services: dict[str, Any]) -> None:
    for name in OURS:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        build = service["build"]
        assert (ROOT / build["dockerfile"]).is_file()
    for name in set(services) - OURS:
        version = services[name]["image"].rpartition(":")[2]
        assert version[0].isdigit() or version[0] == "v"


def test_it_is_reachable_from_this_machine_only(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}


def test_source_that_is_mounted_is_there_and_watched(services: dict[str, Any]) -> None:
    for name in ("api", "worker"):
        mounted = {v["source"] for v in services[name]["volumes"] if v["type"] == "bind"}
        assert mounted
        assert all(Path(source).is_dir() for source in mounted)
        watched = {
            w["path"] for w in services[name]["develop"]["watch"] if w["action"] == "restart"
        }
        assert watched <= mounted


def test_nothing_starts_before_the_schema_is_there(services: dict[str, Any]) -> None:
    for name in ("api", "worker"):
        waits = services[name]["depends_on"]
        assert waits["migrations"]["condition"] == "service_completed_successfully"
        assert waits["buckets"]["condition"] == "service_completed_successfully"
    assert services["migrations"]["depends_on"]["database"]["condition"] == "service_healthy"
