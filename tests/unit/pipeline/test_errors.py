import signal

import pytest

from workers.pipeline.errors import BadInput, HostFailure, PipelineError, Timeout, classify_failure


@pytest.mark.parametrize(
    ("status", "stderr", "kind", "code"),
    [
        (183, ["[mov] moov atom not found", "Invalid data found"], BadInput, "truncated"),
        (1, ["Error opening input: Invalid data found when processing"], BadInput, "undecodable"),
        (1, ["Invalid data found", "av_write: No space left on device"], HostFailure, "disk_full"),
        (1, ["malloc: Cannot allocate memory"], HostFailure, "out_of_memory"),
        (1, ["Unknown encoder 'libx264'"], HostFailure, "ffmpeg_unsuitable"),
        (1, ["never seen before"], HostFailure, "ffmpeg_failed"),
        (1, [], HostFailure, "ffmpeg_failed"),
        (-signal.SIGKILL, [], HostFailure, "killed"),
        (128 + signal.SIGKILL, [], HostFailure, "killed"),
        (-signal.SIGSEGV, ["Invalid data found"], HostFailure, "crashed"),
        (-signal.SIGXCPU, [], Timeout, "cpu_time_exceeded"),
        (255, ["Exiting normally, received signal 24."], Timeout, "cpu_time_exceeded"),
        (255, ["Exiting normally, received signal 15."], HostFailure, "killed"),
        (229, ["Error closing file: File too large"], BadInput, "output_too_large"),
        (-signal.SIGXFSZ, [], BadInput, "output_too_large"),
    ],
)
def test_whose_fault_it_was(
    status: int, stderr: list[str], kind: type[PipelineError], code: str
) -> None:
    error = classify_failure(status, stderr)
    assert (type(error), error.code) == (kind, code)
    assert error.message.endswith(".")
