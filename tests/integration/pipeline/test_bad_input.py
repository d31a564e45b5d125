"""Files that cannot become streams are refused, soon, with a reason a person understands."""

import struct
import time
import zipfile
from pathlib import Path

import pytest

from tests.media.clips import X264, Clips, picture, tone
from workers.pipeline.errors import BadInput
from workers.pipeline.limits import Limits
from workers.pipeline.probe import probe

JARGON = ("moov", "ftyp", "stsd", "pts", "Traceback", "errno")


async def refused(path: Path, limits: Limits) -> BadInput:
    started = time.monotonic()
    with pytest.raises(BadInput) as caught:
        await probe(path, limits)
    assert time.monotonic() - started < 10
    assert caught.value.message[0].isupper()
    assert caught.value.message.endswith(".")
    assert not any(word in caught.value.message for word in JARGON)
    return caught.value


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
MPD = (
    b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet>'
    b"<Representation><BaseURL>file:///etc/passwd</BaseURL></Representation></AdaptationSet>"
    b"</Period></MPD>"
)
FTYP = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"\x00" * 5000, "not_media"),
        (b"just some notes\n" * 50, "not_media"),
        ("\N{BYTE ORDER MARK}Grüße\n".encode(), "not_media"),
        (PLAYLIST, "playlist_refused"),
        (b"\n \n" + PLAYLIST, "playlist_refused"),
        (b"\xef\xbb\xbf" + PLAYLIST, "playlist_refused"),
        (MPD, "playlist_refused"),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "playlist_refused"),
        (b"v=0\r\no=- 0 0 IN IP4 10.0.0.1\r\n", "playlist_refused"),
        (b"<!DOCTYPE html><html></html>", "not_media"),
        (b"%PDF-1.7\n" + bytes(100), "not_media"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not_media"),
        (FTYP + PLAYLIST, "not_media"),
        (FTYP + MPD, "not_media"),
        (FTYP + struct.pack(">I4s", 2**31, b"mdat") + bytes(100), "truncated"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1" + bytes(50), "not_media"),
        (bytes(range(7, 256)) * 20, "not_media"),
        (b"\x1a\x45\xdf\xa3" + b"\x00" * 300, "not_media"),
        (b"RIFF\xff\xff\xff\x7fAVI LIST" + bytes(500), "truncated"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(500), "undecodable"),
        (b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00", "undecodable"),
    ],
)
async def test_wrong_content_under_the_name_of_a_video(
    tmp_path: Path, limits: Limits, content: bytes, code: str
) -> None:
    path = tmp_path / "holiday.mp4"
    path.write_bytes(content)
    assert (await refused(path, limits)).code == code


async def test_a_zip_bomb(tmp_path: Path, limits: Limits) -> None:
    path = tmp_path / "film.mp4"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("film.mp4", bytes(5_000_000))
    assert (await refused(path, limits)).code == "not_media"


@pytest.mark.parametrize("faststart", [False, True])
async def test_a_truncated_mp4(
    clips: Clips, tmp_path: Path, limits: Limits, faststart: bool
) -> None:
    flags = ("-movflags", "+faststart") if faststart else ()
    whole = clips.make(f"whole-{faststart}.mp4", *picture(), *tone(), *X264, "-c:a", "aac", *flags)
    data = whole.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) * 6 // 10])
    error = await refused(cut, limits)
    assert error.code == "truncated"
    assert "again" in error.message


@pytest.mark.parametrize(
    ("name", "codec"),
    [("whole.avi", "mpeg4"), ("whole.mkv", "mpeg4"), ("whole.webm", "libvpx"), ("w.wmv", "wmv2")],
)
async def test_other_formats_cut_in_half(
    clips: Clips, tmp_path: Path, limits: Limits, name: str, codec: str
) -> None:
    data = clips.make(name, *picture("320x240"), "-c:v", codec).read_bytes()
    cut = tmp_path / name
    cut.write_bytes(data[: len(data) // 2])
    assert (await refused(cut, limits)).code == "truncated"


@pytest.mark.parametrize(
    ("name", "codecs"), [("cut.flv", ("-c:v", "flv", "-an")), ("cut.mp3", ("-vn",))]
)
async def test_formats_that_only_tell_their_duration_cut_in_half(
    clips: Clips, tmp_path: Path, limits: Limits, name: str, codecs: tuple[str, ...]
) -> None:
    sources = (*picture("320x240", seconds=6), *tone(6))
    data = clips.make(f"whole-{name}", *sources, *codecs).read_bytes()
    cut = tmp_path / name
    cut.write_bytes(data[: len(data) // 2])
    error = await refused(cut, limits)
    assert error.code == "truncated"
    assert "6.0 seconds" in error.message


async def test_an_mp4_that_claims_64k_by_64k(clips: Clips, tmp_path: Path, limits: Limits) -> None:
    data = bytearray(clips.make("size.mp4", *picture("320x240"), *X264).read_bytes())
    entry = data.index(b"avc1", data.index(b"stsd")) + 4 + 24
    struct.pack_into(">HH", data, entry, 65_535, 65_535)
    path = tmp_path / "huge.mp4"
    path.write_bytes(data)
    assert (await refused(path, limits)).code == "too_many_pixels"


async def test_a_matroska_of_jpegs_that_claim_64k_by_64k(
    clips: Clips, tmp_path: Path, limits: Limits
) -> None:
    jpegs = ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-huffman", "default")
    data = bytearray(clips.make("jpeg.mkv", *picture("320x240"), *jpegs).read_bytes())
    at = 0
    while (at := data.find(b"\xff\xc0\x00\x11\x08", at)) >= 0:
        struct.pack_into(">HH", data, at + 5, 65_500, 65_500)
        at += 5
    path = tmp_path / "huge.mkv"
    path.write_bytes(data)
    assert (await refused(path, limits)).code in {"too_many_pixels", "undecodable", "too_complex"}


async def test_one_picture_for_ten_hours(clips: Clips, tmp_path: Path, limits: Limits) -> None:
    still = ("-vf", "setpts=PTS", "-frames:v", "1", "-bsf:v", "setts=duration=36000/TB")
    clip = clips.make("still.mkv", *picture("320x240", "1", 1), *X264, *still)
    assert (await refused(clip, limits)).code == "too_sparse"


async def test_two_pictures_ten_hours_apart(clips: Clips, limits: Limits) -> None:
    apart = ("-vf", "setpts=N*36000/TB", "-fps_mode", "passthrough")
    clip = clips.make("apart.mp4", *picture("320x240", "2", 1), *X264, *apart)
    assert (await refused(clip, limits)).code == "too_sparse"


async def test_longer_than_is_allowed(clips: Clips, limits: Limits) -> None:
    slow = ("-vf", "setpts=N*300/TB", "-fps_mode", "passthrough")
    clip = clips.make("slow.mp4", *picture("64x64", "50", 4), *X264, *slow)
    assert (await refused(clip, limits)).code == "too_long"


async def test_a_codec_that_is_not_accepted(clips: Clips, limits: Limits) -> None:
    clip = clips.make("snow.avi", *picture("320x240", seconds=1), "-c:v", "snow", "-strict", "-2")
    error = await refused(clip, limits)
    assert error.code == "unsupported_codec"
    assert "snow" in error.message


async def test_noise_in_the_middle_of_a_good_file_harms_nobody(
    clips: Clips, tmp_path: Path, limits: Limits
) -> None:
    data = bytearray(clips.make("noise.mp4", *picture(), *X264).read_bytes())
    for at in range(2_000, len(data) // 2, 97):
        data[at] ^= 0x5A
    path = tmp_path / "noise.mp4"
    path.write_bytes(data)
    found = await probe(path, limits)
    assert found.video is not None


async def test_an_index_of_random_numbers_is_refused_or_read(
    clips: Clips, tmp_path: Path, limits: Limits
) -> None:
    data = clips.make("index.mp4", *picture("320x240"), *X264).read_bytes()
    start = data.index(b"moov")
    for step in (11, 23, 41, 67):
        broken = bytearray(data)
        for at in range(start + 4, len(broken), step):
            broken[at] = (broken[at] * 31 + step) % 256
        path = tmp_path / f"index-{step}.mp4"
        path.write_bytes(broken)
        await refused(path, limits)
