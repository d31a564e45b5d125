"""The one place that starts a process which reads media."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from workers.pipeline.errors import FfmpegFailed, HostFailure, Timeout, classify_failure
from workers.pipeline.limits import Limits
from workers.pipeline.tracing import ProcessSpan

_SPAWN = Path(__file__).with_name("spawn.py")
_STDERR_LINES = 100
_LINE_BYTES = 2_000
_STDOUT_LINE_BYTES = 8 * 1024**2
_GRACE_SECONDS = 2.0


class Completed(msgspec.Struct, frozen=True):
    """How a process ended. `status` is negative when a signal ended it; times are in seconds."""

    status: int
    stderr_tail: tuple[str, ...]
    cpu_seconds: float
    wall_seconds: float

    def check(self) -> "Completed":
        """Itself, if all went well.

        Raises:
            PipelineError: Of the class that says whose fault it was.
        """
        if self.status != 0:
            raise classify_failure(self.status, self.stderr_tail) from FfmpegFailed(
                self.status, self.stderr_tail
            )
        return self


def confine(argv: Sequence[str], *, limits: Limits, cwd: Path) -> list[str]:
    """The command that runs `argv` within bounds; a jail is put around it here.

    Args:
        argv: Absolute path of the program, then its arguments.
        limits: What the process may use.
        cwd: Its scratch folder, the only one it may write to.
    """
    del cwd  # for the jail
    # Soft and hard. At the soft limit of CPU time comes SIGXCPU, which says what happened.
    bounds = {
        "RLIMIT_CPU": (limits.cpu_seconds, limits.cpu_seconds + 2),
        "RLIMIT_AS": (limits.memory_bytes, limits.memory_bytes),
        "RLIMIT_FSIZE": (limits.output_file_bytes, limits.output_file_bytes),
        "RLIMIT_NOFILE": (limits.open_files, limits.open_files),
        "RLIMIT_CORE": (0, 0),
    }
    launcher = [sys.executable, "-I", "-S", str(_SPAWN), str(os.getpid()), json.dumps(bounds)]
    return [*launcher, *argv]


async def run(
    argv: Sequence[str],
    *,
    limits: Limits,
    timeout_s: float,
    cwd: Path,
    on_stdout_line: Callable[[str], None] | None = None,
    name: str = "ffmpeg",
) -> Completed:
    """Run a program to its end, in a process group of its own, knowing no secret.

    The group is ended (SIGTERM, after two seconds SIGKILL) and reaped when the time is over and
    when the awaiting task is cancelled. The kernel ends it when the calling thread dies, so
    call this from a thread that lives as long as the worker.

    Args:
        argv: Absolute path of the program, then its arguments.
        limits: What the process may use.
        timeout_s: Seconds of wall time.
        cwd: Its scratch folder; also its TMPDIR.
        on_stdout_line: Called with each line of its standard output, without line end.
        name: Of its span.

    Raises:
        Timeout: The time is over.
        HostFailure: The program could not be started.
    """
    with ProcessSpan(name, argv) as span:
        done = await _run(argv, limits, timeout_s, cwd, span.listening(on_stdout_line))
        span.ended(done.status, done.cpu_seconds)
        return done


async def _run(
    argv: Sequence[str],
    limits: Limits,
    timeout_s: float,
    cwd: Path,
    on_stdout_line: Callable[[str], None] | None,
) -> Completed:
    started = time.monotonic()
    try:
        process = subprocess.Popen(  # noqa: ASYNC220  # reaped through a pidfd, with its usage
            confine(argv, limits=limits, cwd=cwd),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={"PATH": os.defpath, "LANG": "C", "TMPDIR": str(cwd)},
            start_new_session=True,
        )
    except OSError as error:
        raise HostFailure("cannot_start", f"A process cannot be started: {error}.") from error
    try:
        child = _Child(process)
    except OSError as error:
        process.kill()
        process.communicate()
        raise HostFailure("cannot_start", f"A process cannot be watched: {error}.") from error
    try:
        await child.follow(on_stdout_line)
        async with asyncio.timeout(timeout_s):
            await child.exited
    except TimeoutError:
        await child.stop()
        raise Timeout("timed_out", f"The work was not done after {timeout_s:.0f} s.") from None
    except BaseException:
        await child.stop()
        raise
    finally:
        await child.close()
    return Completed(
        status=child.status,
        stderr_tail=tuple(child.stderr),
        cpu_seconds=child.cpu_seconds,
        wall_seconds=time.monotonic() - started,
    )


class _Child:
    """A started process, its two pipes and its pidfd."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._readers: list[asyncio.Task[None]] = []
        self._transports: list[asyncio.ReadTransport] = []
        # A pidfd is readable when the process has ended and is not yet reaped, so that its
        # number, and that of its group, cannot belong to another when a signal is sent.
        self._pidfd = os.pidfd_open(process.pid)
        self.exited: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._pidfd, self._on_exit)
        self.stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self.status = 0
        self.cpu_seconds = 0.0

    async def follow(self, on_stdout_line: Callable[[str], None] | None) -> None:
        def note(line: str) -> None:
            self.stderr.append(line[:_LINE_BYTES])

        for pipe, sink in (
            (self._process.stdout, on_stdout_line),
            (self._process.stderr, note),
        ):
            reader = asyncio.StreamReader(limit=_STDOUT_LINE_BYTES)
            transport, _ = await self._loop.connect_read_pipe(
                partial(asyncio.StreamReaderProtocol, reader), pipe
            )
            self._transports.append(transport)
            self._readers.append(asyncio.create_task(_drain(reader, sink)))

    def _on_exit(self) -> None:
        self._loop.remove_reader(self._pidfd)
        # Whatever the process left behind in its group goes first, while the group's number is
        # still held by the dead leader.
        self._signal(signal.SIGKILL)
        _, wait_status, usage = os.wait4(self._process.pid, 0)
        self.status = self._process.returncode = os.waitstatus_to_exitcode(wait_status)
        self.cpu_seconds = usage.ru_utime + usage.ru_stime
        if not self.exited.done():
            self.exited.set_result(None)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def stop(self) -> None:
        """End the group and reap it, also when cancelled once more meanwhile."""
        if self._process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        # `wait_for` and `timeout` cancel what they wait for; the future may be cancelled already.
        gone = self._loop.create_future() if self.exited.cancelled() else self.exited
        self.exited = gone
        try:
            await asyncio.wait({gone}, timeout=_GRACE_SECONDS)
        finally:
            if self._process.returncode is None:
                self._signal(signal.SIGKILL)
                self._on_exit()

    async def close(self) -> None:
        if self._readers and self._process.returncode is not None:
            await asyncio.wait(self._readers, timeout=_GRACE_SECONDS)
        for task in self._readers:
            task.cancel()
        for outcome in await asyncio.gather(*self._readers, return_exceptions=True):
            if isinstance(outcome, Exception):
                self.stderr.append(f"reading the output failed: {outcome}")
        for transport in self._transports:
            transport.close()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        os.close(self._pidfd)


async def _drain(reader: asyncio.StreamReader, sink: Callable[[str], None] | None) -> None:
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as end:
            line = end.partial
            if not line:
                return
        except asyncio.LimitOverrunError as overrun:
            line = await reader.readexactly(overrun.consumed)
        if sink is not None:
            sink(line.decode("utf-8", "replace").rstrip("\r\n"))
