"""moto's server: Kinesis, SNS, SQS and SES over HTTP, all in the memory of one process."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.ports import unused_port

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0


@contextmanager
def moto_server(folder: Path) -> Iterator[str]:
    """Its URL, the same for every service; what was made in it is gone with it.

    Args:
        folder: Where its log is put.

    Raises:
        RuntimeError: it does not start; the message ends with its log.
    """
    port = unused_port()
    url = f"http://127.0.0.1:{port}"
    path = folder / "moto.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(url, process, path)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/moto-api/data.json", timeout=5).status_code == 200:
                return
        time.sleep(0.05)
    raise RuntimeError(f"moto does not answer: {log.read_text()[-2000:]}")
