"""Cuts track files into segments. Bytes are copied, never changed."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

import msgspec

from workers.pipeline.mp4 import Fragment, Track, read_track, shown_at
from workers.pipeline.track_header import TrackHeader

_COPY_BYTES = 1024**2
# ISO/IEC 14496-12, 8.16.2: says that this is a media segment; the brand is DASH's.
_STYP = b"\x00\x00\x00\x18stypmsdh\x00\x00\x00\x00msdhmsix"


# 14496-12, 4.3 and ISO/IEC 23000-19, 7.2: an ISO file whose track is a CMAF track.
_FTYP = b"\x00\x00\x00\x1cftypiso6\x00\x00\x00\x00iso6cmfcmp41"


class Segment(msgspec.Struct, frozen=True):
    """A file `name`; `start` and `duration` count in the track's timescale."""

    name: str
    start: int
    duration: int
    size: int


class SlicedTrack(msgspec.Struct, frozen=True):
    """A track as an init segment (`init.mp4`) of `init_size` bytes and media segments."""

    header: TrackHeader
    init_size: int
    segments: tuple[Segment, ...]

    @property
    def duration(self) -> int:
        """In the track's timescale, from 0 to the end of the last segment."""
        last = self.segments[-1]
        return last.start + last.duration

    @property
    def size(self) -> int:
        return self.init_size + sum(segment.size for segment in self.segments)

    def average_bit_rate(self) -> int:
        seconds = sum(s.duration for s in self.segments) / self.header.timescale
        return round(sum(s.size for s in self.segments) * 8 / seconds) if seconds else 0

    def peak_bit_rate(self) -> int:
        """The highest rate of a segment (RFC 8216, 4.3.4.2).

        Segments shorter than half the longest do not count, as they fit into a buffer.
        """
        longest = max(s.duration for s in self.segments)
        rates = (
            s.size * 8 * self.header.timescale / s.duration
            for s in self.segments
            if s.duration * 2 >= longest and s.duration
        )
        return max((round(rate) for rate in rates), default=0)


def slice_track(source: Path, boundaries_ms: Sequence[int], out_dir: Path) -> SlicedTrack:
    """Write `init.mp4` and `seg_00001.m4s`, ... of a track file.

    Args:
        source: A fragmented file of one track.
        boundaries_ms: Where segments should start; each fragment goes to the nearest.
        out_dir: Made if missing; files of an earlier attempt are overwritten.

    Raises:
        Mp4Error: The source is malformed or holds nothing.
    """
    track = read_track(source)
    out_dir.mkdir(parents=True, exist_ok=True)
    segments: list[Segment] = []
    with source.open("rb") as file:
        with (out_dir / "init.mp4").open("wb") as init:
            init.write(_FTYP)
            _copy(file, track.moov_offset, track.moov_size, init)
            init_size = init.tell()
        for group in group_fragments(track, boundaries_ms):
            name = f"seg_{len(segments) + 1:05d}.m4s"
            with (out_dir / name).open("wb") as out:
                out.write(_STYP)
                for fragment in group:
                    _copy(file, fragment.offset, fragment.size, out)
                size = out.tell()
            duration = sum(fragment.duration for fragment in group)
            segments.append(Segment(name, group[0].start, duration, size))
    return SlicedTrack(track.header, init_size, tuple(segments))


def group_fragments(track: Track, boundaries_ms: Sequence[int]) -> list[list[Fragment]]:
    """Put fragments together that belong between the same two boundaries.

    A fragment that starts nearer to the next boundary than half its length belongs after it.
    """

    def index(fragment: Fragment) -> int:
        start_ms = float(shown_at(track.header, fragment)) * 1000
        length_ms = fragment.duration * 1000 / track.header.timescale
        # At most half a second: that is how far a long fragment may lie off, too.
        return max(0, bisect_right(boundaries_ms, start_ms + min(500.0, length_ms / 2)) - 1)

    return [list(group) for _, group in groupby(track.fragments, key=index)]


def _copy(source: BinaryIO, offset: int, size: int, target: BinaryIO) -> None:
    source.seek(offset)
    while size > 0:
        data = source.read(min(size, _COPY_BYTES))
        target.write(data)
        size -= len(data)
