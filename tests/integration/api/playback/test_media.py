"""Manifests and what they lead to."""

import re
from xml.etree import ElementTree

import httpx
import m3u8
import pytest
from sqlalchemy import text

from app.foundation.db.database import Database
from app.foundation.storage.folder import FolderStore
from tests.integration.api.playback.asking import NewId, code, media_uris
from tests.published_media import MadeMedia

MPD = {"mpd": "urn:mpeg:dash:schema:mpd:2011"}


async def test_hls_leads_to_every_segment_of_every_rendition(
    client: httpx.AsyncClient, public_id: str, made: MadeMedia
) -> None:
    manifest = await client.get(f"/{public_id}.m3u8")
    assert manifest.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert manifest.headers["access-control-allow-origin"] == "*"
    heights = [p.stream_info.resolution[1] for p in m3u8.loads(manifest.text).playlists]
    assert sorted(heights, reverse=True) == made.heights
    uris = await media_uris(client, f"/{public_id}.m3u8")
    # All that was packaged but the two manifests.
    assert len(set(uris)) == len(made.package.files) - 2
    for uri in uris:
        assert uri.startswith("/media/")
        got = await client.get(uri)
        assert got.status_code == 200
        relative = re.sub(r"^.*?\.1/", "", uri)
        assert got.content == (made.folder / "package" / relative).read_bytes()


async def test_dash_leads_to_the_same_segments(
    client: httpx.AsyncClient, public_id: str, made: MadeMedia
) -> None:
    answer = await client.get(f"/{public_id}.mpd")
    assert answer.headers["content-type"] == "application/dash+xml"
    mpd = ElementTree.fromstring(answer.text)  # noqa: S314  # our own answer
    base = mpd.findtext("mpd:BaseURL", namespaces=MPD)
    representations = mpd.findall(".//mpd:Representation", MPD)
    assert len(representations) == len(made.package.renditions)
    template = mpd.find(".//mpd:SegmentTemplate", MPD)
    assert base is not None
    assert template is not None
    name = template.attrib["media"].replace("$RepresentationID$", representations[0].attrib["id"])
    name = re.sub(r"\$Number(%0(\d)d)?\$", lambda m: "1".zfill(int(m[2] or 1)), name)
    assert (await client.get(base + name)).status_code == 200


@pytest.mark.parametrize(
    ("name", "kind", "cached"),
    [
        ("index.m3u8", "application/vnd.apple.mpegurl", True),
        ("init.mp4", "video/mp4", True),
        ("seg_00001.m4s", "video/iso.segment", True),
    ],
)
async def test_media_says_what_it_is_and_how_long_it_keeps(
    client: httpx.AsyncClient, public_id: str, name: str, kind: str, cached: bool
) -> None:
    uris = await media_uris(client, f"/{public_id}.m3u8")
    answer = await client.get(next(uri for uri in uris if uri.endswith(name)))
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == "public, max-age=86400, immutable"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["accept-ranges"] == "bytes"


async def test_media_in_ranges_and_only_when_it_changed(
    client: httpx.AsyncClient, public_id: str
) -> None:
    uris = await media_uris(client, f"/{public_id}.m3u8")
    uri = next(uri for uri in uris if uri.endswith(".m4s"))
    whole = await client.get(uri)
    etag, size = whole.headers["etag"], len(whole.content)

    part = await client.get(uri, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{size}"
    tail = await client.get(uri, headers={"Range": "bytes=-5", "If-Range": etag})
    assert (tail.status_code, tail.content) == (206, whole.content[-5:])
    other = await client.get(uri, headers={"Range": "bytes=0-4", "If-Range": '"another"'})
    assert (other.status_code, other.content) == (200, whole.content)
    beyond = await client.get(uri, headers={"Range": f"bytes={size}-"})
    assert code(beyond) == (416, "range_not_satisfiable")
    assert beyond.headers["content-range"] == f"bytes */{size}"
    assert beyond.headers["access-control-allow-origin"] == "*"

    same = await client.get(uri, headers={"If-None-Match": f'"other", W/{etag}'})
    assert (same.status_code, same.content) == (304, b"")
    looked = await client.head(uri)
    assert (looked.status_code, looked.content) == (200, b"")
    assert looked.headers["content-length"] == str(size)
    assert looked.headers["content-type"] == whole.headers["content-type"]

    asked = await client.options(uri, headers={"Origin": "https://elsewhere.example"})
    assert asked.status_code == 204
    assert "Range" in asked.headers["access-control-allow-headers"]


async def test_a_manifest_is_fetched_again_only_when_it_changed(
    client: httpx.AsyncClient, public_id: str
) -> None:
    first = await client.get(f"/{public_id}.m3u8")
    assert first.headers["cache-control"] == "public, no-cache"
    again = await client.get(f"/{public_id}.m3u8", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


async def test_no_path_leads_out_of_the_granted_prefix(
    client: httpx.AsyncClient, store: FolderStore, public_id: str
) -> None:
    await store.put("videos/secret.mp4", b"secret")
    uris = await media_uris(client, f"/{public_id}.m3u8")
    playlist = next(uri for uri in uris if uri.endswith("index.m3u8"))
    folder = playlist.rpartition("/")[0]
    up = folder.count("/") - 2
    for way in (
        "../" * up + "videos/secret.mp4",
        "..%2f" * up + "videos/secret.mp4",
        "%2e%2e/" * up + "videos/secret.mp4",
        "%252e%252e/" * up + "videos/secret.mp4",
        "..\\" * up + "videos\\secret.mp4",
        "%00/../secret.mp4",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        ".%2f.%2fsecret.mp4",
    ):
        # As it stands: httpx would tidy the dots away.
        url = httpx.URL(str(client.base_url)).copy_with(raw_path=f"{folder}/{way}".encode())
        answer = await client.send(httpx.Request("GET", url))
        assert answer.status_code in {403, 404}, way
        assert b"secret" not in answer.content.replace(b"secret.mp4", b"")


async def test_what_is_not_ready_says_so_and_how_far_it_is(
    client: httpx.AsyncClient, asset_id: str, new_playback_id: NewId
) -> None:
    playback_id = await new_playback_id(asset_id)
    for path in (f"/{playback_id}.m3u8", f"/{playback_id}/poster.jpg"):
        answer = await client.get(path)
        assert code(answer) == (409, "playback_not_ready")
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["state"] == "processing"
    status = (await client.get(f"/{playback_id}/status")).json()
    assert (status["state"], status["playable"], status["progress"]) == ("processing", False, 0)
    page = await client.get(f"/watch/{playback_id}")
    assert page.status_code == 200


async def test_what_failed_says_why(
    client: httpx.AsyncClient,
    database: Database,
    project_id: str,
    asset_id: str,
    new_playback_id: NewId,
) -> None:
    playback_id = await new_playback_id(asset_id)
    async with database.project(project_id) as tx:
        await tx.execute(
            text("UPDATE assets SET state = 'failed', error_message = 'The file is cut off.'")
        )
    answer = await client.get(f"/{playback_id}.m3u8")
    assert code(answer) == (409, "playback_failed")
    assert answer.json()["detail"] == "The file is cut off."
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("path", ["/nothing", "/nothing.txt", "/.m3u8", "/a/b.m3u8", "/x.mpd/y"])
async def test_other_paths_are_not_there(client: httpx.AsyncClient, path: str) -> None:
    assert code(await client.get(path)) == (404, "not_found")
