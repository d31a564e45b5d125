"""The real engine with a cloud in a file: state in a folder, secrets under a passphrase."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.infra.engine.cloud import CLOUD, Cloud
from tests.servers import pulumi_cli

ROOT = Path(__file__).resolve().parents[3]
_PACKAGES = ("aws", "kubernetes", "eks")


@dataclass(frozen=True)
class Engine:
    """Where the engine's things are.

    Args:
        environment: For the CLI: backend, passphrase, PATH with the provider's plugins.
        cloud: What the provider made.
    """

    environment: Mapping[str, str]
    cloud: Cloud


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plugins that the engine finds on the PATH: all one program."""
    folder = tmp_path_factory.mktemp("plugins")
    for package in _PACKAGES:
        plugin = folder / f"pulumi-resource-{package}"
        plugin.write_text(
            f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" '
            f"-m tests.infra.engine.cloud {package}\n"
        )
        plugin.chmod(0o755)
    return folder


@pytest.fixture
def engine(plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine of its own, without stacks, and an empty cloud."""
    (tmp_path / "state").mkdir()
    cli = pulumi_cli.build()
    path = f"{plugins}:{cli}:/usr/local/bin:/usr/bin:/bin"
    environment = {
        "PATH": path,
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "for tests",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK": "false",
        CLOUD: str(tmp_path / "cloud.json"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Engine(environment, Cloud(tmp_path / "cloud.json"))
