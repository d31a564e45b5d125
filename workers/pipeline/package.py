"""Makes one set of CMAF segments playable by HLS and DASH."""

from pathlib import Path

import msgspec

from workers.pipeline import dash, hls
from workers.pipeline.boxes import Mp4Error
from workers.pipeline.command import track_path
from workers.pipeline.errors import HostFailure
from workers.pipeline.plan import Plan
from workers.pipeline.renditions import Rendition, of_picture, of_sound
from workers.pipeline.segments import SlicedTrack, slice_track

MASTER = "master.m3u8"
MANIFEST = "manifest.mpd"

CONTENT_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".mp4": "video/mp4",
    ".m4s": "video/iso.segment",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".vtt": "text/vtt",
}


class Package(msgspec.Struct, frozen=True):
    """What was made. `files` are paths relative to the package's root, manifests last.

    Uploaded in this order, no manifest ever names a segment that is not there.
    """

    renditions: tuple[Rendition, ...]
    files: tuple[str, ...]
    duration_ms: int
    size_bytes: int


def package(tracks_dir: Path, plan: Plan, out_dir: Path) -> Package:
    """Cut the track files of an encode and write playlists and manifest. Blocks on the disk.

    Args:
        tracks_dir: Where `encode` left its track files.
        plan: The plan they were made by.
        out_dir: Root of the package; made if missing. All URIs are relative to it.

    Raises:
        HostFailure: A track file is missing, or is not what the plan says.
    """
    ladder = plan.ladder
    tracks: list[tuple[Rendition, SlicedTrack]] = []
    for rung in ladder.rungs:
        sliced = _slice(tracks_dir, rung.name, plan, out_dir)
        tracks.append((of_picture(rung, ladder.frame_rate, sliced), sliced))
    if ladder.audio is not None:
        sliced = _slice(tracks_dir, ladder.audio.name, plan, out_dir)
        tracks.append((of_sound(ladder.audio, sliced), sliced))
    renditions = tuple(rendition for rendition, _ in tracks)
    target = hls.target_duration([sliced for _, sliced in tracks])
    files: list[str] = []
    for rendition, sliced in tracks:
        folder = out_dir / rendition.name
        (folder / "index.m3u8").write_text(hls.media_playlist(sliced, target))
        names = ["init.mp4", *(segment.name for segment in sliced.segments)]
        files += [f"{rendition.name}/{name}" for name in names]
    files += [f"{rendition.name}/index.m3u8" for rendition in renditions]
    (out_dir / MANIFEST).write_bytes(dash.manifest(tracks, ladder.frame_rate))
    (out_dir / MASTER).write_text(hls.multivariant_playlist(renditions))
    return Package(
        renditions=renditions,
        files=(*files, MANIFEST, MASTER),
        duration_ms=max(rendition.duration_ms for rendition in renditions),
        size_bytes=sum(rendition.size_bytes for rendition in renditions),
    )


def _slice(tracks_dir: Path, name: str, plan: Plan, out_dir: Path) -> SlicedTrack:
    try:
        sliced = slice_track(track_path(tracks_dir, name), plan.boundaries_ms, out_dir / name)
    except (Mp4Error, FileNotFoundError) as error:
        raise HostFailure(
            "track_broken", f"The track {name} cannot be packaged: {error}"
        ) from error
    if not sliced.segments:
        raise HostFailure("track_empty", f"The track {name} came out empty.")
    return sliced
