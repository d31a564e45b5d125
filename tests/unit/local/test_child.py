import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app.local.child import Child

MODULE = "tests.unit.local.programs"


def until(holds: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ran(file: Path) -> int:
    """The process id that a program wrote when it ran."""
    until(lambda: file.exists() and file.read_text())
    return int(file.read_text())


def settings(what: str, file: Path) -> dict[str, str]:
    return {"SPOOL_TEST_PROGRAM": what, "SPOOL_TEST_FILE": str(file)}


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    child = Child("The worker", MODULE, tmp_path / "worker.log")
    yield child
    child.stop(0)


def test_it_gets_its_settings_and_stops_when_asked(child: Child, tmp_path: Path) -> None:
    child.warm_up()
    child.start(settings("waits", tmp_path / "ran"))
    pid = ran(tmp_path / "ran")
    assert child.pid == pid
    assert "SPOOL_TEST_FILE" not in Path(f"/proc/{pid}/environ").read_text()
    child.stop(10)
    assert not psutil.pid_exists(pid)


def test_who_is_killed_runs_again(child: Child, tmp_path: Path) -> None:
    wanted = settings("waits", tmp_path / "ran")
    child.start(wanted)
    os.kill(ran(tmp_path / "ran"), signal.SIGKILL)
    (tmp_path / "ran").unlink()
    until(child.died)
    assert "was killed by SIGKILL; starting it again in 0.5 s" in (child.keep_running(wanted) or "")
    until(lambda: child.keep_running(wanted) or child.pid)
    assert ran(tmp_path / "ran") == child.pid


def test_who_keeps_failing_waits_longer_each_time(child: Child, tmp_path: Path) -> None:
    wanted = settings("fails", tmp_path / "ran")
    child.start(wanted)
    said = []
    for _ in range(2):
        until(child.died)
        said.append(child.keep_running(wanted) or "")
        until(lambda: child.keep_running(wanted) or child.pid)
    assert "ended with status 3; starting it again in 0.5 s" in said[0]
    assert "in 1 s" in said[1]
    assert child.last_words() == "the reason\nthe reason"


def test_who_does_not_stop_is_killed(child: Child, tmp_path: Path) -> None:
    child.start(settings("stubborn", tmp_path / "ran"))
    pid = ran(tmp_path / "ran")
    child.stop(0.2)
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("warm_only", [False, True])
def test_it_does_not_outlive_its_parent(tmp_path: Path, warm_only: bool) -> None:
    start = (
        "child.warm_up()" if warm_only else f"child.start({settings('waits', tmp_path / 'ran')})"
    )
    script = (
        "import pathlib, time; from app.local.child import Child;"
        f"child = Child('x', '{MODULE}', pathlib.Path('{tmp_path}/log'));"
        f"{start}; print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    if not warm_only:
        assert ran(tmp_path / "ran") == pid
    parent.kill()
    parent.wait()
    until(lambda: not psutil.pid_exists(pid))
