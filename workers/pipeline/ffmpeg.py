"""Which FFmpeg is used."""

import re
import shutil
import subprocess
from pathlib import Path

import imageio_ffmpeg
import msgspec

from workers.pipeline.errors import HostFailure

_OLDEST = (6, 0)
_ENCODERS = ("libx264", "aac")


class Ffmpeg(msgspec.Struct, frozen=True):
    """An FFmpeg that can do the work. `version` is what it calls itself."""

    path: Path
    version: str


def find_ffmpeg(configured: Path | None = None) -> Ffmpeg:
    """The configured FFmpeg, else the system's when new enough, else the one of a wheel.

    Asks each candidate for its version and encoders, some 50 ms: call it once at start.

    Raises:
        HostFailure: The configured one cannot do the work, or there is none at all.
    """
    if configured is not None:
        return _examine(configured)
    if system := shutil.which("ffmpeg"):
        try:
            return _examine(Path(system))
        except HostFailure:
            pass  # too old or without an encoder: the wheel's is both new and complete
    try:
        bundled = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise HostFailure("ffmpeg_missing", "No FFmpeg was found; install FFmpeg 6.") from error
    return _examine(Path(bundled))


def _examine(path: Path) -> Ffmpeg:
    first_line = (_ask(path, "-version").splitlines() or [""])[0]
    version = first_line.removeprefix("ffmpeg version ").split(" ")[0]
    match = re.match(r"n?(\d+)\.(\d+)", version)
    # Builds from the main branch are named after a commit (N-12345-g...) and are newer.
    if match and (int(match[1]), int(match[2])) < _OLDEST:
        raise HostFailure("ffmpeg_unsuitable", f"{path} is FFmpeg {version}; 6.0 is needed.")
    encoders = set(re.findall(r"^ [VA]\S{5} (\S+)", _ask(path, "-encoders"), re.MULTILINE))
    if missing := [name for name in _ENCODERS if name not in encoders]:
        raise HostFailure("ffmpeg_unsuitable", f"{path} has no encoder {', '.join(missing)}.")
    return Ffmpeg(path=path.absolute(), version=version)


def _ask(path: Path, question: str) -> str:
    try:
        answer = subprocess.run(
            [str(path), "-hide_banner", "-v", "error", question]
            if question != "-version"
            else [str(path), question],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=20,
            text=True,
            env={"LANG": "C"},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise HostFailure("ffmpeg_missing", f"{path} cannot be run: {error}") from error
    return answer.stdout
