"""versitygw: a server that speaks S3 over a folder, and checks signatures for real."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.ports import unused_port

VERSION = "1.8.0"
_MODULE = "github.com/versity/versitygw/cmd/versitygw"
_BUILD_SECONDS = 900.0
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ObjectServer:
    """Where it listens, and the folder that has its buckets."""

    host: str
    port: int
    root: Path

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


def build() -> Path:
    """The program, built once for all runs; a laptop without Go skips."""
    cache = Path.home() / ".cache" / "spool"
    program = cache / f"versitygw-{VERSION}" / "versitygw"
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None:
        pytest.skip("versitygw is built with Go, which is not installed")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as built:
        subprocess.run(
            [go, "install", f"{_MODULE}@v{VERSION}"],
            env=os.environ | {"GOBIN": built},
            check=True,
            timeout=_BUILD_SECONDS,
        )
        program.parent.mkdir(exist_ok=True)
        # Of builders at once the last one replaces the same program.
        (Path(built) / "versitygw").replace(program)
    return program


@contextmanager
def versitygw(folder: Path, *, access_key: str, secret_key: str) -> Iterator[ObjectServer]:
    """A server of its own without buckets, until the end of the block.

    Args:
        folder: Empty; on a filesystem with extended attributes.

    Raises:
        RuntimeError: it does not start; the message ends with its log.
    """
    program = build()
    root = folder / "objects"
    root.mkdir()
    server = ObjectServer("127.0.0.1", unused_port(), root)
    argv: list[str | Path] = [program, "--port", f"{server.host}:{server.port}"]
    argv += ["--region", "us-east-1", "--keep-alive", "--quiet", "posix", root]
    log = folder / "versitygw.log"
    credentials = {"ROOT_ACCESS_KEY": access_key, "ROOT_SECRET_KEY": secret_key}
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv, env=os.environ | credentials, cwd=folder, stdout=output, stderr=output
        )
    try:
        _wait(server, process, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: ObjectServer, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            # Whoever signs nothing is refused, by a server that is there.
            httpx.get(server.url, timeout=5)
            return
        time.sleep(0.02)
    raise RuntimeError(f"versitygw does not answer: {log.read_text()[-2000:]}")
