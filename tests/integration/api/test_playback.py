"""Playback over HTTP: what opens, what does not, and what comes out."""

import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import httpx
import m3u8
import pytest
from PIL import Image
from sqlalchemy import text

from app.asgi import create_app
from app.foundation.clock import utc_now
from app.foundation.db.database import Database
from app.foundation.db.ids import new_id
from app.foundation.signing import SignatureExpired
from app.foundation.storage.folder import FolderStore
from app.foundation.tokens import AccessTokens
from app.playback.tokens import PlaybackTokens
from app.seams import make_signer, make_store
from app.settings import Settings
from tests.conftest import add_project
from tests.published_media import SECONDS, MadeMedia, add_asset, make_media, publish

MPD = {"mpd": "urn:mpeg:dash:schema:mpd:2011"}
NewId = Callable[..., Awaitable[str]]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeMedia:
    return make_media(tmp_path_factory.mktemp("media"))


@pytest.fixture
def store(settings: Settings) -> FolderStore:
    return make_store(settings)


@pytest.fixture
async def client(
    settings: Settings, database: Database, store: FolderStore
) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody in particular."""
    app = create_app(settings, database=database, store=store)
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # httpx has looser ASGI types
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield client


def sign_in(settings: Settings, project_id: str, role: str = "owner") -> dict[str, str]:
    tokens = AccessTokens(
        settings.signing_secrets, settings.signing_key_id, lifetime=timedelta(minutes=5)
    )
    token = tokens.issue(user_id=new_id("usr"), project_id=project_id, role=role)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def owner(settings: Settings, project_id: str) -> dict[str, str]:
    return sign_in(settings, project_id)


@pytest.fixture
async def asset_id(database: Database, project_id: str) -> str:
    """An asset that is being processed."""
    return await add_asset(database, project_id)


@pytest.fixture
async def ready_id(
    database: Database, store: FolderStore, made: MadeMedia, project_id: str, asset_id: str
) -> str:
    await publish(database, store, made, project_id, asset_id)
    return asset_id


@pytest.fixture
def new_playback_id(client: httpx.AsyncClient, owner: dict[str, str]) -> NewId:
    async def new(asset_id: str, policy: str = "public") -> str:
        answer = await client.post(
            f"/v1/assets/{asset_id}/playback-ids", json={"policy": policy}, headers=owner
        )
        assert answer.status_code == 201, answer.text
        playback_id: str = answer.json()["id"]
        return playback_id

    return new


@pytest.fixture
async def public_id(ready_id: str, new_playback_id: NewId) -> str:
    return await new_playback_id(ready_id)


@pytest.fixture
async def signed_id(ready_id: str, new_playback_id: NewId) -> str:
    return await new_playback_id(ready_id, "signed")


async def mint(client: httpx.AsyncClient, owner: dict[str, str], playback_id: str) -> str:
    answer = await client.post(
        f"/v1/playback-ids/{playback_id}/tokens", json={"ttl_seconds": 600}, headers=owner
    )
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["token"]
    return token


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def media_uris(client: httpx.AsyncClient, manifest: str) -> list[str]:
    """Every file that the HLS manifest leads to, as paths."""
    answer = await client.get(manifest)
    assert answer.status_code == 200, answer.text
    master = m3u8.loads(answer.text)
    playlists = [p.uri for p in master.playlists] + [m.uri for m in master.media if m.uri]
    uris: list[str] = []
    for playlist in playlists:
        inner = await client.get(playlist)
        assert inner.status_code == 200, inner.text
        parsed = m3u8.loads(inner.text, uri=f"http://x{playlist}")
        absolute = [s.absolute_uri for s in [*parsed.segments, *parsed.segment_map]]
        uris += [playlist, *(uri.removeprefix("http://x") for uri in absolute)]
    return uris


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


async def test_a_signed_id_opens_with_its_token_only(
    client: httpx.AsyncClient,
    owner: dict[str, str],
    signed_id: str,
    ready_id: str,
    new_playback_id: NewId,
) -> None:
    other_id = await new_playback_id(ready_id, "signed")
    token, other = await mint(client, owner, signed_id), await mint(client, owner, other_id)
    for path in (
        f"/{signed_id}.m3u8",
        f"/{signed_id}.mpd",
        f"/{signed_id}/poster.jpg",
        f"/{signed_id}/poster.webp",
        f"/{signed_id}/thumbnail.jpg",
        f"/{signed_id}/thumbnail.webp",
        f"/{signed_id}/storyboard.vtt",
        f"/{signed_id}/status",
    ):
        assert code(await client.get(path)) == (401, "playback_token_missing")
        for wrong in (other, token[:-1], token + "A", "x", "a.1..b"):
            refused = await client.get(path, params={"token": wrong})
            assert code(refused) == (403, "playback_token_invalid"), wrong
        opened = await client.get(path, params={"token": token})
        assert opened.status_code == 200
        assert "public" not in opened.headers["cache-control"]


async def test_an_expired_token_opens_nothing(
    client: httpx.AsyncClient, settings: Settings, signed_id: str
) -> None:
    past = PlaybackTokens(make_signer(settings), clock=lambda: utc_now() - timedelta(hours=2))
    token, _ = past.mint(signed_id, timedelta(hours=1))
    answer = await client.get(f"/{signed_id}.m3u8", params={"token": token})
    assert code(answer) == (403, "playback_token_invalid")
    assert "expired" in answer.json()["detail"]


async def test_media_of_a_signed_id_is_reachable_through_its_manifest_only(
    client: httpx.AsyncClient, owner: dict[str, str], signed_id: str
) -> None:
    token = await mint(client, owner, signed_id)
    uris = await media_uris(client, f"/{signed_id}.m3u8?token={token}")
    segment = next(uri for uri in uris if uri.endswith(".m4s"))
    opened = await client.get(segment)
    assert opened.status_code == 200
    assert opened.headers["cache-control"] == "private, max-age=86400, immutable"
    _, _, grant, audience, rest = segment.split("/", 4)
    assert token not in segment
    for path in (
        f"/media/{grant}x/{audience}/{rest}",
        f"/media/{token}/{audience}/{rest}",
        f"/media/{grant}/public/{rest}",
        f"/media/{audience}/{rest}",
        f"/media/{grant}/{rest}",
    ):
        assert code(await client.get(path)) == (403, "signature_invalid"), path


async def test_a_grant_ends_with_the_token_it_came_from(
    client: httpx.AsyncClient, settings: Settings, signed_id: str
) -> None:
    signer = make_signer(settings)
    token, until = PlaybackTokens(signer).mint(signed_id, timedelta(minutes=10))
    answer = await client.get(f"/{signed_id}.m3u8", params={"token": token})
    _, _, grant, path = m3u8.loads(answer.text).playlists[0].uri.split("/", 3)
    signer.verify_prefix(grant, path, now=until - timedelta(seconds=1))
    with pytest.raises(SignatureExpired):
        signer.verify_prefix(grant, path, now=until)


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


async def test_revoking_ends_the_id_and_touches_no_media(
    client: httpx.AsyncClient,
    owner: dict[str, str],
    ready_id: str,
    public_id: str,
    new_playback_id: NewId,
) -> None:
    other_id = await new_playback_id(ready_id)
    uris = await media_uris(client, f"/{public_id}.m3u8")
    for _ in range(2):
        answer = await client.delete(f"/v1/playback-ids/{public_id}", headers=owner)
        assert answer.status_code == 204
    for path in (f"/{public_id}.m3u8", f"/{public_id}/poster.jpg", f"/{public_id}/status"):
        assert code(await client.get(path)) == (404, "playback_id_not_found")
    assert (await client.get(f"/watch/{public_id}")).status_code == 404
    minted = await client.post(f"/v1/playback-ids/{public_id}/tokens", json={}, headers=owner)
    assert code(minted) == (404, "playback_id_not_found")
    listed = await client.get(f"/v1/assets/{ready_id}/playback-ids", headers=owner)
    assert [item["id"] for item in listed.json()["items"]] == [other_id]
    # Who was watching goes on until the grant ends, and the other id is as it was.
    assert (await client.get(uris[0])).status_code == 200
    assert len(await media_uris(client, f"/{other_id}.m3u8")) == len(uris)


async def test_playback_ids_are_the_projects_own(
    client: httpx.AsyncClient, settings: Settings, database: Database, ready_id: str, public_id: str
) -> None:
    stranger = sign_in(settings, await add_project(database, "Other"))
    for answer, expected in (
        (
            await client.delete(f"/v1/playback-ids/{public_id}", headers=stranger),
            "playback_id_not_found",
        ),
        (
            await client.post(f"/v1/playback-ids/{public_id}/tokens", json={}, headers=stranger),
            "playback_id_not_found",
        ),
        (
            await client.get(f"/v1/assets/{ready_id}/playback-ids", headers=stranger),
            "asset_not_found",
        ),
        (
            await client.post(f"/v1/assets/{ready_id}/playback-ids", json={}, headers=stranger),
            "asset_not_found",
        ),
    ):
        assert code(answer) == (404, expected)


async def test_playback_ids_need_their_scope(
    client: httpx.AsyncClient, settings: Settings, project_id: str, ready_id: str, public_id: str
) -> None:
    viewer = sign_in(settings, project_id, "viewer")
    refused = await client.delete(f"/v1/playback-ids/{public_id}", headers=viewer)
    assert code(refused) == (403, "scope_missing")
    listed = await client.get(f"/v1/assets/{ready_id}/playback-ids", headers=viewer)
    assert listed.status_code == 200


async def test_one_key_makes_one_playback_id(
    client: httpx.AsyncClient, owner: dict[str, str], ready_id: str
) -> None:
    headers = owner | {"Idempotency-Key": "share once"[:5]}
    path = f"/v1/assets/{ready_id}/playback-ids"
    first = await client.post(path, json={}, headers=headers)
    second = await client.post(path, json={}, headers=headers)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"


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


async def test_a_deleted_asset_is_not_shown(
    client: httpx.AsyncClient, database: Database, project_id: str, public_id: str
) -> None:
    async with database.project(project_id) as tx:
        await tx.execute(text("UPDATE assets SET state = 'deleting'"))
    assert code(await client.get(f"/{public_id}.m3u8")) == (404, "playback_id_not_found")


@pytest.mark.parametrize("path", ["/nothing", "/nothing.txt", "/.m3u8", "/a/b.m3u8", "/x.mpd/y"])
async def test_other_paths_are_not_there(client: httpx.AsyncClient, path: str) -> None:
    assert code(await client.get(path)) == (404, "not_found")


async def test_an_unknown_playback_id_is_not_there(client: httpx.AsyncClient) -> None:
    assert code(await client.get("/0000000000.m3u8")) == (404, "playback_id_not_found")


@pytest.mark.parametrize(("kind", "format_"), [("jpg", "JPEG"), ("webp", "WEBP")])
async def test_thumbnails(
    client: httpx.AsyncClient, public_id: str, kind: str, format_: str
) -> None:
    poster = await client.get(f"/{public_id}/poster.{kind}")
    assert Image.open(io.BytesIO(poster.content)).format == format_
    small = await client.get(f"/{public_id}/thumbnail.{kind}", params={"width": 64})
    picture = Image.open(io.BytesIO(small.content))
    assert (picture.format, picture.size) == (format_, (64, 36))
    early = await client.get(f"/{public_id}/thumbnail.{kind}", params={"time": 0})
    late = await client.get(f"/{public_id}/thumbnail.{kind}", params={"time": SECONDS - 0.5})
    assert early.content != late.content
    assert Image.open(io.BytesIO(late.content)).size == Image.open(io.BytesIO(early.content)).size
    again = await client.get(
        f"/{public_id}/thumbnail.{kind}",
        params={"time": 0},
        headers={"If-None-Match": early.headers["etag"]},
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("time=10000", "time_out_of_range"),
        ("time=inf", "time_out_of_range"),
        ("time=-1", "validation_failed"),
        ("time=nan", "validation_failed"),
        ("time=soon", "validation_failed"),
        ("width=0", "validation_failed"),
        ("width=99999", "validation_failed"),
    ],
)
async def test_thumbnails_of_nothing(
    client: httpx.AsyncClient, public_id: str, query: str, expected: str
) -> None:
    assert code(await client.get(f"/{public_id}/thumbnail.jpg?{query}")) == (422, expected)


async def test_the_storyboard_leads_to_its_sheets(
    client: httpx.AsyncClient, owner: dict[str, str], signed_id: str
) -> None:
    token = await mint(client, owner, signed_id)
    index = await client.get(f"/{signed_id}/storyboard.vtt", params={"token": token})
    assert index.headers["content-type"].startswith("text/vtt")
    sheet, box = re.findall(r"^(/media/\S+)#xywh=(\S+)$", index.text, re.MULTILINE)[-1]
    picture = Image.open(io.BytesIO((await client.get(sheet)).content))
    left, top, width, height = (int(number) for number in box.split(","))
    assert left + width <= picture.width
    assert top + height <= picture.height


EVIL = "\"><script>alert(1)</script>' onload=x ${title} $title &amp; </title>"


@pytest.mark.parametrize("page", ["watch", "embed"])
async def test_a_title_is_text_on_every_page(
    client: httpx.AsyncClient,
    database: Database,
    project_id: str,
    new_playback_id: NewId,
    page: str,
) -> None:
    playback_id = await new_playback_id(await add_asset(database, project_id, title=EVIL))
    answer = await client.get(f"/{page}/{playback_id}")
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script>alert" not in answer.text
    assert "' onload" not in answer.text
    assert answer.text.count("<script ") == 2
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors " + {"watch": "'none'", "embed": "*"}[page] in policy
    scripts = await client.get(f"/oembed?url=http://127.0.0.1:8000/{page}/{playback_id}")
    assert "<script>" not in scripts.json()["html"]


async def test_a_page_that_does_not_open_says_why_in_words(
    client: httpx.AsyncClient, signed_id: str
) -> None:
    for path, status, words in (
        (f"/watch/{signed_id}", 401, "opens with a token"),
        (f"/watch/{signed_id}?token=x", 403, "does not open this video"),
        ("/embed/0000", 404, "no longer shared"),
    ):
        answer = await client.get(path)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
        assert words in answer.text
        assert answer.headers["x-correlation-id"] in answer.text


async def test_oembed_makes_an_iframe_that_fits(
    client: httpx.AsyncClient, settings: Settings, owner: dict[str, str], signed_id: str
) -> None:
    token = await mint(client, owner, signed_id)
    page = f"{settings.public_url}/watch/{signed_id}"
    described = await client.get(
        "/oembed", params={"url": f"{page}?token={token}", "maxwidth": 320, "maxheight": 1000}
    )
    body = described.json()
    assert (body["type"], body["version"]) == ("video", "1.0")
    assert (body["width"], body["height"]) == (320, 180)
    assert f"/embed/{signed_id}?token={token}" in body["html"]
    assert code(await client.get("/oembed", params={"url": page}))[0] == 401
    elsewhere = page.replace("127.0.0.1", "elsewhere.example")
    assert code(await client.get("/oembed", params={"url": elsewhere}))[0] == 404
    xml = await client.get("/oembed", params={"url": page, "format": "xml"})
    assert code(xml) == (501, "not_acceptable")


async def test_pages_load_nothing_that_is_not_ours(
    client: httpx.AsyncClient, public_id: str
) -> None:
    page = (await client.get(f"/watch/{public_id}")).text
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith(("/", "http://127.0.0.1:8000/oembed")), address
    for path in ("player/player.js", "player/player.css", "favicon.svg"):
        assert (await client.get(f"/static/{path}")).status_code == 200
    assert Path(__file__).name not in (await client.get("/static/../asgi.py")).text
