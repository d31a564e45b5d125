"""A small reader of ISO base media files: enough to cut fragments and to check them.

Box layout is that of ISO/IEC 14496-12; fragments (moof, tfhd, tfdt, trun) are its clause 8.8;
avcC is ISO/IEC 14496-15, esds ISO/IEC 14496-1. No size found in a file is trusted: boxes that
are read into memory are bounded, children must lie within their parent.
"""

import os
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import msgspec

_MAX_BOX_IN_MEMORY = 64 * 1024**2
_MAX_TOP_LEVEL_BOXES = 2_000_000
_MAX_SAMPLES = 4_000_000
_SAMPLE_IS_NON_SYNC = 0x10000


class Mp4Error(ValueError):
    """The bytes are not what ISO/IEC 14496-12 says."""


class Box(msgspec.Struct, frozen=True):
    """A box in a file: offsets in bytes from the file's start. `end` may lie beyond its end."""

    kind: str
    start: int
    body: int
    end: int


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


class TrackHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What a player learns from the init segment. `codecs` is an RFC 6381 string.

    `media_time` is what the first edit that shows anything takes off composition times.
    """

    handler: str
    timescale: int
    codecs: str
    width: int = 0
    height: int = 0
    channels: int = 0
    sample_rate: int = 0
    default_duration: int = 0
    default_flags: int = 0
    edits: int = 0
    media_time: int = 0


class Track(msgspec.Struct, frozen=True):
    """A fragmented file of one track. Its init segment is a file type and the moov box."""

    header: TrackHeader
    moov_offset: int
    moov_size: int
    fragments: tuple[Fragment, ...]


def shown_at(header: TrackHeader, fragment: Fragment) -> Fraction:
    """When a fragment's first sample is shown, in seconds."""
    return Fraction(fragment.first_presentation - header.media_time, header.timescale)


def top_level(file: BinaryIO, size: int) -> Iterator[Box]:
    """The boxes of a file in order. Stops at the end, or at the first that is no box."""
    at = 0
    for _ in range(_MAX_TOP_LEVEL_BOXES):
        if at + 8 > size:
            return
        file.seek(at)
        box = _box_header(file.read(16), at, size)
        if box is None:
            return
        yield box
        at = box.end


def _box_header(head: bytes, at: int, limit: int) -> Box | None:
    if len(head) < 8:
        return None
    length, kind = struct.unpack_from(">I4s", head)
    body = at + 8
    if length == 1:
        if len(head) < 16:
            return None
        (length,) = struct.unpack_from(">Q", head, 8)
        body = at + 16
    elif length == 0:
        length = limit - at
    if length < body - at or not all(0x20 <= c < 0x7F or c == 0xA9 for c in kind):
        return None
    return Box(kind.decode("latin-1"), at, body, at + length)


def children(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes within `data[start:end]`.

    Raises:
        Mp4Error: A child reaches beyond its parent.
    """
    at = start
    while at + 8 <= end:
        box = _box_header(data[at : min(at + 16, end)], at, end)
        if box is None or box.end > end:
            raise Mp4Error(f"a box at {at} reaches beyond its parent")
        yield box
        at = box.end


def find(data: bytes, path: str, start: int = 0, end: int | None = None) -> Box | None:
    """The first box at a path such as `trak/mdia/mdhd`, if any."""
    scope = Box("", start, start, len(data) if end is None else end)
    for kind in path.split("/"):
        found = next((b for b in children(data, scope.body, scope.end) if b.kind == kind), None)
        if found is None:
            return None
        scope = found
    return scope


def read_body(file: BinaryIO, box: Box) -> bytes:
    """The content of a box.

    Raises:
        Mp4Error: It is absurdly large or the file ends within it.
    """
    length = box.end - box.body
    if length > _MAX_BOX_IN_MEMORY:
        raise Mp4Error(f"a {box.kind} box of {length} bytes")
    file.seek(box.body)
    data = file.read(length)
    if len(data) != length:
        raise Mp4Error(f"the file ends within its {box.kind} box")
    return data


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


def read_header(moov: bytes) -> TrackHeader:
    """Read the first track's header from the content of a moov box.

    Raises:
        Mp4Error: A box that must be there is not.
    """
    try:
        return _header(moov)
    except (struct.error, IndexError) as error:
        raise Mp4Error("a malformed moov box") from error


def _header(moov: bytes) -> TrackHeader:
    trak = _need(moov, "trak")
    hdlr = _need(moov, "mdia/hdlr", trak)
    mdhd = _need(moov, "mdia/mdhd", trak)
    stsd = _need(moov, "mdia/minf/stbl/stsd", trak)
    handler = moov[hdlr.body + 8 : hdlr.body + 12].decode("latin-1")
    version = moov[mdhd.body]
    (timescale,) = struct.unpack_from(">I", moov, mdhd.body + (20 if version == 1 else 12))
    if timescale == 0:
        raise Mp4Error("a timescale of 0")
    entry = next(children(moov, stsd.body + 8, stsd.end), None)
    if entry is None:
        raise Mp4Error("no sample entry")
    trex = find(moov, "mvex/trex")
    duration, flags = (0, 0) if trex is None else struct.unpack_from(">I4xI", moov, trex.body + 12)
    edits, media_time = _edits(moov, trak)
    if handler == "vide":
        width, height = struct.unpack_from(">HH", moov, entry.body + 24)
        return TrackHeader(
            handler=handler,
            timescale=timescale,
            codecs=_avc_codecs(moov, entry),
            width=width,
            height=height,
            default_duration=duration,
            default_flags=flags,
            edits=edits,
            media_time=media_time,
        )
    channels, rate = struct.unpack_from(">H6xI", moov, entry.body + 16)
    return TrackHeader(
        handler=handler,
        timescale=timescale,
        codecs=_aac_codecs(moov, entry),
        channels=channels,
        sample_rate=rate >> 16,
        default_duration=duration,
        default_flags=flags,
        edits=edits,
        media_time=media_time,
    )


def _edits(data: bytes, trak: Box) -> tuple[int, int]:
    """How many edits an elst box lists, and the media time of the first that is not empty."""
    elst = find(data, "edts/elst", trak.body, trak.end)
    if elst is None:
        return 0, 0
    entry = ">Qqhh" if data[elst.body] == 1 else ">Iihh"
    (count,) = struct.unpack_from(">I", data, elst.body + 4)
    if elst.body + 8 + count * struct.calcsize(entry) > elst.end:
        raise Mp4Error("an elst box that promises more edits than it holds")
    rows = struct.iter_unpack(
        entry, data[elst.body + 8 : elst.body + 8 + count * struct.calcsize(entry)]
    )
    return count, next((row[1] for row in rows if row[1] >= 0), 0)


def _need(data: bytes, path: str, within: Box | None = None) -> Box:
    found = find(data, path, within.body, within.end) if within else find(data, path)
    if found is None:
        raise Mp4Error(f"no {path} box")
    return found


def _avc_codecs(data: bytes, entry: Box) -> str:
    # A visual sample entry has 78 bytes before its boxes (14496-12, 12.1.3).
    config = find(data, "avcC", entry.body + 78, entry.end)
    if config is None:
        raise Mp4Error(f"a sample entry {entry.kind} without avcC")
    profile, compatibility, level = data[config.body + 1 : config.body + 4]
    return f"{entry.kind}.{profile:02x}{compatibility:02x}{level:02x}"


def _aac_codecs(data: bytes, entry: Box) -> str:
    # An audio sample entry has 28 bytes before its boxes (14496-12, 12.2.3).
    esds = find(data, "esds", entry.body + 28, entry.end)
    if esds is None:
        raise Mp4Error(f"a sample entry {entry.kind} without esds")
    at, end = esds.body + 4, esds.end
    object_type, audio_type = 0, 0
    while at + 2 <= end:
        tag = data[at]
        at += 1
        length = 0
        while at < end:  # expandable size, 14496-1, 8.3.3
            byte = data[at]
            at += 1
            length = length << 7 | byte & 0x7F
            if byte < 0x80:
                break
        if tag == 0x03 and at + 3 <= end:  # ES_Descriptor: its children follow the fixed fields
            flags = data[at + 2]
            at += 3 + (2 if flags & 0x80 else 0) + (2 if flags & 0x20 else 0)
        elif tag == 0x04 and at + 13 <= end:  # DecoderConfigDescriptor
            object_type = data[at]
            at += 13
        elif tag == 0x05 and at < end:  # AudioSpecificConfig: five bits of object type
            audio_type = data[at] >> 3
            break
        else:
            at += length
    return f"{entry.kind}.{object_type:02x}.{audio_type}"


def _fragment(header: TrackHeader, moof: bytes, start: int, end: int) -> Fragment:
    traf = _need(moof, "traf")
    tfhd = _need(moof, "tfhd", traf)
    tfdt = _need(moof, "tfdt", traf)
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
