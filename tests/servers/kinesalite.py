"""Kinesalite: Kinesis in memory, with shards that end and have children, which moto's do not.

(moto goes on putting records into shards that it has closed.) Installed from npm once.
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.ports import unused_port

_VERSION = "3.3.3"
_START_SECONDS = 30.0
_OPTIONS = ("--no-audit", "--no-fund", "--ignore-scripts")
_SERVE = """
const options = {createStreamMs: 20, deleteStreamMs: 20, updateStreamMs: 20, shardLimit: 100}
require('kinesalite')(options).listen(Number(process.argv[1]), '127.0.0.1')
"""


def _installed() -> Path:
    """The folder with its node_modules; it appears whole or not at all."""
    folder = Path.home() / ".cache" / "spool" / f"kinesalite-{_VERSION}"
    if (folder / "node_modules" / "kinesalite" / "index.js").is_file():
        return folder
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Kinesalite needs Node.js and npm")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        draft = Path(temporary) / "draft"
        draft.mkdir()
        subprocess.run(
            [npm, "install", *_OPTIONS, "--prefix", draft, f"kinesalite@{_VERSION}"],
            check=True,
            capture_output=True,
        )
        shutil.rmtree(folder, ignore_errors=True)
        # Another run may have been faster; one of them is as good as the other.
        with suppress(OSError):
            draft.rename(folder)
    return folder


@contextmanager
def kinesalite(folder: Path) -> Iterator[str]:
    """Its URL; what was made in it is gone with it.

    Args:
        folder: Where its log is put.

    Raises:
        RuntimeError: it does not start; the message ends with its log.
    """
    home, port = _installed(), unused_port()
    path = folder / "kinesalite.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            ["node", "-e", _SERVE, str(port)], cwd=home, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Kinesalite does not answer: {path.read_text()[-2000:]}")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/", timeout=5)
    except httpx.TransportError:
        return False
    return True
