"""What a file is, by its first bytes, before any demuxer sees it.

FFmpeg guesses formats, and some formats (playlists, DASH manifests, concat scripts) name further
files to open. So the guess is made here, from a short list, and FFmpeg is told the answer.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from workers.pipeline.declared import missing_share
from workers.pipeline.errors import BadInput
from workers.pipeline.sniff_iso import sniff_iso

_HEAD_BYTES = 4096
_EXPORT = "Export it as MP4 (H.264, AAC) and upload that."


class Sniffed(msgspec.Struct, frozen=True):
    """The demuxer to force (`-f`), and the share of the file that is missing at its end."""

    demuxer: str
    missing: float = 0.0


def sniff(path: Path) -> Sniffed:
    """Tell the format of a file by its content.

    Raises:
        BadInput: Not one of the accepted formats, or visibly cut off.
    """
    size = path.stat().st_size
    if size == 0:
        raise BadInput("empty_file", "The file is empty (0 bytes). Upload it again.")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    _refuse(head)
    if head[4:8] in _ISO_FIRST_BOXES:
        return Sniffed("mov", sniff_iso(path, size))
    for matches, demuxer in _ACCEPTED:
        if matches(head):
            return Sniffed(demuxer, missing_share(head, demuxer, size))
    if head.lstrip(b"\x00") == b"":
        raise BadInput("not_media", "The file holds nothing but zeros. Upload it again.")
    raise BadInput("not_media", f"This is not a video in a known format. {_EXPORT}")


_ISO_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}


def _is_transport_stream(head: bytes) -> bool:
    # ISO/IEC 13818-1: packets of 188 bytes that begin with 0x47; M2TS puts 4 bytes before each.
    return any(
        len(head) > first + 4 * step and all(head[first + n * step] == 0x47 for n in range(5))
        for first, step in ((0, 188), (4, 192))
    )


def _is_mpeg_audio(head: bytes) -> bool:
    # ISO/IEC 11172-3: 11 set bits, then layer, bit rate and sampling rate that are not reserved.
    return (
        len(head) > 3
        and head[0] == 0xFF
        and head[1] & 0xE0 == 0xE0
        and head[1] & 0x18 != 0x08
        and head[1] & 0x06 != 0
        and head[2] & 0xF0 not in {0x00, 0xF0}
        and head[2] & 0x0C != 0x0C
    )


_ACCEPTED: tuple[tuple[Callable[[bytes], bool], str], ...] = (
    (
        lambda h: h[:4] == b"\x1a\x45\xdf\xa3" and (b"webm" in h[:64] or b"matroska" in h[:64]),
        "matroska",
    ),
    (lambda h: h[:4] == b"RIFF" and h[8:12] == b"AVI ", "avi"),
    (lambda h: h[:4] == b"RIFF" and h[8:12] == b"WAVE", "wav"),
    (lambda h: h[:4] == b"FLV\x01", "flv"),
    (lambda h: h[:16] == bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "asf"),
    (_is_transport_stream, "mpegts"),
    (lambda h: h[:4] == b"OggS", "ogg"),
    (lambda h: h[:4] == b"fLaC", "flac"),
    (lambda h: h[:3] == b"ID3", "mp3"),
    (_is_mpeg_audio, "mp3"),
)

_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"8BPS")
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")


def _refuse(head: bytes) -> None:
    if head.startswith(_ARCHIVES):
        raise BadInput(
            "not_media", "This is an archive, not a video. Unpack it and upload the video itself."
        )
    if head.startswith(_IMAGES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        raise BadInput("not_media", "This is a picture, not a video.")
    if head.startswith(b"%PDF"):
        raise BadInput("not_media", "This is a PDF document, not a video.")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    playlists = (b"#extm3u", b"ffconcat", b"[playlist]", b"v=0")
    if text.startswith(playlists) or (text.startswith(b"<") and b"<mpd" in text):
        raise BadInput(
            "playlist_refused",
            "This is a playlist: it names other files and holds no video. Upload the video itself.",
        )
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"{", b"<svg")):
        raise BadInput("not_media", "This is a web page or a document, not a video.")
    if len(head) > 8 and all(c in _TEXT for c in head):
        raise BadInput("not_media", "This is a text file, not a video.")


_TEXT = frozenset({9, 10, 12, 13, *range(0x20, 0x7F), *range(0x80, 0x100)})
