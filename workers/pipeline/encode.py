"""Runs the encode: from a source to one track file per rendition."""

from collections.abc import Callable
from pathlib import Path

from workers.pipeline.command import encode_command
from workers.pipeline.ffmpeg import Ffmpeg
from workers.pipeline.limits import Limits
from workers.pipeline.media import Probe
from workers.pipeline.plan import Plan
from workers.pipeline.process import Completed, run
from workers.pipeline.progress import Progress, ProgressReader


async def encode(
    program: Ffmpeg,
    source: Path,
    probe: Probe,
    plan: Plan,
    out_dir: Path,
    *,
    limits: Limits,
    on_progress: Callable[[Progress], None] | None = None,
    threads: int = 0,
) -> Completed:
    """Encode all renditions in one process, into `command.track_path(out_dir, name)`.

    Args:
        program: The FFmpeg to run.
        source: Absolute path of the source.
        probe: What is known of it.
        plan: What is to be made.
        out_dir: An existing folder; files of an earlier attempt are overwritten.
        limits: What the process may use.
        on_progress: Called about twice a second.
        threads: Per encoder; 0 leaves it to x264.

    Raises:
        BadInput, HostFailure, Timeout: As `errors.classify_failure` says.
    """
    reader = ProgressReader(plan.duration_ms)

    def on_line(line: str) -> None:
        progress = reader.feed(line)
        if progress is not None and on_progress is not None:
            on_progress(progress)

    timeout_s = next(step.timeout_s for step in plan.steps if step.kind == "encode")
    argv = encode_command(program, source, probe, plan, out_dir, threads=threads)
    done = await run(argv, limits=limits, timeout_s=timeout_s, cwd=out_dir, on_stdout_line=on_line)
    return done.check()
