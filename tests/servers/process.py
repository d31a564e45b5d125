"""Servers of others, each a process of its own."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

_START_SECONDS = 60.0


@contextmanager
def answering(
    name: str,
    argv: Sequence[str | Path],
    url: str,
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Runs a server until the block ends, which begins when it has answered whatever at `url`.

    Args:
        folder: Where it runs and its log is put.
        environment: What it has besides ours.

    Raises:
        RuntimeError: it does not start; the message ends with its log.
    """
    path = folder / f"{name}.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            argv, env=os.environ | (environment or {}), cwd=folder, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} does not answer: {path.read_text()[-2000:]}")
            time.sleep(0.02)
        yield
    finally:
        # What it has is thrown away, so that it need not put anything in order.
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        httpx.get(url, timeout=5)
    except httpx.TransportError:
        return False
    return True
