"""Children end when they should, with what they said, and hold no secret."""

import asyncio
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from workers.pipeline.errors import BadInput, HostFailure, Timeout
from workers.pipeline.ffmpeg import Ffmpeg
from workers.pipeline.limits import Limits
from workers.pipeline.process import run

PYTHON = sys.executable


def script(code: str) -> list[str]:
    return [PYTHON, "-I", "-c", textwrap.dedent(code)]


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        await asyncio.sleep(0.01)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_the_end_of_a_process_is_a_value(limits: Limits, scratch: Path) -> None:
    code = """
        import sys
        print("first"); print("second")
        for n in range(300): print("line", n, file=sys.stderr)
        sum(range(3_000_000))
        sys.exit(3)
    """
    lines: list[str] = []
    done = await run(
        script(code), limits=limits, timeout_s=20, cwd=scratch, on_stdout_line=lines.append
    )
    assert (done.status, lines) == (3, ["first", "second"])
    assert (len(done.stderr_tail), done.stderr_tail[-1]) == (100, "line 299")
    assert 0 < done.cpu_seconds < 20
    assert 0 < done.wall_seconds < 20


async def test_the_environment_holds_no_secret(
    limits: Limits, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOOL_DATABASE_URL", "postgresql://user:secret@host/db")
    lines: list[str] = []
    code = """
        import os
        print(*sorted(os.environ))
        print(os.getcwd())
        print(os.getsid(0) == os.getpid())
    """
    await run(script(code), limits=limits, timeout_s=20, cwd=scratch, on_stdout_line=lines.append)
    names = set(lines[0].split())
    assert names - {"LC_CTYPE"} == {"PATH", "LANG", "TMPDIR"}
    assert lines[1:] == [str(scratch), "True"]


async def test_time_that_is_over_ends_the_group(limits: Limits, scratch: Path) -> None:
    # The grandchild ignores SIGTERM, as a hung FFmpeg would.
    code = """
        import os, signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print(os.getpid(), child.pid, flush=True)
        time.sleep(600)
    """
    lines: list[str] = []
    started = time.monotonic()
    with pytest.raises(Timeout):
        await run(
            script(code), limits=limits, timeout_s=0.5, cwd=scratch, on_stdout_line=lines.append
        )
    assert time.monotonic() - started < 6
    for pid in map(int, lines[0].split()):
        await until(lambda pid=pid: is_gone(pid))  # type: ignore[misc]  # binds the loop's value


async def test_a_cancelled_task_takes_its_process_along(limits: Limits, scratch: Path) -> None:
    lines: list[str] = []
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    task = asyncio.create_task(
        run(script(code), limits=limits, timeout_s=60, cwd=scratch, on_stdout_line=lines.append)
    )
    await until(lambda: bool(lines))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.pid_exists(int(lines[0]))


async def test_a_task_cancelled_twice_still_leaves_nothing(limits: Limits, scratch: Path) -> None:
    lines: list[str] = []
    code = """
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(os.getpid(), flush=True)
        time.sleep(600)
    """
    task = asyncio.create_task(
        run(script(code), limits=limits, timeout_s=60, cwd=scratch, on_stdout_line=lines.append)
    )
    await until(lambda: bool(lines))
    task.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.pid_exists(int(lines[0]))


async def test_kill_nine_of_the_worker_kills_the_child(scratch: Path) -> None:
    worker = """
        import asyncio, sys
        from pathlib import Path
        from workers.pipeline.limits import Limits
        from workers.pipeline.process import run
        code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
        asyncio.run(run(
            [sys.executable, "-c", code], limits=Limits(), timeout_s=60, cwd=Path(sys.argv[1]),
            on_stdout_line=lambda line: print(line, flush=True),
        ))
    """
    with subprocess.Popen(  # noqa: ASYNC220  # its one line is waited for, nothing else runs
        [PYTHON, "-c", textwrap.dedent(worker), str(scratch)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    await until(lambda: is_gone(child), 5)


@pytest.mark.parametrize(
    ("code", "limits", "error"),
    [
        ("while True: pass", Limits(cpu_seconds=1), Timeout),
        ("open('big', 'wb').write(bytes(2_000_000))", Limits(output_file_bytes=1_000_000), None),
        ("bytearray(600_000_000)", Limits(memory_bytes=300_000_000), None),
        ("[open('/dev/null') for _ in range(100)]", Limits(open_files=32), HostFailure),
    ],
    ids=["cpu", "file size", "memory", "open files"],
)
async def test_limits_hold(
    scratch: Path, code: str, limits: Limits, error: type[Exception] | None
) -> None:
    done = await run(script(code), limits=limits, timeout_s=30, cwd=scratch)
    assert done.status != 0
    if error is not None:
        with pytest.raises(error):
            done.check()


async def test_ffmpeg_that_uses_up_its_cpu_time_says_so(program: Ffmpeg, scratch: Path) -> None:
    endless = ("-f", "lavfi", "-i", "testsrc2=s=1920x1080", "-f", "null", "-")
    argv = [str(program.path), "-nostdin", "-nostats", *endless]
    done = await run(argv, limits=Limits(cpu_seconds=1), timeout_s=30, cwd=scratch)
    with pytest.raises(Timeout) as caught:
        done.check()
    assert caught.value.code == "cpu_time_exceeded"


async def test_file_size_is_the_inputs_fault(scratch: Path) -> None:
    # Python ignores SIGXFSZ; FFmpeg does not, so neither does this child.
    code = """
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        open("big", "wb").write(bytes(2_000_000))
    """
    done = await run(
        script(code), limits=Limits(output_file_bytes=1_000_000), timeout_s=30, cwd=scratch
    )
    assert -done.status == signal.SIGXFSZ
    with pytest.raises(BadInput):
        done.check()


async def test_a_program_that_is_not_there(limits: Limits, scratch: Path) -> None:
    done = await run(["/nowhere/ffmpeg"], limits=limits, timeout_s=20, cwd=scratch)
    with pytest.raises(HostFailure):
        done.check()


async def test_no_descriptor_stays_open(limits: Limits, scratch: Path) -> None:
    await run(script("pass"), limits=limits, timeout_s=20, cwd=scratch)
    before = psutil.Process().num_fds()
    for _ in range(5):
        await run(script("pass"), limits=limits, timeout_s=20, cwd=scratch)
    assert psutil.Process().num_fds() == before
