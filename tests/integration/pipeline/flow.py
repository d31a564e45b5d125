"""A video's whole way through the pipeline, as the workers' actors walk it."""

from dataclasses import dataclass
from pathlib import Path

import av

from workers.pipeline.conformance import Report, verify
from workers.pipeline.encode import encode
from workers.pipeline.ffmpeg import Ffmpeg
from workers.pipeline.images import ImageFile, make_images
from workers.pipeline.ladder import Profile, plan_ladder
from workers.pipeline.limits import Limits
from workers.pipeline.media import Probe
from workers.pipeline.package import Package, package
from workers.pipeline.plan import Plan, plan_work
from workers.pipeline.probe import probe
from workers.pipeline.progress import Progress

PROFILE = Profile()


@dataclass(frozen=True)
class Made:
    probe: Probe
    plan: Plan
    package: Package
    images: tuple[ImageFile, ...]
    report: Report
    progress: tuple[Progress, ...]
    tracks: Path
    folder: Path

    @property
    def sizes(self) -> list[tuple[int | None, int | None]]:
        return [(r.width, r.height) for r in self.package.renditions if r.kind == "video"]

    @property
    def notes(self) -> set[str]:
        return {note.code for note in self.probe.notes}

    def playable(self, name: str) -> Path:
        """A rendition's segments behind its init segment, in one file."""
        folder = self.folder / name
        joined = self.folder / f"{name}.joined.mp4"
        parts = [folder / "init.mp4", *sorted(folder.glob("seg_*.m4s"))]
        joined.write_bytes(b"".join(part.read_bytes() for part in parts))
        return joined


async def walk(program: Ffmpeg, source: Path, scratch: Path, profile: Profile = PROFILE) -> Made:
    limits = Limits()
    found = await probe(source, limits)
    plan = plan_work(found, plan_ladder(found, profile), profile)
    tracks, folder = scratch / "tracks", scratch / "package"
    tracks.mkdir(exist_ok=True)
    seen: list[Progress] = []
    await encode(program, source, found, plan, tracks, limits=limits, on_progress=seen.append)
    packed = package(tracks, plan, folder)
    images = await make_images(program, tracks, plan, folder / "images", limits=limits)
    report = verify(folder, plan, found)
    return Made(found, plan, packed, images, report, tuple(seen), tracks, folder)


def decode_video(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def audio_times(path: Path) -> tuple[float, float]:
    """Start and end in seconds of what a decoder gives for a track of sound."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    last = frames[-1]
    assert frames[0].time is not None
    assert last.time is not None
    return frames[0].time, last.time + last.samples / last.sample_rate
