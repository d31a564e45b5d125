"""The real engine with a cloud of its own: state in a folder, secrets under a passphrase."""

import gc
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.infra.engine.cloud import Cloud, serve
from tests.servers import pulumi_cli

_PACKAGES = ("aws", "kubernetes", "eks")


@dataclass(frozen=True)
class Plugins:
    """A folder with the plugins that the engine finds on the PATH, and the cloud behind them."""

    folder: Path
    cloud: Cloud


@dataclass(frozen=True)
class Engine:
    """Where the engine's state is, and what its providers made."""

    state: Path
    cloud: Cloud


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first has to build the CLI, which takes longer than a test may."""
    for item in items:
        if "engine" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(pulumi_cli.BUILD_SECONDS))


def _script(path: Path, lines: str) -> None:
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugins]:
    folder, cloud = tmp_path_factory.mktemp("plugins"), Cloud()
    servers = []
    for package in _PACKAGES:
        server, port = serve(package, cloud)
        servers.append(server)
        _script(folder / f"pulumi-resource-{package}", f"echo {port}\nexec sleep 86400")
    yield Plugins(folder, cloud)
    for server in servers:
        server.stop(None)


@pytest.fixture(scope="session")
def language_host(plugins: Plugins) -> None:
    """Lets the engine run Python programs in processes of their own; a released CLI can."""
    if not (pulumi_cli.build() / "pulumi-language-python").exists():
        host = Path(__file__).with_name("language.py")
        started = shlex.join([sys.executable, str(host), str(pulumi_cli.shim())])
        _script(plugins.folder / "pulumi-language-python", f'exec {started} "$@"')


@pytest.fixture
def engine(plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine of its own, without stacks, and an empty cloud."""
    plugins.cloud.clear()
    state = tmp_path / "state"
    state.mkdir()
    for name, value in {
        "PATH": f"{plugins.folder}:{pulumi_cli.build()}:/usr/local/bin:/usr/bin:/bin",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "for tests",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }.items():
        monkeypatch.setenv(name, value)
    yield Engine(state, plugins.cloud)
    # What a program that the engine gave up on leaves complains when it is collected: now, and
    # not in the middle of another test.
    gc.collect()
