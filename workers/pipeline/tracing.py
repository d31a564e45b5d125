"""One span per process: what ran, how it ended, and how fast FFmpeg was at it.

After OpenTelemetry's conventions for programs that are called. Only its API is used, so the
pipeline depends on no exporter; where nobody records, this costs next to nothing.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from opentelemetry import trace

_tracer = trace.get_tracer("spool.pipeline")
EXIT_CODE = "process.exit.code"
COMMAND = "process.command_args"
SPEED = "spool.ffmpeg.speed"
FRAMES = "spool.ffmpeg.frames"
CPU_SECONDS = "spool.process.cpu_seconds"


class ProcessSpan:
    """Around the run of one process.

    Args:
        name: What runs, in a word.
        argv: Its command line: paths and options, of which none is a secret.
    """

    def __init__(self, name: str, argv: Sequence[str]) -> None:
        self._name = name
        self._argv = argv
        self._progress: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._span = _tracer.start_span(self._name, kind=trace.SpanKind.CLIENT)
        if self._span.is_recording():
            self._span.set_attribute("process.executable.name", Path(self._argv[0]).name)
            self._span.set_attribute("process.executable.path", self._argv[0])
            self._span.set_attribute(COMMAND, list(self._argv))
        return self

    def listening(self, sink: Callable[[str], None] | None) -> Callable[[str], None] | None:
        """The reader of its standard output, which here looks for FFmpeg's progress too."""
        if not self._span.is_recording():
            return sink

        def read(line: str) -> None:
            key, _, value = line.partition("=")
            if key in {"frame", "speed"}:
                self._progress[key] = value.strip()
            if sink is not None:
                sink(line)

        return read

    def ended(self, status: int, cpu_seconds: float) -> None:
        """It has ended by itself, or by a signal (a negative status)."""
        self._span.set_attribute(EXIT_CODE, status)
        self._span.set_attribute(CPU_SECONDS, cpu_seconds)
        if status != 0:
            self._span.set_attribute("error.type", str(status))
            self._span.set_status(trace.StatusCode.ERROR)

    def __exit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        if error is not None:
            self._span.set_attribute("error.type", type(error).__name__)
            self._span.set_status(trace.StatusCode.ERROR)
        for key, name, unit in (("speed", SPEED, "x"), ("frame", FRAMES, "")):
            number = self._progress.get(key, "").removesuffix(unit)
            # "N/A" where FFmpeg knows of none.
            if number.replace(".", "", 1).replace("e+", "", 1).isdecimal():
                self._span.set_attribute(name, float(number) if unit else int(number))
        self._span.end()
