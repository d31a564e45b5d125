"""Small clips, made by FFmpeg when a test first asks for them."""

import subprocess
from pathlib import Path

from workers.pipeline.ffmpeg import Ffmpeg

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
AAC = ("-c:a", "aac")


def picture(size: str = "640x360", rate: str = "30", seconds: float = 2) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}")


def tone(seconds: float = 2, rate: int = 48_000) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}:sample_rate={rate}")


class Clips:
    """Makes each clip once."""

    def __init__(self, program: Ffmpeg, folder: Path) -> None:
        self._program = program
        self.folder = folder

    def make(self, name: str, *arguments: str) -> Path:
        path = self.folder / name
        if not path.exists():
            argv = [str(self._program.path), "-v", "error", "-nostdin", "-y", *arguments]
            subprocess.run([*argv, f"file:{path}"], check=True, stdin=subprocess.DEVNULL)
        return path

    def plain(self, seconds: float = 6) -> Path:
        """H.264 and AAC as a phone's editor exports them: a rendition equal to it is copied."""
        gop = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "60")
        arguments = (*picture(seconds=seconds), *tone(seconds), *gop, *AAC)
        return self.make(f"plain-{seconds}.mp4", *arguments)
