"""What can go wrong with media, as one tree.

PipelineError
├── BadInput       the file is to blame: never retried, its message is for the person who sent it
├── HostFailure    this machine is to blame (disk, memory, a killed process): retried elsewhere
├── Timeout        the work took longer than it may: retried, a few times
└── FfmpegFailed   a process ended badly; the cause (`__cause__`) of one of the above
"""

import re
import signal
from collections.abc import Sequence


class PipelineError(Exception):
    """Raised with a stable code for programs and a message for people.

    Args:
        code: Stable name of what went wrong, in snake case.
        message: One or two sentences: what is wrong and what to do about it.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class BadInput(PipelineError):
    """The file cannot become a stream, however often one tries."""


class HostFailure(PipelineError):
    """This machine could not do the work; another, or this one later, may."""


class Timeout(PipelineError):
    """The deadline passed, or the allowance of CPU time was used up."""


class FfmpegFailed(PipelineError):
    """How a process ended.

    Args:
        status: Exit status; negative is the number of the signal that ended it.
        stderr_tail: The last lines it wrote.
    """

    def __init__(self, status: int, stderr_tail: Sequence[str]) -> None:
        self.status = status
        self.signal = -status if status < 0 else None
        self.stderr_tail = tuple(stderr_tail)
        last = stderr_tail[-1] if stderr_tail else "it wrote nothing"
        super().__init__("ffmpeg_failed", f"exit status {status}: {last}")


# Phrases of FFmpeg's own messages and of strerror(3), looked for in this order: the host's
# troubles first, since a full disk also makes FFmpeg complain about invalid data.
_HOST: tuple[tuple[str, str, str], ...] = (
    ("No space left on device", "disk_full", "The disk of the worker is full."),
    ("Disk quota exceeded", "disk_full", "The worker has used up its disk quota."),
    ("Cannot allocate memory", "out_of_memory", "The worker ran out of memory."),
    ("Too many open files", "too_many_files", "The worker ran out of file handles."),
    ("Input/output error", "io_error", "The worker could not read or write its disk."),
    ("Unknown encoder", "ffmpeg_unsuitable", "The worker's FFmpeg lacks an encoder."),
    ("No such filter", "ffmpeg_unsuitable", "The worker's FFmpeg lacks a filter."),
    ("Unrecognized option", "ffmpeg_unsuitable", "The worker's FFmpeg is too old."),
    ("Option not found", "ffmpeg_unsuitable", "The worker's FFmpeg is too old."),
    ("No such file or directory", "file_missing", "A file the worker needs is not there."),
)
_INPUT: tuple[tuple[str, str, str], ...] = (
    (
        "moov atom not found",
        "truncated",
        "The file ends before its index. The upload or the recording broke off; upload it again.",
    ),
    (
        "not currently supported",
        "unsupported_codec",
        "The file uses a codec that cannot be decoded. Export it as MP4 (H.264, AAC).",
    ),
    (
        "Decoding error rate",
        "undecodable",
        "Most of the picture or sound is damaged and cannot be decoded. Export it again.",
    ),
    (
        "Decode error rate",
        "undecodable",
        "Most of the picture or sound is damaged and cannot be decoded. Export it again.",
    ),
    (
        "does not contain any stream",
        "no_streams",
        "The file holds neither picture nor sound.",
    ),
    (
        "File too large",
        "output_too_large",
        "The video would become larger than is allowed. Cut it into parts.",
    ),
    (
        "Invalid data found",
        "undecodable",
        "The file is damaged and cannot be decoded. Play it on your machine and export it again.",
    ),
    # Last, as it is also said of subtitles, which nobody decodes.
    (
        "not on whitelist",
        "unsupported_format",
        "The file refers to a format or codec that is not accepted. Export it as MP4 (H.264, AAC).",
    ),
)


def classify_failure(status: int, stderr: Sequence[str]) -> PipelineError:
    """Say whose fault it was that a process ended badly.

    Args:
        status: Exit status; negative is the number of the signal that ended it.
        stderr: The last lines it wrote.

    Returns:
        An error to raise from `FfmpegFailed(status, stderr)`. What nobody can explain counts as
        the host's, so that it is tried again a bounded number of times.
    """
    # A shell or a jail reports the signal of its child as 128 + n.
    number = -status if status < 0 else status - 128 if 128 < status < 160 else 0
    text = "\n".join(stderr)
    # FFmpeg catches the milder signals, and ends with a word about it.
    if caught := re.search(r"received signal (\d+)", text):
        number = int(caught[1])
    if number == signal.SIGXCPU:
        return Timeout("cpu_time_exceeded", "The work used up its allowance of CPU time.")
    if number == signal.SIGXFSZ:
        return BadInput("output_too_large", "The video would become larger than is allowed.")
    for phrase, code, message in _HOST:
        if phrase in text:
            return HostFailure(code, message)
    if number in {signal.SIGKILL, signal.SIGTERM, signal.SIGINT}:
        return HostFailure("killed", f"The process was ended from outside (signal {number}).")
    if number:
        return HostFailure("crashed", f"The process crashed (signal {number}).")
    for phrase, code, message in _INPUT:
        if phrase in text:
            return BadInput(code, message)
    return HostFailure("ffmpeg_failed", f"FFmpeg gave up with exit status {status}.")
