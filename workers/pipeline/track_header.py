"""What the moov box tells of a track (ISO/IEC 14496-12, 8.3 to 8.5).

The codecs' own boxes are those of ISO/IEC 14496-15 (avcC) and ISO/IEC 14496-1 (esds).
"""

import struct

import msgspec

from workers.pipeline.boxes import Box, Mp4Error, children, find, need


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
    trak = need(moov, "trak")
    hdlr = need(moov, "mdia/hdlr", trak)
    mdhd = need(moov, "mdia/mdhd", trak)
    stsd = need(moov, "mdia/minf/stbl/stsd", trak)
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
