"""Programs under measurement: processes of their own, started, watched and stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.bench.installation import Installation
from tests.bench.machine import cpu_seconds
from tests.ports import unused_port

_POLL_SECONDS = 0.01
_ROOT = Path(__file__).parents[2]


class Program:
    """A running Python module.

    Args:
        arguments: The module and its arguments.
        environment: All of it, beside PATH and LANG.
        output: Takes its standard output and error.
    """

    def __init__(self, arguments: list[str], environment: Mapping[str, str], output: Path) -> None:
        self.output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env={"PATH": os.defpath, "LANG": "C.UTF-8", **environment},
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    def await_output(self, text: str, seconds: float = 30) -> None:
        """Returns when the program has said `text`.

        Raises:
            RuntimeError: it ended or said nothing of the kind; with its last words.
        """
        deadline = time.monotonic() + seconds
        while text not in self.output.read_text(errors="replace"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"never said {text!r}:\n{self.last_words()}")
            time.sleep(_POLL_SECONDS)

    def last_words(self) -> str:
        return self.output.read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def running(
    arguments: list[str], environment: Mapping[str, str], output: Path
) -> Iterator[Program]:
    program = Program(arguments, environment, output)
    try:
        yield program
    finally:
        program.stop()


@contextmanager
def running_worker(
    installation: Installation, *, module: str = "workers.main", **settings: str
) -> Iterator[Program]:
    """A worker that has started, with `settings` such as SPOOL_WORKER_LIGHT_SLOTS."""
    environment = installation.environment(**settings)
    with running([module], environment, installation.folder / "worker.log") as program:
        program.await_output("worker.started")
        yield program


@contextmanager
def running_api(installation: Installation, **settings: str) -> Iterator[tuple[Program, str]]:
    """The API as it is served in earnest, and its URL."""
    port = unused_port()
    url = f"http://127.0.0.1:{port}"
    environment = installation.environment(SPOOL_PORT=str(port), SPOOL_PUBLIC_URL=url, **settings)
    with running(["app.asgi"], environment, installation.folder / "api.log") as program:
        await_answer(program, f"{url}/health")
        yield program, url


def await_answer(program: Program, url: str, seconds: float = 30) -> None:
    """Returns when a GET of `url` is answered."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            httpx.get(url, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            if program.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{url} is not answered:\n{program.last_words()}") from None
            time.sleep(_POLL_SECONDS)
        else:
            return
