"""Looks over the boxes of an MP4 or QuickTime file before a demuxer does."""

import struct
from pathlib import Path

from workers.pipeline.boxes import Box, Mp4Error, children, find, read_body, top_level
from workers.pipeline.errors import BadInput

_PICTURES = {b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"jp2 ", b"crx "}
_HUGE_SIDE = 16_384
_HUGE_PIXELS = 64_000_000


def sniff_iso(path: Path, size: int) -> float:
    """Check that the file has an index, data, and a picture of a sane size.

    Returns:
        The share of the declared data that is missing at the file's end, 0 to 1.

    Raises:
        BadInput: It has no index, refers to other files, or declares an absurd picture.
    """
    with path.open("rb") as file:
        boxes: list[Box] = []
        for box in top_level(file, size):
            boxes.append(box)
            if len(boxes) == 1 and box.kind == "ftyp":
                file.seek(box.body)
                if file.read(4) in _PICTURES:
                    raise BadInput("not_media", "This is a picture, not a video.")
        kinds = {box.kind for box in boxes}
        last = boxes[-1] if boxes else None
        if "moov" not in kinds and "mdat" not in kinds:
            raise BadInput(
                "not_media", "This looks like an MP4 file at its start, but holds no video."
            )
        moov = next((box for box in boxes if box.kind == "moov"), None)
        if moov is None or moov.end > size:
            raise BadInput(
                "truncated",
                "The file ends before its index. The upload or the recording broke off; "
                "upload it again.",
            )
        try:
            _check_pictures(read_body(file, moov))
        except (Mp4Error, struct.error, IndexError) as error:
            raise BadInput("not_media", f"The index of the file is damaged ({error}).") from error
    if last is None or last.end <= size:
        return 0.0
    return (last.end - size) / (last.end - last.start)


def _check_pictures(moov: bytes) -> None:
    """Refuse dimensions that no camera makes, from tkhd and the sample entries (14496-12)."""
    if find(moov, "rmra") is not None:
        raise BadInput(
            "playlist_refused", "This file only refers to other files. Upload the video itself."
        )
    for trak in (b for b in children(moov, 0, len(moov)) if b.kind == "trak"):
        hdlr = find(moov, "mdia/hdlr", trak.body, trak.end)
        if hdlr is None or moov[hdlr.body + 8 : hdlr.body + 12] != b"vide":
            continue
        sides: list[tuple[int, int]] = []
        tkhd = find(moov, "tkhd", trak.body, trak.end)
        if tkhd is not None and tkhd.end - tkhd.body >= 84:
            width, height = struct.unpack_from(">II", moov, tkhd.end - 8)
            sides.append((width >> 16, height >> 16))
        stsd = find(moov, "mdia/minf/stbl/stsd", trak.body, trak.end)
        if stsd is not None:
            sides += [
                struct.unpack_from(">HH", moov, entry.body + 24)
                for entry in children(moov, stsd.body + 8, stsd.end)
                if entry.end - entry.body >= 78
            ]
        for width, height in sides:
            if max(width, height) > _HUGE_SIDE or width * height > _HUGE_PIXELS:
                raise BadInput(
                    "too_many_pixels",
                    f"The picture claims to be {width} x {height} pixels, more than can be played. "
                    "Export it in 4K or smaller.",
                )
