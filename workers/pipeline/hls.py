"""Writes HLS playlists (RFC 8216, with what draft-pantos-hls-rfc8216bis says of CMAF)."""

import math
from collections.abc import Sequence

from workers.pipeline.renditions import Rendition
from workers.pipeline.segments import SlicedTrack

_HEAD = ("#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS")


def target_duration(tracks: Sequence[SlicedTrack]) -> int:
    """Whole seconds no segment exceeds; one for all renditions, so that players switch smoothly."""
    longest = max(s.duration / t.header.timescale for t in tracks for s in t.segments)
    return max(1, math.ceil(longest - 1e-6))


def media_playlist(track: SlicedTrack, target: int) -> str:
    """The playlist of one rendition; lies beside its segments."""
    seconds = [segment.duration / track.header.timescale for segment in track.segments]
    lines = [
        *_HEAD,
        "#EXT-X-PLAYLIST-TYPE:VOD",
        f"#EXT-X-TARGETDURATION:{target}",
        "#EXT-X-MEDIA-SEQUENCE:1",
        '#EXT-X-MAP:URI="init.mp4"',
    ]
    for segment, length in zip(track.segments, seconds, strict=True):
        lines += [f"#EXTINF:{length:.6f},", segment.name]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def multivariant_playlist(renditions: Sequence[Rendition]) -> str:
    """The playlist a player opens; lies above the renditions' folders."""
    sound = next((r for r in renditions if r.kind == "audio"), None)
    pictures = [r for r in renditions if r.kind == "video"]
    lines = list(_HEAD)
    if sound is not None and pictures:
        attributes = [
            "TYPE=AUDIO",
            'GROUP-ID="audio"',
            f'NAME="{sound.language or "Sound"}"',
            *([f'LANGUAGE="{sound.language}"'] if sound.language else []),
            "DEFAULT=YES",
            "AUTOSELECT=YES",
            f'CHANNELS="{sound.channels}"',
            f'URI="{sound.name}/index.m3u8"',
        ]
        lines.append(f"#EXT-X-MEDIA:{','.join(attributes)}")
    for rendition in pictures or ([sound] if sound else []):
        lines.append(f"#EXT-X-STREAM-INF:{','.join(_variant(rendition, sound))}")
        lines.append(f"{rendition.name}/index.m3u8")
    return "\n".join([*lines, ""])


def _variant(rendition: Rendition, sound: Rendition | None) -> list[str]:
    beside = sound if sound is not None and rendition.kind == "video" else None
    codecs = [rendition.codecs, *([beside.codecs] if beside else [])]
    extra = beside.bandwidth if beside else 0
    extra_average = beside.average_bandwidth if beside else 0
    attributes = [
        f"BANDWIDTH={rendition.bandwidth + extra}",
        f"AVERAGE-BANDWIDTH={rendition.average_bandwidth + extra_average}",
        f'CODECS="{",".join(codecs)}"',
    ]
    if rendition.kind == "video":
        attributes.append(f"RESOLUTION={rendition.width}x{rendition.height}")
        if rendition.frame_rate:
            attributes.append(f"FRAME-RATE={rendition.frame_rate:.3f}")
    if beside is not None:
        attributes.append('AUDIO="audio"')
    return attributes
