"""Finds out what a file is, at arm's length."""

import signal
import sys
from pathlib import Path

import msgspec

from workers.pipeline.errors import BadInput, FfmpegFailed, HostFailure
from workers.pipeline.limits import Limits
from workers.pipeline.media import Probe
from workers.pipeline.probe_child import Answer
from workers.pipeline.process import run

_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT}


async def probe(path: Path, limits: Limits) -> Probe:
    """Read a file's headers, its time stamps and one picture.

    Args:
        path: Absolute path of the file.
        limits: What it may ask for.

    Raises:
        BadInput: The file cannot become a stream; says why.
        HostFailure: It could not be looked at.
        Timeout: Looking at it took too long.
    """
    lines: list[str] = []
    done = await run(
        [
            sys.executable,
            "-P",  # the scratch folder is no place to import from
            "-s",
            "-m",
            "workers.pipeline.probe_child",
            str(path),
            msgspec.json.encode(limits).decode(),
        ],
        limits=limits.for_probe(),
        timeout_s=limits.probe_wall_seconds,
        cwd=path.parent,
        on_stdout_line=lines.append,
        name="probe",
    )
    if -done.status in _CRASHES:
        raise BadInput(
            "undecodable",
            "The file is damaged in a way that makes its reader crash. Export it again.",
        ) from FfmpegFailed(done.status, done.stderr_tail)
    if -done.status == signal.SIGXCPU:
        raise BadInput(
            "too_complex", "Reading this file takes too much time. Export it again."
        ) from FfmpegFailed(done.status, done.stderr_tail)
    done.check()
    try:
        answer = msgspec.json.decode(lines[-1] if lines else "", type=Answer)
    except msgspec.DecodeError as error:
        raise HostFailure("probe_failed", "The prober gave no answer.") from error
    if answer.refusal is not None:
        raise BadInput(answer.refusal.code, answer.refusal.message)
    if answer.probe is None:
        raise HostFailure("probe_failed", "The prober gave an empty answer.")
    return answer.probe
