"""What is no video is refused, in words for people, and the worker goes on."""

import asyncio
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.system.client import Client
from tests.e2e.system.evidence import assert_store_is_clean, settled
from tests.e2e.system.stack import PART, WORKER, Stack
from tests.media.clips import X264, Clips, picture

GIB = 1024**3
_JARGON = ("moov", "ftyp", "Traceback", "errno", "Error", "None", "ffmpeg", "/tmp", "exception")
Make = Callable[[Clips], bytes]


def _zip(_: Clips) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("film.mp4", bytes(20_000_000))
    return packed.getvalue()


def _truncated(clips: Clips) -> bytes:
    whole = clips.make("whole.mp4", *picture(), *X264).read_bytes()
    return whole[: len(whole) * 2 // 3]


def _huge(clips: Clips) -> bytes:
    data = bytearray(clips.make("size.mp4", *picture("320x180"), *X264).read_bytes())
    entry = data.index(b"avc1", data.index(b"stsd")) + 4 + 24
    struct.pack_into(">HH", data, entry, 65_535, 65_535)
    return bytes(data)


def _ten_hours(clips: Clips) -> bytes:
    still = ("-frames:v", "1", "-bsf:v", "setts=duration=36000/TB")
    return clips.make("still.mkv", *picture("320x180", "1", 1), *X264, *still).read_bytes()


def _as_is(data: bytes) -> Make:
    return lambda _: data


_PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
_MPD = (
    b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet>'
    b"<Representation><BaseURL>file:///etc/passwd</BaseURL></Representation></AdaptationSet>"
    b"</Period></MPD>"
)
_FTYP = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
_BAD: dict[str, tuple[Make, str]] = {
    "text": (_as_is(b"just some notes\n" * 50), "not_media"),
    "zeros": (_as_is(bytes(50_000)), "not_media"),
    "one byte": (_as_is(b"x"), "not_media"),
    "picture": (_as_is(b"\x89PNG\r\n\x1a\n" + bytes(500)), "not_media"),
    "zip bomb": (_zip, "not_media"),
    "playlist": (_as_is(_PLAYLIST), "playlist_refused"),
    "playlist of playlists": (_as_is(b"#EXTM3U\n" + b"film.mp4\n" * 10_000), "playlist_refused"),
    "dash manifest": (_as_is(_MPD), "playlist_refused"),
    "manifest in an mp4's clothes": (_as_is(_FTYP + _MPD), "not_media"),
    "concat script": (_as_is(b"ffconcat version 1.0\nfile '/etc/passwd'\n"), "playlist_refused"),
    "truncated": (_truncated, "truncated"),
    "64k x 64k": (_huge, "too_many_pixels"),
    "one picture for ten hours": (_ten_hours, "too_sparse"),
}


@pytest.mark.parametrize("name", _BAD)
async def test_a_file_that_is_no_video(
    stack: Stack, client: Client, clips: Clips, name: str
) -> None:
    make, code = _BAD[name]
    data = await asyncio.to_thread(make, clips)
    worker = stack.pid(WORKER)
    asset_id = await client.upload_bytes(data, "holiday.mp4")
    asset = await client.ends(asset_id)
    assert (asset["state"], asset["error"]["code"]) == ("failed", code)
    message = asset["error"]["message"]
    assert message[0].isupper()
    assert message.endswith(".")
    assert not any(word in message for word in _JARGON)
    assert asset["renditions"] == []
    attempts = await stack.value("SELECT max(attempt) FROM tasks WHERE asset_id = $1", asset_id)
    assert attempts == 1
    explained = await client.get(f"/v1/assets/{asset_id}/explain")
    assert message in explained["summary"]
    page = await client.send("GET", f"/{asset['playback_ids'][0]['id']}.m3u8")
    assert (page.status_code, page.json()["code"]) == (409, "playback_failed")
    assert stack.pid(WORKER) == worker


async def test_a_good_video_after_all_those(stack: Stack, client: Client, small: Path) -> None:
    await client.becomes_ready(await client.upload(small))
    await settled(stack)
    await assert_store_is_clean(stack)


async def test_another_checksum_than_was_announced(
    stack: Stack, client: Client, small: Path
) -> None:
    asset = await client.ends(await client.upload(small, sha256="0" * 64))
    assert asset["error"]["code"] == "upload_checksum_mismatch"
    assert "SHA-256" in asset["error"]["message"]
    refused = await client.send("POST", f"/v1/assets/{asset['id']}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "asset_state")


@pytest.mark.parametrize(
    ("size", "status", "code"),
    [(0, 422, "upload_empty"), (5 * GIB + 1, 413, "upload_too_large"), (-1, 422, None)],
)
async def test_sizes_that_are_refused(
    client: Client, size: int, status: int, code: str | None
) -> None:
    body = {"filename": "film.mp4", "size_bytes": size}
    answer = await client.send("POST", "/v1/uploads", json=body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code or "validation_failed")
    assert problem["correlation_id"] == answer.headers["X-Correlation-ID"]


async def test_exactly_5_gib_is_taken(client: Client) -> None:
    upload = await client.begin("film.mp4", 5 * GIB)
    assert upload["part_count"] * upload["part_bytes"] == 5 * GIB
    assert (await client.send("DELETE", f"/v1/uploads/{upload['id']}")).status_code == 204


async def test_a_size_that_lies(client: Client, small: Path) -> None:
    data = await asyncio.to_thread(small.read_bytes)
    upload = await client.begin("film.mp4", len(data) + 1)
    [part] = upload["parts"]
    for body in (data, data + b"xx", b""):
        sent = await client.nobody.put(part["url"], content=body, headers=part["headers"])
        assert 400 <= sent.status_code < 500, sent.text
        assert sent.headers["content-type"] == "application/problem+json"
    done = await client.send("POST", f"/v1/uploads/{upload['id']}/complete")
    assert (done.status_code, done.json()["code"]) == (422, "upload_parts_missing")


async def test_parts_that_are_missing_or_not_those_that_were_sent(client: Client) -> None:
    upload = await client.begin("film.mp4", 2 * PART + 10)
    path = f"/v1/uploads/{upload['id']}"
    first = upload["parts"][0]
    small = await client.nobody.put(first["url"], content=b"x", headers=first["headers"])
    assert 400 <= small.status_code < 500
    sent = await client.nobody.put(first["url"], content=bytes(PART), headers=first["headers"])
    assert sent.status_code == 200
    done = await client.send("POST", f"{path}/complete")
    assert (done.status_code, done.json()["missing"]) == (422, [2, 3])
    await client.send_parts(upload, lambda begin, end: bytes(end - begin))
    claimed = [{"number": n, "etag": "0" * 32} for n in (1, 2, 3)]
    done = await client.send("POST", f"{path}/complete", json={"parts": claimed})
    assert (done.status_code, done.json()["code"]) == (422, "upload_part_invalid")
    beyond = await client.send("POST", f"{path}/parts", json={"numbers": [4]})
    assert (beyond.status_code, beyond.json()["code"]) == (422, "upload_part_invalid")
    assert (await client.send("DELETE", path)).status_code == 204


async def test_completing_twice(stack: Stack, client: Client, small: Path) -> None:
    data = await asyncio.to_thread(small.read_bytes)
    upload = await client.begin("film.mp4", len(data))
    await client.send_parts(upload, lambda begin, end: data[begin:end])
    answers = [await client.complete(upload) for _ in range(2)]
    assert [each["asset_id"] for each in answers] == [upload["asset_id"]] * 2
    await client.becomes_ready(upload["asset_id"])
    await client.complete(upload)
    await settled(stack)
    assert await stack.count("jobs WHERE asset_id = $1", upload["asset_id"]) == 2


@pytest.mark.parametrize(
    "filename",
    [
        "../../../../etc/passwd",
        "..\\..\\windows.mp4",
        "/etc/cron.d/x.mp4",
        "a\u202egnp.4pm",
        "пример видео 🎬.mp4",
        "x" * 1000 + ".mp4",
        "quote'\"; rm -rf $HOME `id`.mp4",
        "%2e%2e%2f.mp4",
        "-i.mp4",
        "CON.mp4",
        ".mp4",
        "...",
    ],
)
async def test_names_that_mean_mischief(
    stack: Stack, client: Client, small: Path, filename: str
) -> None:
    data = await asyncio.to_thread(small.read_bytes)
    upload = await client.begin(filename, len(data))
    asset_id = upload["asset_id"]
    key = await stack.value("SELECT source_key FROM assets WHERE id = $1", asset_id)
    assert key in {f"videos/{asset_id}.mp4", f"videos/{asset_id}.bin"}
    title = (await client.asset(asset_id))["title"]
    assert title
    assert "\u202e" not in title
    assert "/" not in title
    assert (await client.send("DELETE", f"/v1/uploads/{upload['id']}")).status_code == 204


@pytest.mark.parametrize("filename", ["", "a\x00b.mp4", "x" * 1025])
async def test_names_that_are_refused_or_cleaned(client: Client, filename: str) -> None:
    answer = await client.send("POST", "/v1/uploads", json={"filename": filename, "size_bytes": 1})
    if answer.status_code == 201:
        assert "\x00" not in answer.json()["filename"]
    else:
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
