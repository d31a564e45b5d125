"""Reads fragmented MP4: enough to cut fragments and to check them.

Fragments (moof, tfhd, tfdt, trun) are those of ISO/IEC 14496-12, 8.8.
"""

import os
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import msgspec

from workers.pipeline.boxes import Box, Mp4Error, children, need, read_body, top_level
from workers.pipeline.track_header import TrackHeader, read_header

_MAX_SAMPLES = 4_000_000
_SAMPLE_IS_NON_SYNC = 0x10000


class Fragment(msgspec.Struct, frozen=True):
    """One moof with its mdat, counted in the track's timescale.

    `start` is the decode time of its first sample, `first_presentation` that sample's
    composition time, before edits.
    """

    offset: int
    size: int
    start: int
    first_presentation: int
    duration: int
    samples: int
    starts_with_sync: bool


class Track(msgspec.Struct, frozen=True):
    """A fragmented file of one track. Its init segment is a file type and the moov box."""

    header: TrackHeader
    moov_offset: int
    moov_size: int
    fragments: tuple[Fragment, ...]


def shown_at(header: TrackHeader, fragment: Fragment) -> Fraction:
    """When a fragment's first sample is shown, in seconds."""
    return Fraction(fragment.first_presentation - header.media_time, header.timescale)


def read_track(path: Path) -> Track:
    """Read a fragmented file that holds one track.

    Raises:
        Mp4Error: It is something else.
    """
    with path.open("rb") as file:
        moov = next((box for box in _boxes(file) if box.kind == "moov"), None)
        if moov is None:
            raise Mp4Error("no moov box")
        header = read_header(read_body(file, moov))
        return Track(header, moov.start, moov.end - moov.start, tuple(_fragments(file, header)))


def read_fragments(path: Path, header: TrackHeader) -> tuple[Fragment, ...]:
    """Read the fragments of a media segment, whose header lies in another file.

    Raises:
        Mp4Error: The segment is malformed.
    """
    with path.open("rb") as file:
        return tuple(_fragments(file, header))


def _boxes(file: BinaryIO) -> Iterator[Box]:
    size = file.seek(0, os.SEEK_END)
    for box in top_level(file, size):
        if box.end > size:
            raise Mp4Error(f"the file ends within its {box.kind} box")
        yield box


def _fragments(file: BinaryIO, header: TrackHeader) -> Iterator[Fragment]:
    pending: Box | None = None
    for box in _boxes(file):
        if box.kind == "moof":
            pending = box
        elif box.kind == "mdat" and pending is not None:
            try:
                yield _fragment(header, read_body(file, pending), pending.start, box.end)
            except (struct.error, IndexError) as error:
                raise Mp4Error(f"a malformed moof box at {pending.start}") from error
            pending = None


def _fragment(header: TrackHeader, moof: bytes, start: int, end: int) -> Fragment:
    traf = need(moof, "traf")
    tfhd = need(moof, "tfhd", traf)
    tfdt = need(moof, "tfdt", traf)
    flags = int.from_bytes(moof[tfhd.body + 1 : tfhd.body + 4], "big")
    at = tfhd.body + 8 + (8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0)
    duration, sample_flags = header.default_duration, header.default_flags
    if flags & 0x8:
        (duration,) = struct.unpack_from(">I", moof, at)
        at += 4
    if flags & 0x10:
        at += 4
    if flags & 0x20:
        (sample_flags,) = struct.unpack_from(">I", moof, at)
    wide = moof[tfdt.body] == 1
    (decode_time,) = struct.unpack_from(">Q" if wide else ">I", moof, tfdt.body + 4)
    total = samples = 0
    first_flags, first_offset = sample_flags, 0
    for box in children(moof, traf.body, traf.end):
        if box.kind != "trun":
            continue
        run = _run(moof, box, duration, sample_flags)
        if samples == 0:
            first_flags, first_offset = run.first_flags, run.first_offset
        total += run.duration
        samples += run.samples
    return Fragment(
        offset=start,
        size=end - start,
        start=decode_time,
        first_presentation=decode_time + first_offset,
        duration=total,
        samples=samples,
        starts_with_sync=samples > 0 and not first_flags & _SAMPLE_IS_NON_SYNC,
    )


class _Run(msgspec.Struct, frozen=True):
    samples: int
    duration: int
    first_flags: int
    first_offset: int


def _run(moof: bytes, box: Box, default_duration: int, default_flags: int) -> _Run:
    """Read a trun box (14496-12, 8.8.8)."""
    version = moof[box.body]
    flags = int.from_bytes(moof[box.body + 1 : box.body + 4], "big")
    (samples,) = struct.unpack_from(">I", moof, box.body + 4)
    at = box.body + 8 + (4 if flags & 0x1 else 0)
    first_flags, first_offset = default_flags, 0
    if flags & 0x4:
        (first_flags,) = struct.unpack_from(">I", moof, at)
        at += 4
    fields = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
    stride = 4 * len(fields)
    if samples > _MAX_SAMPLES or at + samples * stride > box.end:
        raise Mp4Error("a trun box that promises more samples than it holds")
    table = memoryview(moof)[at : at + samples * stride]
    if samples and flags & 0x400:
        (first_flags,) = struct.unpack_from(">I", table, 4 * fields.index(0x400))
    if samples and flags & 0x800:
        kind = ">I" if version == 0 else ">i"
        (first_offset,) = struct.unpack_from(kind, table, 4 * fields.index(0x800))
    duration = default_duration * samples
    if flags & 0x100:
        duration = sum(row[0] for row in struct.iter_unpack(f">I{stride - 4}x", table))
    return _Run(samples, duration, first_flags, first_offset)
