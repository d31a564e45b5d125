"""Spool as a person runs it: the command `spool`, in a state folder of the test's own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.media.clips import AAC, X264, Clips, picture, tone
from workers.pipeline.ffmpeg import find_ffmpeg

_SPOOL = str(Path(sys.executable).with_name("spool"))
_MARK = "SPOOL_TEST_MARK"
START_SECONDS = 120.0


def until(holds: Callable[[], object], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


@dataclass
class Done:
    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Machine:
    """A state folder and the processes that belong to it.

    Args:
        settings: Environment variables for everything that is run.
    """

    state: Path
    settings: dict[str, str] = field(default_factory=dict)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def launch(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [_SPOOL, "--state", str(self.state), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.settings, _MARK: self.mark},
            cwd=self.state.parent,
        )

    def run(self, *words: str, seconds: float = START_SECONDS) -> Done:
        process = self.launch(*words)
        try:
            out, err = process.communicate(timeout=seconds)
        finally:
            process.kill()
        return Done(process.returncode, out, err)

    @contextmanager
    def up(self, *words: str) -> Iterator["subprocess.Popen[str]"]:
        """`spool up`, once it has said where it runs; stopped at the end if it is not yet."""
        process = self.launch("up", *words)
        try:
            until(lambda: self.url or process.poll() is not None, "spool up", START_SECONDS)
            assert process.poll() is None, process.communicate()
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)

    @property
    def url(self) -> str | None:
        try:
            url: str = json.loads((self.state / "running.json").read_bytes())["url"]
        except FileNotFoundError:
            return None
        return url

    def processes(self) -> list[psutil.Process]:
        """What runs of this folder: our descendants by the mark, PostgreSQL by its data."""
        location = self.state / "postgres" / "location"
        place = location.read_text().strip() if location.exists() else str(self.state / "postgres")
        found = []
        for process in psutil.process_iter():
            try:
                marked = process.environ().get(_MARK) == self.mark
                if marked or any(word.startswith(place) for word in process.cmdline()):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
                continue
        return found


def listens(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    # The smallest parts there can be, so that little files have many.
    settings = {"SPOOL_UPLOAD_PART_BYTES": str(5 * 1024 * 1024)}
    machine = Machine(tmp_path_factory.mktemp("machine") / ".spool", settings)
    yield machine
    left = machine.processes()
    for process in left:
        process.kill()
    assert left == []


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with picture and sound."""
    clips = Clips(find_ffmpeg(None), tmp_path_factory.mktemp("clips"))
    return clips.make("A clip.mp4", *picture("320x180"), *tone(), *X264, *AAC)
